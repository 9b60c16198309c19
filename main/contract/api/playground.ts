// Edits being tried, before anything of them is saved: what their operations are, the next token with and without them, and
// texts of both as they are written. Operations are given as they stand on the screen, unsaved ones among them.
import * as v from 'valibot';
import { hashSchema } from '../base/fields.ts';
import { operationListSchema } from '../domain/edit.ts';
import { query, stream } from '../rpc/procedure.ts';

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const text = v.pipe(v.string(), v.maxLength(200_000));
const nullableNumber = v.nullable(v.number());

/** `instructed`: the original model with an instruction in its prompt, the edit's prompt-only rival. */
export const COLUMN_NAMES = ['original', 'patched', 'instructed'] as const;

const tried = {
  /** The model, by its hash. */
  model: hashSchema,
  /** None: the model as it is. */
  operations: operationListSchema,
  prompt: text,
  /** The prompt as it stands, also where the model has a chat template. */
  raw: v.boolean(),
};

const token = v.object({ id: v.number(), text: v.string() });

export const playground = {
  describe: query({
    summary: 'What is known of operations and of the features that they name',
    shows: ['models', 'dictionaries', 'features', 'labels'],
    input: v.strictObject({ model: hashSchema, operations: operationListSchema }),
    output: v.object({
      /** In the order of the operations. */
      operations: v.array(
        v.object({
          badge: v.nullable(v.picklist(['exact', 'calibrated', 'approximate'])),
          /** Why it has that badge. */
          reason: v.string(),
          /** Why it cannot be computed here: its dictionary is missing, or of another model. Null: it can. */
          problem: v.nullable(v.string()),
        }),
      ),
      /** Each once: those that are changed, and those of gates and scopes. */
      features: v.array(
        v.object({
          dictionary: v.string(),
          feature: v.number(),
          /** Of the dictionary; null where the project does not have it. */
          name: v.nullable(v.string()),
          label: v.string(),
          /** Of its activation; null without statistics. */
          max: nullableNumber,
          mean: nullableNumber,
          rate: nullableNumber,
        }),
      ),
    }),
  }),
  nextTokens: query({
    summary: 'The likeliest next tokens at a place of a text, with and without operations',
    shows: ['models', 'dictionaries'],
    input: v.strictObject({
      ...tried,
      /** Ids of tokens that follow the prompt: a text of a column. */
      continuation: v.pipe(v.array(whole), v.maxLength(100_000)),
      /** The next token after this one: an index into the tokens of prompt and continuation; the last when left out. */
      position: v.exactOptional(whole),
      /** How many of the likeliest tokens of each. */
      count: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(200)),
    }),
    output: v.object({
      /** Of the operations: the hash of their content; null without any. */
      edit: v.nullable(v.string()),
      hasChatTemplate: v.boolean(),
      /** The prompt as the model reads it, in its chat template where it has one. */
      promptText: v.string(),
      promptTokens: v.array(token),
      position: v.number(),
      /** KL(original ‖ patched) of the next token, in nats; null without operations. */
      kl: nullableNumber,
      next: v.array(
        v.object({
          ...token.entries,
          /** Probability, 0 to 1. */
          original: v.number(),
          patched: nullableNumber,
          /** Patched logit − original logit. */
          logitDifference: nullableNumber,
        }),
      ),
    }),
  }),
  generate: stream({
    summary: 'Generate the original and the patched text side by side, token by token',
    changes: [],
    input: v.strictObject({
      ...tried,
      /** Asks for the column `instructed`; in the chat template it is the system text, else it stands before the prompt. */
      instruction: v.exactOptional(text),
      maxNewTokens: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(4096)),
      /** 0, the default, always takes the likeliest token. */
      temperature: v.exactOptional(v.pipe(v.number(), v.minValue(0), v.maxValue(100))),
      /** All columns draw the same random numbers. */
      seed: v.exactOptional(whole),
    }),
    chunk: v.object({
      column: v.picklist(COLUMN_NAMES),
      id: v.number(),
      /** As it reads in the middle of a text. */
      token: v.string(),
      /**
       * KL(original ‖ column) in nats of the distributions that this token was chosen from, given the tokens before it; in
       * the column `original` it is KL(original ‖ patched). Null where there is nothing to compare with.
       */
      kl: nullableNumber,
      /** Of this token, without temperature. */
      originalProbability: nullableNumber,
      treatedProbability: nullableNumber,
    }),
    output: v.object({
      edit: v.nullable(v.string()),
      promptText: v.string(),
      instructedText: v.nullable(v.string()),
      columns: v.array(
        v.object({
          column: v.picklist(COLUMN_NAMES),
          ids: v.array(v.number()),
          text: v.string(),
          promptTokens: v.number(),
          /** 'stop': the model ended the text; 'length': it is as long as was asked for, or possible. */
          end: v.picklist(['stop', 'length']),
        }),
      ),
    }),
  }),
};

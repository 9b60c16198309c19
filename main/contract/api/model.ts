// Models of the project. Their weights stay where they are.
import * as v from 'valibot';
import { locationSchema, nameSchema } from '../base/fields.ts';
import { originSchema } from '../domain/hub.ts';
import { estimatorSchema } from '../domain/attribution.ts';
import { operationListSchema } from '../domain/edit.ts';
import { command, query, nothing, stream } from '../rpc/procedure.ts';
import { bosRuleSchema } from '../domain/bosRule.ts';
import { progressSchema } from '../domain/job.ts';

export const modelSchema = v.object({
  name: v.string(),
  hash: v.string(),
  /** As config.json names the architecture: 'gpt2', 'llama'. */
  modelType: v.string(),
  layers: v.number(),
  hiddenSize: v.number(),
  vocabularySize: v.number(),
  contextLength: v.number(),
  hasTokenizer: v.boolean(),
  /** Where its files are, for people to read. */
  folder: v.string(),
  /** False: the folder has gone; the model cannot be used until it is back. */
  isThere: v.boolean(),
  added: v.string(),
  /** Its tokenizer, template or generation config that have changed since: it is not used until they are accepted. */
  changedFiles: v.pipe(v.array(v.string()), v.readonly()),
  /** The repository of the Hub that it came from, pinned to a commit. */
  origin: v.exactOptional(originSchema),
  /** Whether a BOS goes before texts. */
  bos: bosRuleSchema,
});

const siteSchema = v.object({
  /** `blocks.3.hook_resid_post` */
  name: v.string(),
  /** Null for the embedding. */
  block: v.nullable(v.number()),
  /** Numbers per token. */
  width: v.number(),
});

const byName = v.strictObject({ model: nameSchema });
const tokens = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(4096));
const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const tokenOf = v.union([whole, v.string()]);
const prompt = v.pipe(v.string(), v.maxLength(200_000));

export const model = {
  list: query({
    summary: 'The models of the project',
    shows: ['models'],
    input: nothing,
    output: v.array(modelSchema),
  }),
  describe: query({
    summary: 'A model, its architecture and its sites, in the order in which it computes them',
    shows: ['models'],
    input: byName,
    output: v.object({
      model: modelSchema,
      /** What goes before a text, as it is written; null without a tokenizer. */
      opening: v.nullable(v.array(v.string())),
      sites: v.array(siteSchema),
      architecture: v.object({
        parameters: v.number(),
        heads: v.number(),
        keyValueHeads: v.number(),
        headDim: v.number(),
        intermediateSize: v.number(),
        /** How a block adds up: 'sequential', 'parallel', 'post-norm' … */
        residual: v.string(),
        bytes: v.number(),
        bosTokenId: v.nullable(v.number()),
        eosTokenIds: v.array(v.number()),
      }),
    }),
  }),
  /** Reads and hashes all weights, which takes a while for large ones: chunks tell how far it is. */
  add: stream({
    summary: 'Add a model from its folder',
    changes: ['models', 'project'],
    input: v.strictObject({ location: locationSchema, name: v.exactOptional(nameSchema) }),
    chunk: progressSchema,
    output: modelSchema,
  }),
  /** Reads and hashes all weights, as add does. */
  move: stream({
    summary: 'Say where a model is now; its hash proves that it is the same',
    changes: ['models', 'project'],
    input: v.strictObject({
      model: nameSchema,
      location: locationSchema,
      /** A tokenizer, template or generation config that has changed becomes the model's. */
      accepts: v.exactOptional(v.boolean()),
    }),
    chunk: progressSchema,
    output: modelSchema,
  }),
  accept: command({
    summary: 'Accept a changed tokenizer, chat template or generation config of a model',
    changes: ['models'],
    input: byName,
    output: modelSchema,
  }),
  setBos: command({
    summary: 'Say whether a BOS stands before texts of a model',
    changes: ['models'],
    input: v.strictObject({ model: nameSchema, rule: bosRuleSchema }),
    output: modelSchema,
  }),
  generate: stream({
    summary: 'Generate text from a prompt, token by token',
    changes: [],
    input: v.strictObject({
      model: nameSchema,
      prompt,
      maxNewTokens: tokens,
      /** 0, the default, always takes the likeliest token. */
      temperature: v.exactOptional(v.pipe(v.number(), v.minValue(0), v.maxValue(100))),
      topK: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1))),
      topP: v.exactOptional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
      seed: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0))),
      ignoreStops: v.exactOptional(v.boolean()),
    }),
    /** The text that a token completes: '' in the middle of a character; null where the model has no tokenizer. */
    chunk: v.object({ id: v.number(), text: v.nullable(v.string()) }),
    output: v.object({
      text: v.nullable(v.string()),
      ids: v.array(v.number()),
      promptTokens: v.number(),
      /** 'stop': the model ended the text; 'length': it is as long as was asked for. */
      end: v.picklist(['stop', 'length']),
      tokens: v.number(),
      tokensPerSecond: v.number(),
    }),
  }),
  nextTokens: query({
    summary: 'The likeliest next tokens after a text, with their probabilities',
    shows: ['models'],
    input: v.strictObject({
      model: nameSchema,
      prompt,
      count: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(200)),
    }),
    output: v.object({
      promptTokens: v.array(v.object({ id: v.number(), text: v.string() })),
      next: v.array(v.object({ id: v.number(), text: v.string(), probability: v.number() })),
    }),
  }),
  why: query({
    summary: 'The features that raised and lowered the logit of a token, predicted by the gradient',
    shows: ['models', 'dictionaries', 'labels'],
    input: v.strictObject({
      model: nameSchema,
      /** A text, opened by the BOS token where the model has one; or its tokens as they are. */
      text: v.union([prompt, v.pipe(v.array(whole), v.minLength(1), v.maxLength(100_000))]),
      /** The token to explain, an index into the tokens of the text; the next one when left out. */
      token: v.exactOptional(whole),
      /** What is explained there: a token by its text or id. That of the text, or the likeliest next one, when left out. */
      target: v.exactOptional(tokenOf),
      /** Explains the difference to the logit of another token. */
      against: v.exactOptional(tokenOf),
      /** Explains the model with these operations. */
      operations: v.exactOptional(operationListSchema),
      /** Names, one a site; the first of every site when left out. */
      dictionaries: v.exactOptional(v.pipe(v.array(nameSchema), v.minLength(1))),
      /** How many of the largest effects. */
      count: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000))),
      estimator: v.exactOptional(estimatorSchema),
      /** Features to ablate as well: at a position, or at all of them. */
      ablate: v.exactOptional(
        v.pipe(
          v.array(
            v.strictObject({
              dictionary: nameSchema,
              feature: whole,
              position: v.exactOptional(v.nullable(whole)),
            }),
          ),
          v.maxLength(100),
        ),
      ),
    }),
    output: v.object({
      /** Those before the token. */
      tokens: v.array(v.string()),
      token: v.object({ id: v.number(), text: v.string() }),
      against: v.nullable(v.object({ id: v.number(), text: v.string() })),
      /** The logit, or the difference of both. */
      value: v.number(),
      sites: v.array(
        v.object({
          site: v.string(),
          dictionary: v.string(),
          /** How many features were active at how many positions, together. */
          active: v.number(),
          /** Of all effects, and what ablating all of these features changes. */
          sum: v.number(),
          measured: v.number(),
          /** What the reconstruction leaves over, and the decoder's bias. */
          error: v.number(),
          bias: v.number(),
          /** The effects, and what the reconstruction leaves over, at each token of the text. */
          byPosition: v.array(v.number()),
          errorByPosition: v.array(v.number()),
        }),
      ),
      /** The largest first. */
      effects: v.array(
        v.object({
          site: v.string(),
          dictionary: v.string(),
          /** Of the dictionary: what its labels and operations name it by. */
          hash: v.string(),
          feature: v.number(),
          position: v.number(),
          activation: v.number(),
          effect: v.number(),
          /** By ablation; null where it was not measured. */
          measured: v.nullable(v.number()),
          label: v.string(),
        }),
      ),
      /** What was asked to be ablated, in its order: the value less what it is without the feature. */
      ablated: v.array(
        v.object({
          site: v.string(),
          dictionary: v.string(),
          feature: v.number(),
          /** Null: all positions. */
          position: v.nullable(v.number()),
          measured: v.number(),
          label: v.string(),
        }),
      ),
      estimator: estimatorSchema,
    }),
  }),
};

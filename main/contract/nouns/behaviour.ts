// Behaviours: suites of prompts and checks, and what evaluations found.
import * as v from 'valibot';
import { hashSchema, locationSchema, reasonEntries } from '../fields.ts';
import { command, nothing, query } from '../procedure.ts';
import { stepSchema } from './history.ts';

const bound = v.picklist(['atLeast', 'atMost']);

export const checkSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('contains'), text: v.string(), ignoreCase: v.boolean(), expected: v.boolean() }),
  v.strictObject({ kind: v.literal('regex'), pattern: v.string(), ignoreCase: v.boolean(), expected: v.boolean() }),
  v.strictObject({ kind: v.literal('refuses'), phrases: v.array(v.string()), expected: v.boolean() }),
  v.strictObject({ kind: v.literal('probability'), continuation: v.string(), bound, value: v.number() }),
  v.strictObject({
    kind: v.literal('logitDifference'),
    continuation: v.string(),
    against: v.string(),
    bound,
    value: v.number(),
  }),
  v.strictObject({
    kind: v.literal('multipleChoice'),
    choices: v.array(v.string()),
    answer: v.number(),
    expected: v.boolean(),
  }),
]);

export const behaviourSchema = v.strictObject({
  format: v.literal('errata.behaviour.1'),
  name: v.string(),
  description: v.string(),
  /** What an edit wants of the share of cases that pass. */
  aim: v.picklist(['lower', 'raise', 'keep']),
  maxNewTokens: v.number(),
  cases: v.array(
    v.strictObject({
      role: v.picklist(['target', 'lookalike', 'collateral']),
      system: v.string(),
      prompt: v.string(),
      raw: v.boolean(),
      checks: v.array(checkSchema),
      note: v.string(),
      /** `choose`: an edit may be searched with it; `report`: figures are made from it. */
      split: v.picklist(['choose', 'report']),
      /** Some part of its wording was not trained on. */
      isHeldOut: v.boolean(),
      /** Facts by which cases are grouped. */
      tags: v.record(v.string(), v.string()),
    }),
  ),
});

const stored = v.object({
  name: v.string(),
  /** Content id: what versions and results refer to. A changed behaviour gets another. */
  id: v.string(),
  author: v.string(),
  time: v.string(),
  revision: v.number(),
});

const metric = v.object({
  value: v.number(),
  low: v.optional(v.number()),
  high: v.optional(v.number()),
  sample: v.optional(v.number()),
});

const result = v.object({
  id: v.string(),
  /** Null: the model without any edit. */
  version: v.nullable(v.string()),
  model: v.string(),
  behaviour: v.string(),
  passRate: v.number(),
  cases: v.array(v.object({ passed: v.boolean(), score: v.nullable(v.number()), output: v.string() })),
  metrics: v.record(v.string(), metric),
  tool: v.string(),
  author: v.string(),
  time: v.string(),
});

/** A name, a content id, or four or more digits of one. */
const ref = v.pipe(v.string(), v.minLength(1), v.maxLength(200));

export const behaviour = {
  list: query({
    summary: 'The behaviours of the project',
    input: nothing,
    output: v.array(
      v.object({
        ...stored.entries,
        cases: v.number(),
        description: v.string(),
        aim: v.picklist(['lower', 'raise', 'keep']),
        maxNewTokens: v.number(),
      }),
    ),
  }),
  show: query({
    summary: 'The prompts and checks of a behaviour',
    input: v.strictObject({ ref }),
    output: v.object({ id: v.string(), behaviour: behaviourSchema, stored: v.nullable(stored) }),
  }),
  save: command({
    summary: 'Store a behaviour under its name',
    /** `expectedRevision`: the one that was opened, 0 for a new name; `conflict` when it is another by now. */
    input: v.strictObject({
      behaviour: behaviourSchema,
      expectedRevision: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0))),
      ...reasonEntries,
    }),
    output: stored,
  }),
  import: command({
    summary: 'Bring in a behaviour: JSON, or prompts and checks as JSONL or CSV',
    /** `name` is needed for JSONL and CSV. */
    input: v.strictObject({
      location: locationSchema,
      name: v.exactOptional(v.pipe(v.string(), v.maxLength(100))),
      maxNewTokens: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(4096))),
      ...reasonEntries,
    }),
    output: stored,
  }),
  remove: command({
    summary: 'Take a behaviour’s name away; versions that must satisfy it still know its content',
    input: v.strictObject({ name: ref, ...reasonEntries }),
    output: nothing,
  }),
  history: query({
    summary: 'Who changed a behaviour, when and why',
    input: v.strictObject({ name: ref }),
    output: v.array(v.object({ change: v.number(), step: stepSchema, content: v.nullable(v.string()) })),
  }),
  results: query({
    summary: 'What evaluations found, the newest first',
    /** `version` null: the unedited model only. */
    input: v.strictObject({ behaviour: v.exactOptional(ref), version: v.exactOptional(v.nullable(hashSchema)) }),
    output: v.array(result),
  }),
};

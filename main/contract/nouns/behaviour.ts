// Behaviours: suites of prompts and checks, and what evaluations found.
import * as v from 'valibot';
import { hashSchema, locationSchema, reasonEntries } from '../fields.ts';
import { command, nothing, query } from '../procedure.ts';
import { stepSchema } from './history.ts';

const bound = v.picklist(['atLeast', 'atMost']);

/** Members that are not named here pass through as they are: storing a behaviour checks them all. */
export const checkSchema = v.variant('kind', [
  v.looseObject({ kind: v.literal('contains'), text: v.string(), ignoreCase: v.boolean(), expected: v.boolean() }),
  v.looseObject({ kind: v.literal('regex'), pattern: v.string(), ignoreCase: v.boolean(), expected: v.boolean() }),
  v.looseObject({ kind: v.literal('refuses'), phrases: v.array(v.string()), expected: v.boolean() }),
  v.looseObject({ kind: v.literal('probability'), continuation: v.string(), bound, value: v.number() }),
  v.looseObject({
    kind: v.literal('logitDifference'),
    continuation: v.string(),
    against: v.string(),
    bound,
    value: v.number(),
  }),
  v.looseObject({
    kind: v.literal('multipleChoice'),
    choices: v.array(v.string()),
    answer: v.number(),
    expected: v.boolean(),
  }),
]);

export const behaviourSchema = v.looseObject({
  format: v.literal('errata.behaviour.1'),
  name: v.string(),
  description: v.string(),
  maxNewTokens: v.number(),
  cases: v.array(
    v.looseObject({
      role: v.picklist(['target', 'lookalike', 'collateral']),
      system: v.string(),
      prompt: v.string(),
      raw: v.boolean(),
      checks: v.array(checkSchema),
      note: v.string(),
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
      v.object({ ...stored.entries, cases: v.number(), description: v.string(), maxNewTokens: v.number() }),
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

// Behaviours: suites of prompts and checks, and what evaluations found.
import * as v from 'valibot';
import { hashSchema, locationSchema, nameSchema, reasonEntries, refSchema } from '../base/fields.ts';
import { operationListSchema } from '../domain/edit.ts';
import { AIMS, behaviourSchema } from '../domain/behaviour.ts';
import { caseResultSchema, metricSchema } from '../domain/behaviourResult.ts';
import { command, nothing, query } from '../rpc/procedure.ts';
import { stepSchema } from './history.ts';
import { jobSchema } from '../domain/job.ts';

const stored = v.object({
  name: v.string(),
  /** Content id: what versions and results refer to. A changed behaviour gets another. */
  id: v.string(),
  author: v.string(),
  time: v.string(),
  revision: v.number(),
});

export const triedSchema = v.object({
  passed: v.boolean(),
  /** The generated text; empty where no check looks at text. */
  output: v.string(),
  /** Of each check; the score is what it compares. */
  verdicts: v.array(v.object({ passed: v.boolean(), score: v.nullable(v.number()) })),
});

const result = v.object({
  id: v.string(),
  /** Null: the model without any edit. */
  version: v.nullable(v.string()),
  model: v.string(),
  behaviour: v.string(),
  passRate: v.number(),
  cases: v.array(caseResultSchema),
  metrics: v.record(v.string(), metricSchema),
  tool: v.string(),
  author: v.string(),
  time: v.string(),
});

/** A name, a content id, or four or more digits of one. */
const ref = refSchema;

export const behaviour = {
  list: query({
    summary: 'The behaviours of the project',
    shows: ['behaviours', 'edits', 'evaluations'],
    input: nothing,
    output: v.array(
      v.object({
        ...stored.entries,
        cases: v.number(),
        description: v.string(),
        aim: v.picklist(AIMS),
        maxNewTokens: v.number(),
        /** Cases that an edit may be searched with, and those that figures are made from. */
        choose: v.number(),
        report: v.number(),
        /** Cases some part of whose wording was not trained on. */
        heldOut: v.number(),
        /** How many checks there are of each kind. */
        checks: v.record(v.string(), v.number()),
        /** Share of the cases that passed when it was last run, as it reads now; null: never. */
        unedited: v.nullable(metricSchema),
        head: v.nullable(metricSchema),
      }),
    ),
  }),
  show: query({
    summary: 'The prompts and checks of a behaviour',
    shows: ['behaviours'],
    input: v.strictObject({ ref }),
    output: v.object({ id: v.string(), behaviour: behaviourSchema, stored: v.nullable(stored) }),
  }),
  save: command({
    summary: 'Store a behaviour under its name',
    changes: ['behaviours', 'history', 'project'],
    /** `expectedRevision`: the one that was opened, 0 for a new name; `conflict` when it is another by now. */
    input: v.strictObject({
      behaviour: behaviourSchema,
      expectedRevision: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0))),
      ...reasonEntries,
    }),
    output: stored,
  }),
  problems: query({
    summary: 'What is wrong with a behaviour before it is saved, expressions that explode among it',
    shows: [],
    /** Not yet a behaviour: whatever stands in the table. */
    input: v.strictObject({ behaviour: v.unknown() }),
    output: v.object({
      problems: v.array(v.object({ /** Null: of the whole. */ case: v.nullable(v.number()), message: v.string() })),
    }),
  }),
  tryCase: query({
    summary: 'Run one case on the base model and with an edit',
    shows: ['models', 'edits'],
    input: v.strictObject({
      case: v.unknown(),
      maxNewTokens: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(4096)),
      /** A version, or `working`; the model alone when left out. */
      edit: v.exactOptional(ref),
      /** Operations as they stand on the screen, in place of `edit`. */
      operations: v.exactOptional(operationListSchema),
      /** Where there is no edit that tells it, and the project has several. */
      model: v.exactOptional(nameSchema),
    }),
    output: v.object({ before: triedSchema, after: v.nullable(triedSchema) }),
  }),
  outcomes: query({
    summary: 'What is known of each case of a behaviour: whether it passed when it was last run or evaluated',
    shows: ['behaviours', 'edits', 'evaluations'],
    input: v.strictObject({ ref }),
    /** In the order of the cases; null where it was never run. */
    output: v.object({
      unedited: v.array(v.nullable(v.boolean())),
      /** With the version that the working edit started from. */
      head: v.array(v.nullable(v.boolean())),
    }),
  }),
  run: command({
    summary: 'Run all cases on the base model or on a version, and store what passed: a job',
    changes: [],
    /** `version` null: the base model. */
    input: v.strictObject({ name: ref, version: v.nullable(ref), model: v.exactOptional(nameSchema) }),
    output: jobSchema,
  }),
  import: command({
    summary: 'Bring in a behaviour: JSON, or prompts and checks as JSONL or CSV',
    changes: ['behaviours', 'history', 'project'],
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
    changes: ['behaviours', 'history', 'project'],
    input: v.strictObject({ name: ref, ...reasonEntries }),
    output: nothing,
  }),
  history: query({
    summary: 'Who changed a behaviour, when and why',
    shows: ['behaviours', 'history'],
    input: v.strictObject({ name: ref }),
    output: v.array(v.object({ change: v.number(), step: stepSchema, content: v.nullable(v.string()) })),
  }),
  results: query({
    summary: 'What evaluations found, the newest first',
    shows: ['behaviours', 'evaluations'],
    /** `version` null: the unedited model only. */
    input: v.strictObject({ behaviour: v.exactOptional(ref), version: v.exactOptional(v.nullable(hashSchema)) }),
    output: v.array(result),
  }),
};

// The finder: from prompts that show a behaviour and prompts that do not to the features behind it, and the smallest edit
// that removes it. A search is a job; what it finds out is kept with the project as it comes, as a finding.
import * as v from 'valibot';
import { candidateSchema, figuresSchema, foundDoseSchema, stepSchema } from '../domain/finding.ts';
import { locationSchema, nameSchema, paragraphSchema, reasonEntries } from '../base/fields.ts';
import { operationSchema } from '../domain/edit.ts';
import { findRequestSettings } from '../domain/findSettings.ts';
import { command, nothing, query } from '../rpc/procedure.ts';
import { corpusSchema } from './activations.ts';
import { labelSchema, workingSchema } from './edit.ts';
import { jobSchema } from '../domain/job.ts';

const behaviourName = v.pipe(v.string(), v.minLength(1), v.maxLength(200));
const prompts = v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(100_000))), v.maxLength(10_000));

/** What is to be removed and what must stay. Half of each, or the split that a suite says, chooses; the rest reports. */
const sidesSchema = v.variant('from', [
  v.strictObject({
    from: v.literal('behaviours'),
    target: behaviourName,
    /** All stored ones whose aim is to be kept, when left out. */
    keep: v.exactOptional(v.pipe(v.array(behaviourName), v.maxLength(1000))),
  }),
  v.strictObject({
    from: v.literal('prompts'),
    /** What the model says now to these is to go; to those it is to stay. */
    with: prompts,
    without: prompts,
    /** How much of the answers counts. */
    maxNewTokens: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(256))),
    /** Given to the model as they stand, without its chat template. */
    raw: v.exactOptional(v.boolean()),
  }),
]);

export const findSchema = v.strictObject({
  name: nameSchema,
  sides: sidesSchema,
  dictionaries: v.pipe(v.array(nameSchema), v.minLength(1), v.maxLength(100)),
  /** Text without the behaviour, which must stay as likely as it is. */
  corpus: v.exactOptional(corpusSchema),
  settings: v.exactOptional(findRequestSettings),
});

const finding = v.object({
  name: v.string(),
  /** What was searched for: the name of a behaviour, or how many prompts. */
  subject: v.string(),
  /** The behaviour, where one was named. */
  behaviour: v.nullable(v.string()),
  dictionaries: v.array(v.string()),
  startedAt: v.string(),
  /** Of what was found; null while the search is under way, and for one that was stopped. */
  result: v.nullable(
    v.object({
      operations: v.number(),
      isReached: v.boolean(),
      /** Share of the target's cases that is still shown, on cases that chose nothing where there are any. */
      shown: v.number(),
    }),
  ),
});

const side = v.object({
  name: v.string(),
  /** Cases that choose, and cases that report; how many of them are looked at is bounded by the settings. */
  choose: v.number(),
  report: v.number(),
  lookedAt: v.number(),
});

export const finder = {
  readPrompts: query({
    summary: 'The prompts of a file: .txt with one a line, .jsonl, or .csv with a column prompt',
    shows: [],
    input: v.strictObject({ location: locationSchema }),
    output: v.object({ prompts: v.array(v.string()) }),
  }),
  plan: query({
    summary: 'What a search would look at, and about how long it takes',
    shows: ['behaviours', 'dictionaries', 'findings'],
    input: findSchema,
    output: v.object({
      target: side,
      keep: v.array(side),
      /** Tokens that it reads at most. */
      tokens: v.number(),
      seconds: v.number(),
      /** By how fast the last search on this model was; false: by the size of the model, a guess. */
      isMeasured: v.boolean(),
    }),
  }),
  /** It has no checkpoints: one that was stopped begins anew. A finding of the same name is written over. */
  start: command({ summary: 'Search: a job', changes: ['findings'], input: findSchema, output: jobSchema }),
  list: query({
    summary: 'What searches found, the newest first',
    shows: ['findings'],
    input: nothing,
    output: v.array(finding),
  }),
  show: query({
    summary: 'A finding, also of a search that is under way',
    shows: ['findings', 'labels'],
    input: v.strictObject({ name: nameSchema }),
    output: v.object({
      ...finding.entries,
      /** In how many of the cases looked at the unedited model shows each behaviour. */
      read: v.array(v.object({ behaviour: v.string(), cases: v.number(), shown: v.number() })),
      /** By measured effect, falling; null before it is known. */
      candidates: v.nullable(v.array(candidateSchema)),
      steps: v.array(stepSchema),
      found: v.nullable(
        v.object({
          ...figuresSchema.entries,
          operations: v.array(operationSchema),
          isReached: v.boolean(),
          /** On cases that no choice was made with. */
          report: v.nullable(figuresSchema),
          doses: v.array(foundDoseSchema),
          trials: v.number(),
        }),
      ),
      /** Of all features named, as they read now. */
      labels: v.array(labelSchema),
    }),
  }),
  remove: command({
    summary: 'Throw a finding away',
    changes: ['findings'],
    input: v.strictObject({ name: nameSchema }),
    output: nothing,
  }),
  take: command({
    summary: 'Put the found operations into the working edit; one is begun where there is none of the model',
    changes: ['edits', 'history'],
    /** `discard`: also when a working edit of another model holds uncommitted changes. */
    input: v.strictObject({ name: nameSchema, discard: v.exactOptional(v.boolean()), ...reasonEntries }),
    output: workingSchema,
  }),
  commit: command({
    summary: 'Make the found edit the first version of a new branch',
    changes: ['edits', 'history', 'project'],
    input: v.strictObject({
      name: nameSchema,
      branch: v.pipe(v.string(), v.minLength(1), v.maxLength(100)),
      message: paragraphSchema(10_000, 1),
    }),
    output: v.object({ version: v.string() }),
  }),
};

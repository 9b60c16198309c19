// Edits and their versions. There is one working edit: operations that were changed and not committed yet. A version is
// named by its id (or four or more digits of it), a branch, a tag or HEAD, each followed by ~N or ^N.
import * as v from 'valibot';
import {
  featureSchema,
  hashSchema,
  locationSchema,
  paragraphSchema,
  reasonEntries,
  siteSchema,
  refSchema,
} from '../base/fields.ts';
import { bisectMarksSchema, bisectStepSchema } from '../domain/bisection.ts';
import { operationListSchema, operationSchema } from '../domain/edit.ts';
import { versionDifferenceSchema as difference } from '../domain/versionDifference.ts';
import { command, nothing, query } from '../rpc/procedure.ts';
import { AIMS } from '../domain/behaviour.ts';
import { jobSchema } from '../domain/job.ts';
import { triedSchema } from './behaviour.ts';

const ref = refSchema;
const refName = v.pipe(v.string(), v.minLength(1), v.maxLength(100));

export const labelSchema = v.object({ dictionary: v.string(), feature: v.number(), text: v.string() });

export const versionSchema = v.object({
  id: v.string(),
  /** Of its operations alone: two versions with the same operations share it. */
  edit: v.string(),
  parents: v.array(v.string()),
  model: v.string(),
  operations: v.array(operationSchema),
  behaviours: v.array(v.string()),
  labels: v.array(labelSchema),
  message: v.string(),
  author: v.string(),
  time: v.string(),
});

export const workingSchema = v.object({
  /** Null: on no branch. */
  branch: v.nullable(v.string()),
  /** The version it started from; null before the first commit. */
  head: v.nullable(v.string()),
  model: v.string(),
  operations: v.array(operationSchema),
  behaviours: v.array(v.string()),
});

const conflict = v.object({
  key: v.string(),
  /** Null: no operation there, or the ancestors disagree. */
  base: v.nullable(operationSchema),
  ours: v.nullable(operationSchema),
  theirs: v.nullable(operationSchema),
});

/** For each conflict (by its `key`) a side; one that is left out makes the command fail with `conflict`. */
const resolutions = v.exactOptional(v.record(v.string(), v.picklist(['ours', 'theirs', 'none'])));
const mainline = v.exactOptional(v.picklist([1, 2]));
const discard = v.exactOptional(v.boolean());

const preview = v.object({
  /** The version at hand. */
  head: v.string(),
  /** Common ancestors; of a merge only. */
  bases: v.array(v.string()),
  /** The branch would only move ahead. */
  isFastForward: v.boolean(),
  conflicts: v.array(conflict),
  /** Keys of the conflicts for which no side was chosen; below they stay as they are here. */
  undecided: v.array(v.string()),
  /** From the version at hand to what would be made. */
  difference,
  labels: v.array(labelSchema),
});

const bisect = v.object({ ...bisectMarksSchema.entries, next: bisectStepSchema });

export const edit = {
  status: query({
    summary: 'The working edit, and what in it is not committed; null before one was begun',
    shows: ['edits', 'labels'],
    input: nothing,
    output: v.nullable(v.object({ working: workingSchema, pending: difference })),
  }),
  begin: command({
    summary: 'Start an edit of a model on a branch of its own',
    changes: ['edits', 'history'],
    /** `model`: its hash. `discard`: also when the working edit holds uncommitted changes (undo brings them back). */
    input: v.strictObject({ branch: refName, model: hashSchema, discard, ...reasonEntries }),
    output: workingSchema,
  }),
  setOperation: command({
    summary: 'Put an operation in the working edit, in place of one at the same feature and site',
    changes: ['edits', 'history'],
    input: v.strictObject({ operation: operationSchema, ...reasonEntries }),
    output: workingSchema,
  }),
  removeOperation: command({
    summary: 'Take an operation out of the working edit',
    changes: ['edits', 'history'],
    input: v.strictObject({ site: siteSchema, dictionary: hashSchema, feature: featureSchema, ...reasonEntries }),
    output: workingSchema,
  }),
  setOperations: command({
    summary: 'Replace all operations of the working edit, undone as one',
    changes: ['edits', 'history'],
    input: v.strictObject({
      operations: operationListSchema,
      ...reasonEntries,
    }),
    output: workingSchema,
  }),
  setBehaviours: command({
    summary: 'Say which behaviours the next version must satisfy, by id',
    changes: ['edits', 'history'],
    input: v.strictObject({ behaviours: v.pipe(v.array(hashSchema), v.maxLength(1000)), ...reasonEntries }),
    output: workingSchema,
  }),
  commit: command({
    summary: 'Make the working edit a version',
    changes: ['edits', 'history', 'project'],
    input: v.strictObject({ message: paragraphSchema(10_000, 1), ...reasonEntries }),
    output: versionSchema,
  }),
  log: query({
    summary: 'Versions, the newest first, a version before its parents',
    shows: ['edits', 'evaluations'],
    /** From what a branch, a tag or HEAD leads to when left out; `all`: everything there is. */
    input: v.strictObject({
      from: v.exactOptional(v.array(ref)),
      all: v.exactOptional(v.boolean()),
      limit: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10_000))),
    }),
    output: v.array(
      v.object({
        ...versionSchema.entries,
        names: v.array(v.string()),
        /** The latest evaluation of its edit on its model; null when there is none. */
        evaluation: v.nullable(
          v.object({
            id: v.string(),
            /** Null: it was made without a budget. */
            passes: v.nullable(v.boolean()),
            time: v.string(),
          }),
        ),
      }),
    ),
  }),
  names: query({
    summary: 'Branches and tags',
    shows: ['edits'],
    input: nothing,
    output: v.object({
      head: v.nullable(v.string()),
      branches: v.array(v.object({ name: v.string(), version: v.string() })),
      tags: v.array(
        v.object({
          name: v.string(),
          version: v.string(),
          message: v.string(),
          author: v.string(),
          time: v.string(),
        }),
      ),
    }),
  }),
  show: query({ summary: 'A version', shows: ['edits'], input: v.strictObject({ ref }), output: versionSchema }),
  diff: query({
    summary: 'What changed from one version to another',
    shows: ['edits'],
    input: v.strictObject({ before: ref, after: ref }),
    output: difference,
  }),
  compareTexts: query({
    summary: 'The answers of the base model, of one version and of another, to the same cases of a behaviour',
    shows: ['models', 'dictionaries', 'edits', 'behaviours'],
    input: v.strictObject({
      /** Versions, or `working`. Null: only the base model stands next to `after`. */
      before: v.nullable(ref),
      after: ref,
      behaviour: ref,
      /** Indices of its cases. */
      cases: v.pipe(v.array(v.pipe(v.number(), v.integer(), v.minValue(0))), v.minLength(1), v.maxLength(64)),
    }),
    output: v.object({
      behaviour: v.string(),
      aim: v.picklist(AIMS),
      /** In the order of `cases`. */
      rows: v.array(
        v.object({
          case: v.number(),
          prompt: v.string(),
          original: triedSchema,
          before: v.nullable(triedSchema),
          after: triedSchema,
        }),
      ),
    }),
  }),
  checkout: command({
    summary: 'Make a version the working edit',
    changes: ['edits', 'history'],
    input: v.strictObject({ ref, discard, ...reasonEntries }),
    output: workingSchema,
  }),
  revert: command({
    summary: 'Add a version that undoes what another changed',
    changes: ['edits', 'history', 'project'],
    input: v.strictObject({ ref, resolutions, mainline, ...reasonEntries }),
    output: versionSchema,
  }),
  cherryPick: command({
    summary: 'Add a version with what another changed, applied here',
    changes: ['edits', 'history', 'project'],
    input: v.strictObject({ ref, resolutions, mainline, ...reasonEntries }),
    output: versionSchema,
  }),
  rollBack: command({
    summary: 'Add a version that is as another was; nothing is deleted',
    changes: ['edits', 'history', 'project'],
    input: v.strictObject({ ref, ...reasonEntries }),
    output: versionSchema,
  }),
  preview: query({
    summary: 'What an action would change, and what both sides changed differently, without doing it',
    shows: ['edits', 'labels'],
    input: v.strictObject({
      action: v.picklist(['merge', 'revert', 'cherryPick', 'rollBack']),
      ref,
      resolutions,
      mainline,
    }),
    output: preview,
  }),
  merge: command({
    summary: 'Merge a version into the working edit’s branch',
    changes: ['edits', 'history', 'project'],
    input: v.strictObject({
      ref,
      message: v.exactOptional(paragraphSchema(10_000, 1)),
      resolutions,
      ...reasonEntries,
    }),
    output: v.object({ kind: v.picklist(['merged', 'fastForward']), version: versionSchema }),
  }),
  createBranch: command({
    summary: 'Make a branch without checking it out',
    changes: ['edits', 'history'],
    input: v.strictObject({ name: refName, ref, ...reasonEntries }),
    output: v.object({ name: v.string(), version: v.string() }),
  }),
  deleteBranch: command({
    summary: 'Delete a branch; its versions stay',
    changes: ['edits', 'history'],
    input: v.strictObject({ name: refName, ...reasonEntries }),
    output: nothing,
  }),
  createTag: command({
    summary: 'Tag a version',
    changes: ['edits', 'history'],
    input: v.strictObject({ name: refName, ref, message: paragraphSchema(10_000), ...reasonEntries }),
    output: v.object({ name: v.string(), version: v.string() }),
  }),
  deleteTag: command({
    summary: 'Delete a tag',
    changes: ['edits', 'history'],
    input: v.strictObject({ name: refName, ...reasonEntries }),
    output: nothing,
  }),
  bisection: query({
    summary: 'The bisection under way, if any',
    shows: ['edits'],
    input: nothing,
    output: v.nullable(bisect),
  }),
  startBisect: command({
    summary: 'Search for the first bad version between good ones and a bad one',
    changes: ['edits', 'history'],
    input: v.strictObject({ bad: ref, good: v.pipe(v.array(ref), v.minLength(1)), ...reasonEntries }),
    output: bisect,
  }),
  markBisect: command({
    summary: 'Say how a version is; without one, that which the bisection asks about',
    changes: ['edits', 'history'],
    input: v.strictObject({
      verdict: v.picklist(['good', 'bad', 'skip']),
      ref: v.exactOptional(ref),
      ...reasonEntries,
    }),
    output: bisect,
  }),
  /** It can be paused, and goes on after whatever interrupts it: the verdicts are kept as they come. */
  runBisect: command({
    summary: 'Let a behaviour judge the versions that the bisection asks about: a job',
    changes: [],
    /** A version is good when it passes at least, or at most, this share of the cases. */
    input: v.strictObject({
      behaviour: ref,
      bound: v.picklist(['atLeast', 'atMost']),
      passRate: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
      /** And at least this share of the answers to the other cases is sound. */
      minSound: v.exactOptional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
    }),
    output: jobSchema,
  }),
  endBisect: command({
    summary: 'End the bisection',
    changes: ['edits', 'history'],
    input: v.strictObject({ ...reasonEntries }),
    output: nothing,
  }),
  importFile: command({
    summary: 'Bring in a version with all that is behind it, on a new branch',
    changes: ['edits', 'behaviours', 'history', 'project'],
    input: v.strictObject({ location: locationSchema, branch: refName, ...reasonEntries }),
    output: v.object({ added: v.number(), known: v.number() }),
  }),
};

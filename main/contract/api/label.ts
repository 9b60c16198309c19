// Labels of features. A write says which revision it saw where that matters: `conflict` when somebody changed it since.
import * as v from 'valibot';
import { featureSchema, hashSchema, locationSchema, paragraphSchema, reasonEntries } from '../base/fields.ts';
import {
  featureKeySchema,
  IMPORT_RULES,
  LABEL_FILE_FORMATS,
  LABEL_STATES,
  labelPatchSchema,
  tagsSchema,
} from '../domain/label.ts';
import { agreementSchema } from '../domain/labelAgreement.ts';
import { command, nothing, query } from '../rpc/procedure.ts';
import { stepSchema } from './history.ts';

const labelEntries = {
  state: v.picklist(LABEL_STATES),
  text: v.string(),
  notes: v.string(),
  tags: v.array(v.string()),
  /** 1 (a guess) to 5 (certain); null: not said. */
  confidence: v.nullable(v.number()),
  author: v.string(),
  time: v.string(),
};
const labelContent = v.object(labelEntries);

export const storedLabelSchema = v.object({
  dictionary: v.string(),
  feature: v.number(),
  ...labelEntries,
  /** Names this state of the label for ever. */
  revision: v.number(),
});

const revision = v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0)));
const comment = v.object({ id: v.string(), body: v.string(), author: v.string(), time: v.string() });
const excerpt = v.object({
  text: v.string(),
  /** `[start, end)` in UTF-16 code units. */
  matches: v.array(v.tuple([v.number(), v.number()])),
});

const importInput = {
  location: locationSchema,
  /** Told from the file's name when left out. */
  format: v.exactOptional(v.picklist(LABEL_FILE_FORMATS)),
  /** For rows that do not name one. */
  dictionary: v.exactOptional(hashSchema),
  rule: v.picklist(IMPORT_RULES),
};
const importReport = v.object({
  rows: v.number(),
  added: v.number(),
  filled: v.number(),
  same: v.number(),
  conflicts: v.number(),
  changed: v.number(),
  repeated: v.number(),
  comments: v.number(),
  examples: v.array(
    v.object({
      dictionary: v.string(),
      feature: v.number(),
      line: v.number(),
      outcome: v.picklist(['added', 'filled', 'conflict', 'repeated']),
      fields: v.array(v.string()),
      before: v.string(),
      after: v.string(),
    }),
  ),
});

export const label = {
  get: query({
    summary: 'The label of a feature with its comments; null: it has none',
    shows: ['labels'],
    input: featureKeySchema,
    output: v.object({ label: v.nullable(storedLabelSchema), comments: v.array(comment) }),
  }),
  list: query({
    summary: 'Labels in the order of their features, a page at a time',
    shows: ['labels', 'lists'],
    input: v.strictObject({
      dictionary: v.exactOptional(hashSchema),
      states: v.exactOptional(v.array(v.picklist(LABEL_STATES))),
      tag: v.exactOptional(v.string()),
      list: v.exactOptional(v.string()),
      after: v.exactOptional(featureKeySchema),
      limit: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10_000))),
    }),
    output: v.array(storedLabelSchema),
  }),
  summary: query({
    summary: 'How many features are in each state, and the tags in use',
    shows: ['labels'],
    input: v.strictObject({ dictionary: v.exactOptional(hashSchema) }),
    output: v.object({
      counts: v.record(v.picklist(LABEL_STATES), v.number()),
      tags: v.array(v.object({ tag: v.string(), count: v.number() })),
    }),
  }),
  agreement: query({
    summary: 'How your labels agree with those of others, over the features that both have labelled',
    shows: ['labels'],
    input: v.strictObject({ dictionary: hashSchema }),
    output: agreementSchema,
  }),
  search: query({
    summary: 'Search labels, notes, tags and comments',
    shows: ['labels'],
    input: v.strictObject({
      query: v.pipe(v.string(), v.maxLength(500)),
      dictionary: v.exactOptional(hashSchema),
      states: v.exactOptional(v.array(v.picklist(LABEL_STATES))),
      mode: v.exactOptional(v.picklist(['words', 'substrings', 'both'])),
      limit: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000))),
    }),
    output: v.array(
      v.object({
        dictionary: v.string(),
        feature: v.number(),
        state: v.picklist(LABEL_STATES),
        text: excerpt,
        tags: excerpt,
        notes: excerpt,
        comments: excerpt,
        score: v.number(),
      }),
    ),
  }),
  set: command({
    summary: 'Label a feature',
    changes: ['labels', 'history', 'project'],
    input: v.strictObject({
      ...featureKeySchema.entries,
      patch: labelPatchSchema,
      expectedRevision: revision,
      ...reasonEntries,
    }),
    /** Null: it has no label any more. */
    output: v.nullable(storedLabelSchema),
  }),
  setMany: command({
    summary: 'The same change to many features, undone as one',
    changes: ['labels', 'history', 'project'],
    input: v.strictObject({
      dictionary: hashSchema,
      features: v.pipe(v.array(featureSchema), v.maxLength(1_000_000)),
      patch: labelPatchSchema,
      /** To and from the tags that each has. */
      addTags: v.exactOptional(tagsSchema),
      removeTags: v.exactOptional(tagsSchema),
      ...reasonEntries,
    }),
    output: v.object({ changed: v.number() }),
  }),
  remove: command({
    summary: 'Take a label away; its history stays',
    changes: ['labels', 'history', 'project'],
    input: v.strictObject({ ...featureKeySchema.entries, expectedRevision: revision, ...reasonEntries }),
    output: nothing,
  }),
  history: query({
    summary: 'Who changed the label of a feature, when and why; the newest first',
    shows: ['labels', 'history'],
    input: featureKeySchema,
    output: v.array(
      v.object({
        change: v.number(),
        step: stepSchema,
        before: v.nullable(labelContent),
        after: v.nullable(labelContent),
      }),
    ),
  }),
  restore: command({
    summary: 'Bring back an earlier state of a label',
    changes: ['labels', 'history', 'project'],
    input: v.strictObject({
      ...featureKeySchema.entries,
      change: v.pipe(v.number(), v.integer()),
      /** The state before that change, or after it. */
      side: v.picklist(['before', 'after']),
      ...reasonEntries,
    }),
    output: v.nullable(storedLabelSchema),
  }),
  comment: command({
    summary: 'Comment on a feature',
    changes: ['labels', 'history'],
    input: v.strictObject({ ...featureKeySchema.entries, body: paragraphSchema(50_000, 1) }),
    output: comment,
  }),
  removeComment: command({
    summary: 'Take a comment away',
    changes: ['labels', 'history'],
    input: v.strictObject({ id: v.pipe(v.string(), v.maxLength(100)) }),
    output: nothing,
  }),
  previewImport: query({
    summary: 'What importing a file of labels would change',
    shows: ['labels'],
    input: v.strictObject(importInput),
    output: importReport,
  }),
  import: command({
    summary: 'Import a file of labels, undone as one',
    changes: ['labels', 'history', 'project'],
    input: v.strictObject({ ...importInput, ...reasonEntries }),
    output: importReport,
  }),
};

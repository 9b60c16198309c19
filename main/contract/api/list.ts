// Named lists of features.
import * as v from 'valibot';
import { lineSchema, paragraphSchema, reasonEntries } from '../base/fields.ts';
import { command, nothing, query } from '../rpc/procedure.ts';
import { featureKeySchema } from '../domain/label.ts';

const name = lineSchema(100, 1);
const features = v.pipe(v.array(featureKeySchema), v.maxLength(100_000));
const key = v.object({ dictionary: v.string(), feature: v.number() });

export const list = {
  all: query({
    summary: 'The lists of the project',
    shows: ['lists'],
    input: nothing,
    output: v.array(v.object({ name: v.string(), description: v.string(), size: v.number() })),
  }),
  members: query({
    summary: 'The features of a list, in the order in which they were added',
    shows: ['lists'],
    input: v.strictObject({ name }),
    output: v.array(key),
  }),
  containing: query({
    summary: 'The lists that a feature is on',
    shows: ['lists'],
    input: featureKeySchema,
    output: v.array(v.string()),
  }),
  save: command({
    summary: 'Make a list, or change its description',
    changes: ['lists', 'history'],
    input: v.strictObject({ name, description: paragraphSchema(20_000), ...reasonEntries }),
    output: v.object({ name: v.string() }),
  }),
  remove: command({
    summary: 'Remove a list',
    changes: ['lists', 'history'],
    input: v.strictObject({ name, ...reasonEntries }),
    output: nothing,
  }),
  add: command({
    summary: 'Put features on a list',
    changes: ['lists', 'history'],
    input: v.strictObject({
      name,
      features,
      /** Makes the list where there is none, in the same step. */
      makes: v.exactOptional(v.boolean()),
      ...reasonEntries,
    }),
    output: nothing,
  }),
  take: command({
    summary: 'Take features off a list',
    changes: ['lists', 'history'],
    input: v.strictObject({ name, features, ...reasonEntries }),
    output: nothing,
  }),
};

// The cache of the Hub on this machine: models that are there already.
import * as v from 'valibot';
import { nameSchema } from '../base/fields.ts';
import { repositorySchema, revisionSchema } from '../domain/hub.ts';
import { progressSchema } from '../domain/job.ts';
import { nothing, query, stream } from '../rpc/procedure.ts';
import { modelSchema } from './model.ts';

const cachedRevisionSchema = v.object({
  /** The hash of the commit. */
  revision: v.string(),
  /** Branches and tags that point to it. */
  refs: v.array(v.string()),
  files: v.number(),
  bytes: v.number(),
  /** As config.json says; null where this is not a model. */
  modelType: v.nullable(v.string()),
  /** Errata can open models of this type. */
  isSupported: v.boolean(),
  /** Weights of the model that are not there. */
  missing: v.array(v.string()),
  /** When its newest file was written; null without files. */
  changed: v.nullable(v.string()),
  /** Why it cannot be opened; null where it can. */
  problem: v.nullable(v.string()),
  /** Its names as models of this project. */
  models: v.array(v.string()),
});

export const hub = {
  list: query({
    summary: 'The repositories in the cache of the Hub on this machine, with their revisions',
    shows: ['hub', 'models'],
    input: nothing,
    output: v.object({
      /** The folder of the cache, for people to read. */
      cache: v.string(),
      repositories: v.array(v.object({ repository: v.string(), revisions: v.array(cachedRevisionSchema) })),
    }),
  }),
  /** Reads and hashes all weights, as model.add does. */
  add: stream({
    summary: 'Add a model from the cache of the Hub, pinned to a commit',
    changes: ['models', 'project'],
    input: v.strictObject({
      repository: repositorySchema,
      /** main, or the only one there, when left out. */
      revision: v.exactOptional(revisionSchema),
      name: v.exactOptional(nameSchema),
    }),
    chunk: progressSchema,
    output: modelSchema,
  }),
};

// Models of the Hub: those in its cache on this machine, and, only when asked for, those to be downloaded.
import * as v from 'valibot';
import { nameSchema } from '../base/fields.ts';
import { filePatternSchema, repositorySchema, revisionSchema } from '../domain/hub.ts';
import { jobSchema, progressSchema } from '../domain/job.ts';
import { command, nothing, query, stream } from '../rpc/procedure.ts';
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

export const downloadSchema = v.strictObject({
  repository: repositorySchema,
  /** main when left out. */
  revision: v.exactOptional(revisionSchema),
  /** What opening a model needs when left out. */
  files: v.exactOptional(v.pipe(v.array(filePatternSchema), v.minLength(1), v.maxLength(20))),
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
  /** Asks the Hub: for lists and headers, not for weights. */
  plan: query({
    summary: 'What a download will bring and take: read before it is started',
    shows: ['hub'],
    input: downloadSchema,
    output: v.object({
      repository: v.string(),
      commit: v.string(),
      files: v.array(v.object({ name: v.string(), bytes: v.number() })),
      bytes: v.number(),
      /** Of the files that are not in the cache yet. */
      bytesToFetch: v.number(),
      freeBytes: v.number(),
      /** As config.json says; null where this is not a model. */
      modelType: v.nullable(v.string()),
      tensors: v.number(),
      parameters: v.number(),
      largest: v.array(v.object({ file: v.string(), name: v.string(), dtype: v.string(), shape: v.array(v.number()) })),
      /** As float32, which is what weights are computed in. */
      memoryBytes: v.number(),
      totalMemory: v.number(),
      warnings: v.array(v.string()),
    }),
  }),
  get: command({
    summary: 'Download files of a repository into the cache of the Hub: a job',
    changes: [],
    input: downloadSchema,
    output: jobSchema,
  }),
};

// Stores of activations: what a model computed at a site over a corpus.
import * as v from 'valibot';
import { locationSchema, nameSchema, siteSchema } from '../base/fields.ts';
import { requestEntries } from '../base/setting.ts';
import { captureSettings } from '../domain/captureSettings.ts';
import { command, nothing, query } from '../rpc/procedure.ts';
import { jobSchema } from '../domain/job.ts';

/** A corpus: a file or folder that was pointed at, or one that the project has (the sample's). */
export const corpusSchema = v.variant('from', [
  v.strictObject({ from: v.literal('location'), location: locationSchema }),
  v.strictObject({ from: v.literal('project'), name: v.pipe(v.string(), v.maxLength(200)) }),
]);

export const captureSchema = v.strictObject({
  model: nameSchema,
  corpus: corpusSchema,
  sites: v.pipe(v.array(siteSchema), v.minLength(1), v.maxLength(200)),
  /** Of the store; with several sites, what their names begin with. */
  name: nameSchema,
  ...requestEntries(captureSettings),
});

export const storeSchema = v.object({
  name: v.string(),
  site: v.string(),
  width: v.number(),
  model: v.object({ name: v.nullable(v.string()), hash: v.string() }),
  dtype: v.string(),
  contexts: v.number(),
  contextLength: v.number(),
  /** All rows: contexts × context length. */
  tokens: v.number(),
  bytes: v.number(),
  /** The share that is there; below 1, its capture was interrupted or is going on. */
  fraction: v.number(),
});

export const activations = {
  corpora: query({
    summary: 'Corpora that lie in the project',
    shows: ['project'],
    input: nothing,
    output: v.array(v.object({ name: v.string(), bytes: v.number() })),
  }),
  list: query({
    summary: 'The activation stores of the project',
    shows: ['activations'],
    input: nothing,
    output: v.array(storeSchema),
  }),
  plan: query({
    summary: 'What a capture will take: read before it is started',
    shows: ['models', 'activations', 'project'],
    input: captureSchema,
    output: v.object({
      /** Of the corpus as it lies on the disk. */
      corpusBytes: v.number(),
      /** A guess from the size of the corpus, or what maxContexts says. */
      contexts: v.number(),
      tokens: v.number(),
      /** On the disk, all sites together. */
      bytes: v.number(),
      freeBytes: v.number(),
      /** Null until a capture of this model has run in the project. */
      seconds: v.nullable(v.number()),
      warnings: v.array(v.string()),
    }),
  }),
  capture: command({ summary: 'Capture activations: a job', changes: [], input: captureSchema, output: jobSchema }),
};

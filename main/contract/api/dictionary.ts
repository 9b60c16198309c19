// Dictionaries: runs that train them, finished ones, imported ones.
import * as v from 'valibot';
import { locationSchema, nameSchema } from '../base/fields.ts';
import { requestEntries } from '../base/setting.ts';
import { firingHistogramSchema } from '../domain/firingHistogram.ts';
import { importFactsEntries, importPlanSchema, readingChangesEntries } from '../domain/importedDictionary.ts';
import { memoryPredictionSchema } from '../domain/trainingMemory.ts';
import { measurementSettings, runSettings } from '../domain/trainingSettings.ts';
import { command, nothing, query, stream } from '../rpc/procedure.ts';
import { corpusSchema } from './activations.ts';
import { jobSchema, progressSchema } from '../domain/job.ts';

/** What a run is asked to do; what is left out has the defaults that `plan` tells. */
export const trainSchema = v.strictObject({
  name: nameSchema,
  /** Name of the store. */
  activations: nameSchema,
  ...requestEntries(runSettings),
});

/** On held-out activations. Definitions are in the renderer's glossary; `tokens` is the size of the sample. */
export const qualitySchema = v.object({
  hash: v.string(),
  fvu: v.number(),
  l0: v.number(),
  deadFraction: v.number(),
  tokens: v.number(),
  lossRecovered: v.nullable(v.number()),
  /** Tokens of extreme norm, left out of `tokens`. */
  outliers: v.exactOptional(v.number()),
  ceOriginal: v.exactOptional(v.number()),
  ceReconstructed: v.exactOptional(v.number()),
  ceZero: v.exactOptional(v.number()),
});

export const dictionarySchema = v.object({
  name: v.string(),
  /** 'unfinished': training was interrupted or is going on; see `job`. */
  state: v.picklist(['finished', 'unfinished']),
  origin: v.picklist(['training', 'import']),
  /** Its kind. */
  architecture: v.string(),
  /** Its features compete: whether one fires depends on all others, unless it gets a threshold of its own. */
  competes: v.boolean(),
  d: v.number(),
  size: v.number(),
  /** Null where features do not compete. */
  k: v.nullable(v.number()),
  /** Of its training; null where it was made elsewhere. */
  steps: v.nullable(v.number()),
  site: v.string(),
  /** The hash is empty where the model was not at hand when the dictionary was imported. */
  model: v.object({ name: v.string(), hash: v.string() }),
  /** By which edits and labels know it; null until training has finished. */
  hash: v.nullable(v.string()),
  /** Null until it has been measured. */
  quality: v.nullable(qualitySchema),
  /** The job that trains it or did last, if this project knows it. */
  job: v.nullable(v.string()),
});

/** One recorded step. `loss` is in normalised units; `fvu`, `l0` and `dead` (a share) are of the batch. */
export const curvePointSchema = v.object({
  step: v.number(),
  loss: v.number(),
  fvu: v.number(),
  l0: v.number(),
  dead: v.number(),
});

const byName = v.strictObject({ name: nameSchema });

const importSchema = v.strictObject({
  /** A file of tensors, or a folder with one. */
  location: locationSchema,
  /** By default that of the file or its folder. */
  name: v.exactOptional(nameSchema),
  /** A site of ours, or what another project calls it; by default what the file claims. */
  site: v.exactOptional(v.pipe(v.string(), v.minLength(1), v.maxLength(200))),
  /** By default the only model of the project that has the site in its width. */
  model: v.exactOptional(nameSchema),
  ...readingChangesEntries,
  /** The text that it is checked on; by default one of the project, kept apart from training if there is one. */
  corpus: v.exactOptional(corpusSchema),
  /** False: it is kept without a check. */
  isChecked: v.exactOptional(v.boolean()),
});

export const dictionary = {
  list: query({
    summary: 'Dictionaries and runs of the project',
    shows: ['dictionaries'],
    input: nothing,
    output: v.array(dictionarySchema),
  }),
  describe: query({
    summary: 'A dictionary: where it comes from, how good it is, how often its features fire',
    shows: ['dictionaries'],
    input: byName,
    output: v.object({
      dictionary: dictionarySchema,
      origin: v.variant('from', [
        v.object({
          from: v.literal('training'),
          /** The whole configuration, defaults included. */
          config: v.record(v.string(), v.union([v.string(), v.number()])),
          store: v.string(),
          corpus: v.nullable(v.string()),
          heldOutFraction: v.number(),
          contextLength: v.nullable(v.number()),
          /** Of training, in all lives of the run; null until it has finished. */
          seconds: v.nullable(v.number()),
          tokensPerSecond: v.nullable(v.number()),
          trainedTokens: v.nullable(v.number()),
        }),
        v.object({ from: v.literal('import'), ...importFactsEntries }),
      ]),
      /** How many features fire how often; null until evaluated. */
      firing: v.nullable(firingHistogramSchema),
    }),
  }),
  curves: query({
    summary: 'The recorded curves of a run',
    shows: ['dictionaries'],
    input: byName,
    output: v.object({ points: v.array(curvePointSchema) }),
  }),
  /** Begins with what is recorded, goes on as training goes on; ends when the run ends. A point's step may repeat an
   *  earlier one's after a run was resumed: what was known from that step on is then to be dropped. */
  watchCurves: stream({
    summary: 'The curves of a run as they grow',
    changes: [],
    input: byName,
    chunk: v.object({ points: v.array(curvePointSchema) }),
    output: nothing,
  }),
  plan: query({
    summary: 'The whole configuration of a run with its defaults, its memory and its time: read before it is started',
    shows: ['activations', 'dictionaries'],
    input: trainSchema,
    output: v.object({
      config: v.record(v.string(), v.union([v.string(), v.number()])),
      memory: memoryPredictionSchema,
      /** Of the machine. */
      totalMemory: v.number(),
      tokens: v.number(),
      /** How often the run goes through the store. */
      epochs: v.number(),
      seconds: v.nullable(v.number()),
      /** What the time is predicted from: earlier runs of the project, or the measured speed of the device. */
      basis: v.nullable(v.picklist(['runs', 'device'])),
      warnings: v.array(v.string()),
    }),
  }),
  planImport: query({
    summary: 'What will become of a dictionary made elsewhere: its layout, what was concluded, model and site',
    shows: ['dictionaries', 'models'],
    input: importSchema,
    output: importPlanSchema,
  }),
  /** Copies it, which takes a while for large ones: chunks tell how far it is. */
  import: stream({
    summary: 'Import a dictionary made elsewhere',
    changes: ['dictionaries', 'project'],
    input: importSchema,
    chunk: progressSchema,
    output: dictionarySchema,
  }),
  train: command({ summary: 'Train a dictionary: a job', changes: [], input: trainSchema, output: jobSchema }),
  evaluate: command({
    summary: 'Measure a dictionary again, on its own or another store: a job, whose output is the quality',
    changes: [],
    input: v.strictObject({
      name: nameSchema,
      activations: v.exactOptional(nameSchema),
      ...requestEntries(measurementSettings),
    }),
    output: jobSchema,
  }),
};

// A training run, from a store of activations to a dictionary in its folder. The folder:
//   run.json                what was asked for, of which store and model; written first
//   checkpoint.safetensors  the state at some step; replaced from time to time
//   curves.jsonl            one line per recorded step
//   cfg.json, sae_weights.safetensors   the dictionary, once training has finished (SAELens layout)
//   evaluation.json         its quality on held-out activations
// Killed at any moment, a run continues from its checkpoint, and ends bit for bit as it would have without the interruption
// (on the CPU).
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { RowSelection, splitContexts } from '../activations/rowSelection.ts';
import { ShuffledReader } from '../activations/shuffledReader.ts';
import { openStore, type ActivationStore } from '../activations/store.ts';
import { AppError, toAppError } from '../../contract/base/errors.ts';
import type { OnWork } from '../../contract/base/progress.ts';
import { validate } from '../../contract/base/validate.ts';
import { DEFAULT_HELD_OUT } from '../../contract/domain/trainingSettings.ts';
import type { MemoryPrediction } from '../../contract/domain/trainingMemory.ts';
import { writeFileAtomic } from '../files/atomicWrite.ts';
import type { Model } from '../models/model.ts';
import type { Runtime } from '../onnx/runtime.ts';
import { createTrainingStep } from './createTrainingStep.ts';
import { appendCurves, truncateCurves, type CurvePoint } from './curves.ts';
import { calibrateThreshold } from './calibrate.ts';
import { CHECKPOINT_FILE, hasCheckpoint, loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import { checkDictionary, hashDictionary, type Dictionary } from './dictionary.ts';
import { evaluateDictionary, type DictionaryQuality } from './evaluate.ts';
import { foldNormalisation } from './foldNormalisation.ts';
import { trainingOf } from './kinds/index.ts';
import { THRESHOLD } from './kinds/threshold.ts';
import { measureNormalisation, replaceOutliers, type MeasuredNormalisation } from './normalisation.ts';
import { loadDictionary, saveDictionary } from './saeLens.ts';
import {
  completeConfig,
  learningRateAt,
  TrainingConfigSchema,
  type TrainingConfig,
  type TrainingRequest,
} from './trainingConfig.ts';
import { predictMemory } from './trainingMemory.ts';
import { initialState } from './trainingState.ts';
import type { StepReport, TrainingStep } from './trainingStep.ts';
import { readJson } from '../files/json.ts';

export const RUN_FILE = 'run.json';
export const EVALUATION_FILE = 'evaluation.json';

export const DEFAULT_BUFFER_BYTES = 256 << 20;
const CHECKPOINT_SECONDS = 30;
/** No run recovers from an error that many times the variance; a fresh one starts below ten. */
const EXPLODED_FVU = 1000;
/** Recorded steps: enough for a smooth curve, few enough to draw. */
const CURVE_POINTS = 500;

export type RunRequest = Omit<TrainingRequest, 'd'> & Partial<Pick<TrainingConfig, 'd'>>;

export interface TrainOptions {
  readonly runtime: Runtime;
  /** The run's folder; made here, or continued with `resume`. */
  readonly folder: string;
  readonly storeFolder: string;
  readonly model: Model;
  readonly modelName: string;
  /** Share of the contexts that training does not see; the last ones. */
  readonly heldOutFraction?: number;
  readonly bufferBytes?: number;
  readonly checkpointSeconds?: number;
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
  /** Hears, before the first step, how much memory the run will take. */
  readonly log?: (line: string) => void;
}

export interface TrainResult extends Omit<DictionaryQuality, 'firingRates'> {
  readonly folder: string;
  readonly hash: string;
  /** Tokens trained on per second, evaluation and loading not counted. */
  readonly tokensPerSecond: number;
  readonly trainedTokens: number;
}

const Run = v.object({
  version: v.literal(1),
  config: TrainingConfigSchema,
  store: v.string(),
  site: v.string(),
  model: v.object({ name: v.string(), hash: v.string() }),
  heldOutFraction: v.number(),
  bufferBytes: v.number(),
});
type Run = v.InferOutput<typeof Run>;

/** Starts a run. @throws AppError `exists` when the folder holds one already, `usage`, `mismatch`, `diverged`, `cancelled` … */
export async function train(request: RunRequest, options: TrainOptions): Promise<TrainResult> {
  const { folder, storeFolder, model, modelName } = options;
  const store = await openStore(storeFolder);
  try {
    if (request.d !== undefined && request.d !== store.width) {
      throw new AppError('mismatch', `${storeFolder}: its activations are ${store.width} wide, not ${request.d}.`);
    }
    await checkModel(store, model);
    const config = validate(TrainingConfigSchema, completeConfig({ ...request, d: store.width }), 'The training run');
    const run: Run = {
      version: 1,
      config,
      store: storeFolder,
      site: store.manifest.site,
      model: { name: modelName, hash: await model.hash() },
      heldOutFraction: options.heldOutFraction ?? DEFAULT_HELD_OUT,
      bufferBytes: options.bufferBytes ?? DEFAULT_BUFFER_BYTES,
    };
    await makeRunFolder(folder);
    try {
      await writeFileAtomic(join(folder, RUN_FILE), `${JSON.stringify(run, null, 2)}\n`);
      return await continueRun(run, store, options);
    } catch (thrown) {
      // Nothing to continue from: nothing remains.
      if (!(await hasProgress(folder))) await rm(folder, { recursive: true, force: true });
      throw thrown;
    }
  } finally {
    await store.close();
  }
}

/** Continues an interrupted run from its checkpoint; evaluates a finished one again. @throws AppError `not-found` … */
export async function resume(
  options: Omit<TrainOptions, 'storeFolder' | 'heldOutFraction' | 'bufferBytes'>,
): Promise<TrainResult> {
  const run = await readRun(options.folder);
  const store = await openStore(run.store);
  try {
    await checkModel(store, options.model);
    return await continueRun(run, store, { ...options, storeFolder: run.store });
  } finally {
    await store.close();
  }
}

/** The path of a store may be relative to the project in whose dictionaries/ the run lies: then the project can move. */
export async function readRun(folder: string): Promise<Run> {
  const path = join(folder, RUN_FILE);
  const run = validate(Run, await readJson(path), path, 'invalid-file');
  return { ...run, store: resolve(folder, '../..', run.store) };
}

async function makeRunFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.code === 'exists') {
      throw new AppError(
        'exists',
        `${folder}: there is a dictionary or a run of this name already; resume it, or choose another name.`,
      );
    }
    throw error;
  }
}

async function hasProgress(folder: string): Promise<boolean> {
  return (await hasCheckpoint(folder)) || (await finishedDictionary(folder)) !== null;
}

async function checkModel({ manifest, folder }: ActivationStore, model: Model): Promise<void> {
  if (manifest.model === (await model.hash())) return;
  throw new AppError('mismatch', `${folder}: these activations were captured from another model than ${model.folder}.`);
}

async function continueRun(run: Run, store: ActivationStore, options: TrainOptions): Promise<TrainResult> {
  const { folder, runtime, model, signal, onWork } = options;
  const { train: training, heldOut } = splitContexts(store, run.heldOutFraction);
  const dictionary =
    (await finishedDictionary(folder)) ?? (await trainDictionary(run, store, training, heldOut, options));
  const { firingRates, ...quality } = await evaluateDictionary({
    runtime,
    dictionary: dictionary.dictionary,
    store,
    heldOut,
    model,
    ...(signal ? { signal } : {}),
    ...(onWork ? { onWork } : {}),
  });
  const { seconds } = dictionary;
  const trainedTokens = run.config.steps * run.config.batchSize;
  const result: TrainResult = {
    folder,
    hash: hashDictionary(dictionary.dictionary),
    ...quality,
    trainedTokens,
    tokensPerSecond: trainedTokens / seconds,
  };
  const { folder: _, ...kept } = result;
  const evaluation = { ...kept, heldOut, seconds, firingRates: Array.from(firingRates) };
  await writeFileAtomic(join(folder, EVALUATION_FILE), `${JSON.stringify(evaluation)}\n`);
  await rm(join(folder, CHECKPOINT_FILE), { force: true });
  return result;
}

interface Trained {
  readonly dictionary: Dictionary;
  readonly seconds: number;
}

/** The dictionary of a run that got as far as saving it. cfg.json is written last, so it tells. */
async function finishedDictionary(folder: string): Promise<Trained | null> {
  try {
    const dictionary = await loadDictionary(folder);
    const text = await readFile(join(folder, 'cfg.json'), 'utf8');
    const { metadata } = JSON.parse(text) as { metadata: { errata: { seconds: number } } };
    return { dictionary, seconds: metadata.errata.seconds };
  } catch (thrown) {
    if (toAppError(thrown).code === 'not-found') return null;
    throw thrown;
  }
}

async function trainDictionary(
  run: Run,
  store: ActivationStore,
  training: { readonly first: number; readonly end: number },
  heldOut: { readonly first: number; readonly end: number },
  options: TrainOptions,
): Promise<Trained> {
  const { folder, runtime, signal } = options;
  const { config } = run;
  const selection = await RowSelection.of(store, { contexts: training });
  const reader = new ShuffledReader(store, {
    batchSize: config.batchSize,
    seed: config.seed,
    selection,
    bufferBytes: run.bufferBytes,
  });
  // The same sample whether the run starts or continues.
  const normalisation = await measureNormalisation(store, selection, config.seed);
  const checkpoint = (await hasCheckpoint(folder)) ? await loadCheckpoint(folder) : null;
  if (checkpoint && JSON.stringify(checkpoint.config) !== JSON.stringify(config)) {
    throw new AppError('mismatch', `${folder}: its checkpoint is of another run than ${RUN_FILE} describes.`);
  }
  const state = checkpoint?.state ?? initialState(config, normalisation);
  if (checkpoint) await reader.restore(checkpoint.cursor);
  await truncateCurves(folder, state.step);
  options.log?.(memoryLine(predictMemory(config, run.bufferBytes)));
  const step = await createTrainingStep(runtime, config, state);
  try {
    const seconds = await runSteps(run, reader, step, normalisation, checkpoint?.seconds ?? 0, options);
    const provenance = { site: run.site, modelHash: run.model.hash };
    const final = await step.state();
    const uncalibrated = foldNormalisation(config, final, provenance);
    const dictionary = await calibrated(uncalibrated, config, {
      runtime,
      store,
      heldOut,
      ...(signal ? { signal } : {}),
    });
    checkDictionary(dictionary, folder);
    await saveDictionary(folder, dictionary, {
      modelName: run.model.name,
      contextLength: store.manifest.contextLength,
      errata: {
        training: config,
        seconds,
        corpus: store.manifest.corpus,
        outlierNorm: Number.isFinite(normalisation.outliers.limit) ? normalisation.outliers.limit : null,
        ...(trainingOf(config).calibratesThreshold
          ? { trainingThreshold: final.threshold / final.normalisation.scale }
          : {}),
      },
    });
    // From the files, so that what is evaluated is what others will load.
    return { dictionary: await loadDictionary(folder), seconds };
  } finally {
    await step.release();
    await reader.close();
  }
}

function memoryLine({ total, state, step, buffer }: MemoryPrediction): string {
  const [all, parts] = [megabytes(total), [state, step, buffer].map(megabytes)];
  return `Training will take about ${all} MB: parameters and moments ${parts[0]}, a step ${parts[1]}, the shuffling buffer up to ${parts[2]}.`;
}

function megabytes(bytes: number): string {
  return Math.ceil(bytes / 1e6).toLocaleString('en');
}

async function calibrated(
  dictionary: Dictionary,
  config: TrainingConfig,
  options: { runtime: Runtime; store: ActivationStore; heldOut: { first: number; end: number }; signal?: AbortSignal },
): Promise<Dictionary> {
  if (!trainingOf(config).calibratesThreshold) return dictionary;
  const threshold = await calibrateThreshold({ ...options, dictionary, targetL0: config.k });
  return { ...dictionary, perFeature: { [THRESHOLD]: new Float32Array(dictionary.size).fill(threshold) } };
}

/** @returns seconds of training in all lives of the run. */
async function runSteps(
  { config }: Run,
  reader: ShuffledReader,
  step: TrainingStep,
  normalisation: MeasuredNormalisation,
  secondsBefore: number,
  options: TrainOptions,
): Promise<number> {
  const { folder, signal, onWork, checkpointSeconds = CHECKPOINT_SECONDS } = options;
  const started = performance.now();
  const seconds = () => secondsBefore + (performance.now() - started) / 1000;
  const every = Math.max(1, Math.floor(config.steps / CURVE_POINTS));
  let points: CurvePoint[] = [];
  let lastCheckpoint = performance.now();
  const { step: firstStep } = await step.state();
  let done = firstStep;

  const keep = async () => {
    await appendCurves(folder, points);
    points = [];
    await saveCheckpoint(folder, { config, state: await step.state(), cursor, seconds: seconds() });
    lastCheckpoint = performance.now();
  };
  let cursor: unknown = reader.state();
  let batch = done < config.steps ? await nextBatch(reader) : null;
  while (batch !== null) {
    if (signal?.aborted) {
      await keep();
      throw new AppError('cancelled', `Training stopped at step ${done} of ${config.steps}; it can be resumed.`);
    }
    // The cursor of a checkpoint is the one after the batch that the last step used; the next one is read meanwhile.
    cursor = reader.state();
    replaceOutliers(batch, normalisation);
    const learningRate = learningRateAt(config, done);
    let report: StepReport;
    try {
      report = await step.step(batch, learningRate);
      checkExplosion(report, done + 1);
    } catch (thrown) {
      if (toAppError(thrown).code === 'diverged') await appendCurves(folder, points);
      throw thrown;
    }
    done += 1;
    if (done % every === 0 || done === config.steps)
      points.push({ step: done, learningRate, seconds: seconds(), ...report });
    onWork?.({
      stage: 'Training',
      done: done * config.batchSize,
      total: config.steps * config.batchSize,
      unit: 'tokens',
      figures: { step: done, loss: report.loss, fvu: report.fvu, l0: report.l0, dead: report.deadFraction },
    });
    if (performance.now() - lastCheckpoint > checkpointSeconds * 1000) await keep();
    batch = done < config.steps ? await nextBatch(reader, batch) : null;
  }
  await keep();
  return seconds();
}

/** The checkpoint before stays, so that a run that explodes slowly loses little. @throws AppError `diverged` */
function checkExplosion({ fvu }: StepReport, step: number): void {
  if (fvu < EXPLODED_FVU) return;
  throw new AppError(
    'diverged',
    `Step ${step}: the reconstruction is ${Math.round(fvu)} times worse than the mean. Try a lower learning rate.`,
  );
}

async function nextBatch(
  reader: ShuffledReader,
  target?: Float32Array<ArrayBuffer>,
): Promise<Float32Array<ArrayBuffer>> {
  const batch = await reader.next(target);
  if (!batch) throw new AppError('empty', 'There are no more activations to train on.');
  return batch;
}

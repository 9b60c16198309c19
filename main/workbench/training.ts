// Training dictionaries: what a run will take, what keeps it from beginning, its job, its curves.
import { mkdir } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { AppError } from '../contract/base/errors.ts';
import { requestEntries } from '../contract/base/setting.ts';
import { DEFAULT_HELD_OUT, runSettings } from '../contract/domain/trainingSettings.ts';
import { readManifest } from '../core/activations/manifest.ts';
import { completeConfig, type TrainingConfig } from '../core/dictionaries/trainingConfig.ts';
import { DEFAULT_BUFFER_BYTES } from '../core/dictionaries/train.ts';
import { predictMemory } from '../core/dictionaries/trainingMemory.ts';
import type { JobContext } from '../jobs/runJob.ts';
import type { JobRecord } from '../storage/entities/jobs.ts';
import { findStore, readStore } from './activations.ts';
import type { Call } from './call.ts';
import {
  catalogueDictionaries,
  findDictionary,
  listDictionaries,
  type ProjectDictionary,
  type TrainedDictionary,
} from './dictionaries.ts';
import { jobKind, resumeToEnd, runToEnd } from './jobKind.ts';
import type { CurvePoint } from './liveCurves.ts';
import { findModelByHash, modelInput } from './models.ts';
import { checkNoTwin, folderOf } from './projectFolder.ts';
import type { Workbench } from './workbench.ts';

const trainRequestSchema = v.object({
  name: v.string(),
  /** Name of the store. */
  activations: v.string(),
  ...requestEntries(runSettings),
});
export type TrainRequest = v.InferOutput<typeof trainRequestSchema>;

/** A finished run tells the time of another whose cost per token differs by no more than this factor. */
const ALIKE = 2;

/** The whole configuration of a run, its memory and its time. @throws AppError `not-found` for the store, `usage`. */
export async function planTraining(
  workbench: Workbench,
  { name: _, activations, heldOutFraction = DEFAULT_HELD_OUT, ...request }: TrainRequest,
) {
  const store = await readStore(workbench, activations);
  const config = completeConfig({ ...request, d: store.width });
  const storeBytes = store.tokens * store.width * (store.dtype === 'f16' ? 2 : 4);
  const memory = predictMemory(config, Math.min(DEFAULT_BUFFER_BYTES, storeBytes));
  const tokens = config.steps * config.batchSize;
  const epochs = tokens / Math.max(1, store.tokens * (1 - heldOutFraction));
  const time = await predictTime(workbench, config);
  const warnings = warningsOf(config, { memory: memory.total, epochs, fraction: store.fraction });
  return { config, memory, totalMemory: totalmem(), tokens, epochs, ...time, warnings };
}

/**
 * By a finished run of the project of the same kind, whose cost per token, ∝ d·size, is near; else by steps of this very size
 * that are done for the purpose, unless a job has the machine now.
 */
async function predictTime(
  workbench: Workbench,
  config: TrainingConfig,
): Promise<{ readonly seconds: number | null; readonly basis: 'runs' | 'device' | null }> {
  const tokens = config.steps * config.batchSize;
  const cost = (of: { readonly d: number; readonly size: number }) => of.d * of.size;
  const difference = (run: ProjectDictionary) => Math.abs(Math.log(cost(run) / cost(config)));
  const [nearest] = (await listDictionaries(workbench))
    .flatMap((run) => (run.quality?.tokensPerSecond ? [{ run, rate: run.quality.tokensPerSecond }] : []))
    .filter(({ run }) => run.architecture === config.architecture && difference(run) <= Math.log(ALIKE))
    .sort((a, b) => difference(a.run) - difference(b.run));
  if (nearest) return { seconds: (tokens / nearest.rate) * (cost(config) / cost(nearest.run)), basis: 'runs' };
  const isBusy = workbench.project.jobs.list(['running']).length > 0;
  const { architecture, d, size, k, batchSize } = config;
  const seconds = isBusy ? null : await workbench.speed.stepSeconds({ architecture, d, size, k, batchSize });
  return seconds === null ? { seconds: null, basis: null } : { seconds: config.steps * seconds, basis: 'device' };
}

function warningsOf(
  config: TrainingConfig,
  { memory, epochs, fraction }: { readonly memory: number; readonly epochs: number; readonly fraction: number },
): string[] {
  const warnings: string[] = [];
  if (memory > 0.8 * totalmem()) warnings.push('It will take more memory than this machine can spare.');
  if (epochs > 10) {
    warnings.push(`${epochs.toFixed(0)} epochs: consider capturing more text.`);
  }
  if (fraction < 1) warnings.push('The capture of these activations has not finished.');
  if (config.k * 4 > config.size) warnings.push('So many features fire at once that few of them can mean one thing.');
  return warnings;
}

/**
 * A run that can begin.
 * @throws AppError `not-found` for the store or its model; `conflict` for one whose capture has not finished; `exists` when
 * there is a dictionary or a run of the name; `usage`.
 */
export async function prepareTraining(workbench: Workbench, request: TrainRequest): Promise<TrainRequest> {
  const { project } = workbench;
  const store = await readStore(workbench, request.activations);
  if (store.fraction < 1) {
    throw new AppError('conflict', `The capture of ${store.name} has not finished. Resume it first.`);
  }
  await findModelByHash(project.folder, store.model);
  completeConfig({ ...request, d: store.width });
  await checkNoTwin(project.folder, 'dictionaries', request.name);
  const isTaken = (await listDictionaries(workbench)).some(({ name }) => name === request.name);
  const isUnderWay = project.jobs.list(['queued', 'running']).some((job) => runOf(job) === request.name);
  if (!isTaken && !isUnderWay) return request;
  throw new AppError('exists', `There is a dictionary or a run called ${request.name} already. Choose another name.`);
}

/** The name of the run that a job trains; null for a job of another kind. */
function runOf({ kind, description }: JobRecord): string | null {
  return kind === trainJob.name ? (trainJob.titleOf(description)?.subject ?? null) : null;
}

/** The jobs that train runs, or did last, by the names of the runs. */
export function jobsOfRuns({ project }: Pick<Workbench, 'project'>): ReadonlyMap<string, JobRecord> {
  return new Map(
    project.jobs.list().flatMap((job) => {
      const run = runOf(job);
      return run === null ? [] : [[run, job] as const];
    }),
  );
}

/** @throws AppError `not-found`; `usage` for a dictionary that was made elsewhere: nothing can be trained further of it. */
async function findRun(workbench: Workbench, name: string): Promise<TrainedDictionary> {
  const dictionary = await findDictionary(workbench, name);
  if (dictionary.origin === 'training') return dictionary;
  throw new AppError('usage', `${name} was imported from ${dictionary.record.source.path}: there is no run to resume.`);
}

/** Continues a run that stopped. @throws AppError `not-found`, `mismatch`. */
export async function resumeTraining(workbench: Workbench, name: string, signal: AbortSignal) {
  const job = workbench.project.jobs
    .list(['queued', 'running', 'paused', 'interrupted', 'cancelled', 'failed'])
    .findLast((candidate) => runOf(candidate) === name);
  if (job) return resumeToEnd(workbench, trainJob, job.id, { signal });
  // A run that came without its job, as a copied folder does, is described by its own file.
  await findRun(workbench, name);
  return runToEnd(workbench, trainJob, { name }, { signal });
}

async function beginTraining(workbench: Workbench, request: TrainRequest, context: JobContext) {
  const { project, compute } = workbench;
  const { name, activations, heldOutFraction, ...training } = request;
  const folder = folderOf(project.folder, 'dictionaries', name);
  const storeFolder = await findStore(workbench, activations);
  const model = await findModelByHash(project.folder, (await readManifest(storeFolder)).model);
  await mkdir(join(project.folder, 'dictionaries'), { recursive: true });
  const result = await compute(
    'dictionary.train',
    {
      request: training,
      folder,
      storeFolder,
      model: await modelInput(project.folder, model),
      modelName: model.name,
      ...(heldOutFraction === undefined ? {} : { heldOutFraction }),
    },
    context,
  );
  await catalogueDictionaries(project);
  return { name, ...result };
}

/** From its checkpoint. */
async function continueTraining(workbench: Workbench, name: string, context: JobContext) {
  const { project, compute } = workbench;
  const { folder, model: trainedOn } = await findRun(workbench, name);
  const model = await findModelByHash(project.folder, trainedOn.hash);
  const input = { folder, model: await modelInput(project.folder, model), modelName: model.name };
  const result = await compute('dictionary.resume', input, context);
  await catalogueDictionaries(project);
  return { name, ...result };
}

export const trainJob = jobKind({
  name: 'train',
  request: v.union([
    trainRequestSchema,
    v.strictObject({ name: v.string() }), // strict, so that a request with a bad setting is refused, not continued
  ]),
  title: ({ name }) => `Train ${name}`,
  subject: ({ name }) => name,
  run: async (workbench, request, { onProgress, ...rest }) => {
    const { curves } = workbench;
    curves.begin(request.name);
    const context: JobContext = {
      ...rest,
      onProgress: (progress) => {
        curves.report(request.name, progress);
        onProgress(progress);
      },
    };
    const isThere = await findDictionary(workbench, request.name).then(
      () => true,
      () => false,
    );
    return isThere || !('activations' in request)
      ? continueTraining(workbench, request.name, context)
      : beginTraining(workbench, request, context);
  },
  canPause: true,
  changes: ['dictionaries', 'project'],
});

/** The recorded curves of a run. @throws AppError `not-found`, but not for a run that waits for its turn. */
export async function readRunCurves(workbench: Workbench, { name }: { readonly name: string }) {
  const folder = folderOf(workbench.project.folder, 'dictionaries', name);
  if (!jobsOfRuns(workbench).has(name)) await findDictionary(workbench, name);
  return { points: await workbench.curves.read(name, folder) };
}

/** The curves of a run as they grow: what is recorded first; ends with the run. */
export async function watchRunCurves(
  workbench: Workbench,
  { name }: { readonly name: string },
  { signal, send, settled }: Pick<Call<{ readonly points: readonly CurvePoint[] }>, 'signal' | 'send' | 'settled'>,
) {
  // A run that has only just begun has no folder yet.
  const folder = folderOf(workbench.project.folder, 'dictionaries', name);
  const job = jobsOfRuns(workbench).get(name);
  const end = workbench.curves.watch(name, (points) => send({ points }));
  try {
    send({ points: await workbench.curves.read(name, folder) });
    if (job?.state === 'running' || job?.state === 'queued') await Promise.race([settled(job.id), aborted(signal)]);
    return {};
  } finally {
    end();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

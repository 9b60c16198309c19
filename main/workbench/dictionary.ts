// What can be asked of a dictionary and of a run that trains one.
import { basename } from 'node:path';
import * as v from 'valibot';
import type { dictionary as contract } from '../contract/api/dictionary.ts';
import { requestEntries } from '../contract/base/setting.ts';
import { DEFAULT_HELD_OUT, measurementSettings } from '../contract/domain/trainingSettings.ts';
import type { OutputOf } from '../contract/rpc/procedure.ts';
import { firingHistogram } from '../core/dictionaries/firingHistogram.ts';
import { kindOf } from '../core/dictionaries/kinds/index.ts';
import type { JobContext } from '../jobs/runJob.ts';
import { findStore } from './activations.ts';
import type { Procedures } from './call.ts';
import { pathOfCorpus } from './corpora.ts';
import type { ComputeOptions } from './compute.ts';
import {
  findDictionary,
  findFinishedDictionary,
  listDictionaries,
  readTrainingDetails,
  readWholeEvaluation,
  requireTrainingStore,
  type ProjectDictionary,
} from './dictionaries.ts';
import { importDictionaryFrom, planImport, type ImportRequest } from './importedDictionary.ts';
import { jobKind } from './jobKind.ts';
import { findModelByHash, modelInput } from './models.ts';
import { jobsOfRuns, planTraining, prepareTraining, readRunCurves, trainJob, watchRunCurves } from './training.ts';
import type { Workbench } from './workbench.ts';

type Shown = OutputOf<(typeof contract)['list']>[number];
type Described = OutputOf<(typeof contract)['describe']>;

/** Dictionaries and runs, each with the job that trains it. */
export async function listWithJobs(workbench: Workbench): Promise<readonly Shown[]> {
  const found = await listDictionaries(workbench);
  const jobs = jobsOfRuns(workbench);
  return found.map((dictionary) => shown(dictionary, jobs));
}

function shown(dictionary: ProjectDictionary, jobs: ReturnType<typeof jobsOfRuns>): Shown {
  const { name, state, origin, architecture, d, size, k, site, model, hash, quality } = dictionary;
  const job = jobs.get(name)?.id ?? null;
  const { competes } = kindOf({ architecture });
  const steps = dictionary.origin === 'training' ? dictionary.steps : null;
  return { name, state, origin, architecture, competes, d, size, k, steps, site, model, hash, quality, job };
}

/** Where a dictionary comes from, how good it is, how often its features fire. @throws AppError `not-found`, `invalid-file`. */
export async function describeDictionary(workbench: Workbench, { name }: { readonly name: string }) {
  const found = await findDictionary(workbench, name);
  const evaluation = await readWholeEvaluation(found);
  return {
    dictionary: shown(found, jobsOfRuns(workbench)),
    origin: await originOf(found, evaluation),
    firing: evaluation ? firingHistogram(evaluation.firingRates, evaluation.tokens) : null,
  };
}

/** Imports a dictionary, and shows it as lists do. */
export async function importShown(
  workbench: Workbench,
  request: ImportRequest,
  options: Pick<ComputeOptions<never>, 'signal' | 'onProgress'>,
): Promise<Shown> {
  const name = await importDictionaryFrom(workbench, request, options);
  return shown(await findDictionary(workbench, name), jobsOfRuns(workbench));
}

async function originOf(
  found: ProjectDictionary,
  evaluation: Awaited<ReturnType<typeof readWholeEvaluation>>,
): Promise<Described['origin']> {
  if (found.origin === 'import') {
    const { imported, source, layout, layoutTitle, conclusions, claims, check } = found.record;
    return { from: 'import', imported, source, layout, layoutTitle, conclusions, claims, check };
  }
  const { config, contextLength, corpus } = await readTrainingDetails(found);
  return {
    from: 'training',
    config,
    store: basename(found.store),
    corpus,
    heldOutFraction: found.heldOutFraction,
    contextLength,
    seconds: evaluation?.seconds ?? null,
    tokensPerSecond: evaluation?.tokensPerSecond ?? null,
    trainedTokens: evaluation?.trainedTokens ?? null,
  };
}

const evaluateRequestSchema = v.object({
  name: v.string(),
  /** Name of another store than the one that it was trained on. */
  activations: v.exactOptional(v.string()),
  ...requestEntries(measurementSettings),
});
type EvaluateRequest = v.InferOutput<typeof evaluateRequestSchema>;

async function measureDictionary(workbench: Workbench, request: EvaluateRequest, context: JobContext) {
  const { project, compute } = workbench;
  const dictionary = await findFinishedDictionary(workbench, request.name);
  const model = await findModelByHash(project.folder, dictionary.model.hash);
  const store =
    request.activations === undefined
      ? await requireTrainingStore(dictionary, otherActivations(dictionary))
      : { folder: await findStore(workbench, request.activations), heldOutFraction: heldOutShareOf(dictionary) };
  const { firingRates: _, ...quality } = await compute(
    'dictionary.evaluate',
    {
      model: await modelInput(project.folder, model),
      folder: dictionary.folder,
      storeFolder: store.folder,
      heldOutFraction: request.heldOutFraction ?? store.heldOutFraction,
    },
    context,
  );
  return { name: request.name, ...quality };
}

function otherActivations({ name, site }: ProjectDictionary): string {
  return `Name others of ${site}: errata dictionary evaluate ${name} --activations STORE`;
}

/** Of any store: as much as its training held out. */
function heldOutShareOf(dictionary: ProjectDictionary): number {
  return dictionary.origin === 'training' ? dictionary.heldOutFraction : DEFAULT_HELD_OUT;
}

export const evaluateJob = jobKind({
  name: 'evaluate',
  request: evaluateRequestSchema,
  title: ({ name }) => `Measure ${name}`,
  subject: ({ name }) => name,
  run: measureDictionary,
  canPause: false,
  changes: [],
});

/** @throws AppError `not-found`, `conflict` while its training has not finished. */
export async function prepareMeasurement(workbench: Workbench, request: EvaluateRequest): Promise<EvaluateRequest> {
  await findFinishedDictionary(workbench, request.name);
  return request;
}

export const dictionary: Procedures<'dictionary'> = {
  list: listWithJobs,
  describe: describeDictionary,
  curves: readRunCurves,
  watchCurves: watchRunCurves,
  plan: planTraining,
  train: async (workbench, input, call) => call.start(trainJob, await prepareTraining(workbench, input)),
  planImport: (workbench, { location, corpus: _, ...request }, { pathOf, signal }) =>
    planImport(workbench, { ...request, path: pathOf(location) }, { signal }),
  import: async (workbench, { location, corpus, ...request }, call) => {
    const text = corpus === undefined ? {} : { corpus: await pathOfCorpus(workbench, corpus, call) };
    const { signal, send: onProgress } = call;
    return importShown(workbench, { ...request, ...text, path: call.pathOf(location) }, { signal, onProgress });
  },
  evaluate: async (workbench, input, call) => call.start(evaluateJob, await prepareMeasurement(workbench, input)),
};

// What can be asked of a dictionary and of a run that trains one.
import { basename } from 'node:path';
import * as v from 'valibot';
import type { dictionary as contract } from '../contract/api/dictionary.ts';
import { requestEntries } from '../contract/base/setting.ts';
import { measurementSettings } from '../contract/domain/trainingSettings.ts';
import type { OutputOf } from '../contract/rpc/procedure.ts';
import { firingHistogram } from '../core/dictionaries/firingHistogram.ts';
import { kindOf } from '../core/dictionaries/kinds/index.ts';
import type { JobContext } from '../jobs/runJob.ts';
import { findStore } from './activations.ts';
import type { Procedures } from './call.ts';
import {
  findDictionary,
  findFinishedDictionary,
  listDictionaries,
  readDictionaryDetails,
  requireTrainingStore,
  type ProjectDictionary,
} from './dictionaries.ts';
import { jobKind } from './jobKind.ts';
import { findModelByHash, modelInput } from './models.ts';
import { jobsOfRuns, planTraining, prepareTraining, readRunCurves, trainJob, watchRunCurves } from './training.ts';
import type { Workbench } from './workbench.ts';

type Shown = OutputOf<(typeof contract)['list']>[number];

/** Dictionaries and runs, each with the job that trains it. */
export async function listWithJobs(workbench: Workbench): Promise<readonly Shown[]> {
  const found = await listDictionaries(workbench);
  const jobs = jobsOfRuns(workbench);
  return found.map((dictionary) => shown(dictionary, jobs));
}

function shown(
  { name, state, architecture, d, size, k, steps, site, model, quality }: ProjectDictionary,
  jobs: ReturnType<typeof jobsOfRuns>,
): Shown {
  const job = jobs.get(name)?.id ?? null;
  const { competes } = kindOf({ architecture });
  return { name, state, architecture, competes, d, size, k, steps, site, model, quality, job };
}

/** How a dictionary was trained, how good it is, how often its features fire. @throws AppError `not-found`, `invalid-file`. */
export async function describeDictionary(workbench: Workbench, { name }: { readonly name: string }) {
  const found = await findDictionary(workbench, name);
  const { config, contextLength, corpus, evaluation } = await readDictionaryDetails(found);
  return {
    dictionary: shown(found, jobsOfRuns(workbench)),
    config,
    provenance: {
      store: basename(found.store),
      corpus,
      heldOutFraction: found.heldOutFraction,
      contextLength,
      seconds: evaluation?.seconds ?? null,
      tokensPerSecond: evaluation?.tokensPerSecond ?? null,
      trainedTokens: evaluation?.trainedTokens ?? null,
    },
    firing: evaluation ? firingHistogram(evaluation.firingRates, evaluation.tokens) : null,
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
  const storeFolder =
    request.activations === undefined
      ? await requireTrainingStore(
          dictionary,
          `Name others of ${dictionary.site}: errata dictionary evaluate ${request.name} --activations STORE`,
        )
      : await findStore(workbench, request.activations);
  const { firingRates: _, ...quality } = await compute(
    'dictionary.evaluate',
    {
      model: modelInput(project.folder, model),
      folder: dictionary.folder,
      storeFolder,
      heldOutFraction: request.heldOutFraction ?? dictionary.heldOutFraction,
    },
    context,
  );
  return { name: request.name, ...quality };
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
  evaluate: async (workbench, input, call) => call.start(evaluateJob, await prepareMeasurement(workbench, input)),
};

import { totalmem } from 'node:os';
import { basename } from 'node:path';
import type { ApiHandlers } from '../../../contract/api/contract.ts';
import type { dictionary as dictionaryContract } from '../../../contract/api/dictionary.ts';
import { AppError } from '../../../contract/base/errors.ts';
import type { Job } from '../../../contract/api/job.ts';
import { DEFAULT_HELD_OUT } from '../../../contract/domain/trainingSettings.ts';
import type { OutputOf } from '../../../contract/rpc/procedure.ts';
import { kindOf } from '../../../core/dictionaries/kinds/index.ts';
import { completeConfig, type TrainingConfig } from '../../../core/dictionaries/trainingConfig.ts';
import { predictMemory } from '../../../core/dictionaries/trainingMemory.ts';
import { DEFAULT_BUFFER_BYTES } from '../../../core/dictionaries/train.ts';
import { listStores } from '../../../workbench/activations.ts';
import {
  evaluateJob,
  findDictionary,
  findFinishedDictionary,
  listDictionaries,
  readDictionaryDetails,
  trainJob,
  type ProjectDictionary,
} from '../../../workbench/dictionaries.ts';
import { folderOf } from '../../../workbench/projectFolder.ts';
import { firingHistogram } from '../firingHistogram.ts';
import type { HostContext } from '../hostContext.ts';

type DictionaryFacts = OutputOf<(typeof dictionaryContract)['list']>[number];

/** A finished run tells the time of another whose cost per token differs by no more than this factor. */
const ALIKE = 2;

export function dictionaryHandlers(host: HostContext): ApiHandlers['dictionary'] {
  const workbench = () => host.session().workbench;
  return {
    list: async () => {
      const session = host.session();
      const found = await listDictionaries(session.workbench);
      const jobs = session.jobsOfRuns();
      return found.map((dictionary) => show(dictionary, jobs));
    },
    describe: async ({ name }) => {
      const session = host.session();
      const found = await findDictionary(session.workbench, name);
      const { config, contextLength, corpus, evaluation } = await readDictionaryDetails(found);
      return {
        dictionary: show(found, session.jobsOfRuns()),
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
    },
    curves: async ({ name }) => {
      const session = host.session();
      const folder = folderOf(session.workbench.project.folder, 'dictionaries', name);
      // A run that waits for its turn has no folder yet.
      if (!session.jobsOfRuns().has(name)) await findDictionary(session.workbench, name);
      return { points: await session.curves.read(name, folder) };
    },
    watchCurves: async ({ name }, { signal, send }) => {
      const session = host.session();
      // A run that has only just begun has no folder yet.
      const folder = folderOf(session.workbench.project.folder, 'dictionaries', name);
      const job = session.jobsOfRuns().get(name);
      const end = session.curves.watch(name, (points) => send({ points }));
      try {
        send({ points: await session.curves.read(name, folder) });
        if (job?.state !== 'running' && job?.state !== 'queued') return {};
        await Promise.race([session.settled(job.id), aborted(signal)]);
        return {};
      } finally {
        end();
      }
    },
    plan: async ({ name: _, activations, heldOutFraction = DEFAULT_HELD_OUT, ...request }) => {
      const store = (await listStores(workbench())).find((candidate) => candidate.name === activations);
      if (!store) throw new AppError('not-found', `The project has no activations "${activations}".`);
      const config = completeConfig({ ...request, d: store.width });
      const storeBytes = store.tokens * store.width * (store.dtype === 'f16' ? 2 : 4);
      const memory = predictMemory(config, Math.min(DEFAULT_BUFFER_BYTES, storeBytes));
      const tokens = config.steps * config.batchSize;
      const epochs = tokens / Math.max(1, store.tokens * (1 - heldOutFraction));
      const { seconds, basis } = await predictTime(host, config);
      return {
        config,
        memory,
        totalMemory: totalmem(),
        tokens,
        epochs,
        seconds,
        basis,
        warnings: warningsOf(config, { memory: memory.total, epochs, fraction: store.fraction }),
      };
    },
    train: async (request) => {
      const session = host.session();
      const { workbench: open } = session;
      const store = (await listStores(open)).find(({ name }) => name === request.activations);
      if (!store) throw new AppError('not-found', `The project has no activations "${request.activations}".`);
      if (store.fraction < 1) {
        throw new AppError('conflict', `The capture of ${store.name} has not finished: let it go on first.`);
      }
      completeConfig({ ...request, d: store.width });
      const taken = (await listDictionaries(open)).some(({ name }) => name === request.name);
      const isQueued = session
        .jobs()
        .some(
          (job) =>
            job.kind === trainJob.name && job.subject === request.name && ['queued', 'running'].includes(job.state),
        );
      if (taken || isQueued) {
        throw new AppError(
          'exists',
          `There is a dictionary or a run called ${request.name} already. Choose another name.`,
        );
      }
      return session.submit(trainJob, request);
    },
    evaluate: async (request) => {
      const session = host.session();
      await findFinishedDictionary(session.workbench, request.name);
      return session.submit(evaluateJob, request);
    },
  };
}

function show(
  { name, state, architecture, d, size, k, steps, site, model, quality }: ProjectDictionary,
  jobs: ReadonlyMap<string, Job>,
): DictionaryFacts {
  const job = jobs.get(name)?.id ?? null;
  const { competes } = kindOf({ architecture });
  return { name, state, architecture, competes, d, size, k, steps, site, model, quality, job };
}

/**
 * By a finished run of the project of the same kind, whose cost per token, ∝ d·size, is near; else by steps of this very size
 * that are done for the purpose, unless a job has the machine now.
 */
async function predictTime(
  host: HostContext,
  config: TrainingConfig,
): Promise<{ readonly seconds: number | null; readonly basis: 'runs' | 'device' | null }> {
  const tokens = config.steps * config.batchSize;
  const cost = (of: { readonly d: number; readonly size: number }) => of.d * of.size;
  const difference = (run: ProjectDictionary) => Math.abs(Math.log(cost(run) / cost(config)));
  const [nearest] = (await listDictionaries(host.session().workbench))
    .flatMap((run) => (run.quality?.tokensPerSecond ? [{ run, rate: run.quality.tokensPerSecond }] : []))
    .filter(({ run }) => run.architecture === config.architecture && difference(run) <= Math.log(ALIKE))
    .sort((a, b) => difference(a.run) - difference(b.run));
  if (nearest) return { seconds: (tokens / nearest.rate) * (cost(config) / cost(nearest.run)), basis: 'runs' };
  const isBusy = host
    .session()
    .jobs()
    .some(({ state }) => state === 'running');
  const { architecture, d, size, k, batchSize } = config;
  const seconds = isBusy ? null : await host.computing.stepSeconds({ architecture, d, size, k, batchSize });
  return seconds === null ? { seconds: null, basis: null } : { seconds: config.steps * seconds, basis: 'device' };
}

function warningsOf(
  config: TrainingConfig,
  { memory, epochs, fraction }: { readonly memory: number; readonly epochs: number; readonly fraction: number },
): string[] {
  const warnings: string[] = [];
  if (memory > 0.8 * totalmem()) warnings.push('It will take more memory than this machine can spare.');
  if (epochs > 10) {
    warnings.push(`It will see each activation ${epochs.toFixed(0)} times: more text would serve it better.`);
  }
  if (fraction < 1) warnings.push('The capture of these activations has not finished.');
  if (config.k * 4 > config.size) warnings.push('So many features fire at once that few of them can mean one thing.');
  return warnings;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

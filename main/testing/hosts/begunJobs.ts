// Every kind of job with how a person begins one in the project of facesProject.ts: by a command, and in the window. A test
// demands a row for each kind, so what walks this table (both faces, the torture campaign) covers a new kind by itself.
import { join } from 'node:path';
import type { Api } from '../../contract/api/contract.ts';
import type { Job } from '../../contract/domain/job.ts';
import { CAPTURE, PROMPTS, SITE, TRAINING } from './facesProject.ts';

const QUICK = { contexts: 0, baselines: false, doses: [], blastRadius: false };
const TRAIN_WORDS = ['--architecture', 'topk', '--features', '64', '-k', '4', '--batch-size', '64', '--steps', '20'];
/** What a job of the kind `verify` looks at: it must have been exported before. */
export const EXPORTED = 'export-cli';

export interface BegunJob {
  /** The words of the command that begins such a job in the project's folder. */
  readonly words: (name: string, project: string) => readonly string[];
  /** The first task that the engine is given for it. */
  readonly task: string;
  readonly call: (api: Api, name: string) => Promise<Job>;
}

export const BEGUN_JOBS: Readonly<Record<string, BegunJob>> = {
  capture: {
    words: (name, project) => [
      ...['capture', 'sample', '--corpus', join(project, 'corpora/corpus.jsonl'), '--site', SITE, '--name', name],
      ...['--context-length', '32', '--max-contexts', '40'],
    ],
    task: 'activations.capture',
    call: (api, name) => api.activations.capture({ ...CAPTURE, name }),
  },
  train: {
    words: (name) => ['train', name, '--activations', 'store', ...TRAIN_WORDS],
    task: 'dictionary.train',
    call: (api, name) => api.dictionary.train({ name, activations: 'store', ...TRAINING }),
  },
  evaluate: {
    words: () => ['dictionary', 'evaluate', 'run'],
    task: 'dictionary.evaluate',
    call: (api) => api.dictionary.evaluate({ name: 'run' }),
  },
  statistics: {
    words: () => ['feature', 'stats', 'run', '--activations', 'store'],
    task: 'feature.statistics',
    call: (api) =>
      api.feature.computeStatistics({
        dictionary: 'run',
        over: { from: 'activations', name: 'store' },
        maxContexts: 30,
      }),
  },
  find: {
    words: (name, project) => [
      ...['find', '--with', join(project, 'with.txt'), '--without', join(project, 'without.txt'), '-d', 'run'],
      ...['--name', name, '--effort', '1000', '--candidates', '4', '--most-operations', '1'],
    ],
    task: 'edit.find',
    call: (api, name) =>
      api.finder.start({
        name,
        sides: { from: 'prompts', ...PROMPTS },
        dictionaries: ['run'],
        settings: { tokensPerRound: 1000, candidates: 4, mostOperations: 1 },
      }),
  },
  evaluation: {
    words: () => ['evaluate', 'chain', '--suite', 'tiny', '--contexts', '0', '--quick'],
    task: 'edit.evaluate',
    call: (api) => api.evaluation.start({ of: 'chain', behaviours: ['tiny'], settings: QUICK, budget: null }),
  },
  behaviour: {
    words: () => ['behaviour', 'run', 'tiny', '--split', 'report'],
    task: 'behaviour.run',
    call: (api) => api.behaviour.run({ name: 'tiny', version: 'chain' }),
  },
  export: {
    words: (name) => ['export', name, '--version', 'chain', '--form', 'embedded', '--activations', 'store'],
    task: 'export.write',
    call: (api, name) =>
      api.export.start({ name, version: 'chain', form: 'embedded', text: { from: 'store', store: 'store' } }),
  },
  verify: {
    words: () => ['verify', EXPORTED],
    task: 'export.verify',
    call: (api) => api.export.verify({ name: EXPORTED }),
  },
  bisect: {
    words: () => ['bisect', 'tiny', '--good', 'chain~2', '--bad', 'chain', '--at-least', '0'],
    task: 'behaviour.run',
    call: async (api) => {
      await api.edit.endBisect({});
      await api.edit.startBisect({ bad: 'chain', good: ['chain~2'] });
      return api.edit.runBisect({ behaviour: 'other', bound: 'atLeast', passRate: 0 });
    },
  },
  download: {
    words: (name) => ['hub', 'get', `lab/${name}`],
    task: 'hub.download',
    call: (api, name) => api.hub.get({ repository: `lab/${name}` }),
  },
};

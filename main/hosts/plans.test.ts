// The command line says what the window says before long work begins: the same plan with the same warnings, and where the
// work cannot be done the same refusal. Real engine, real files, the sample's model.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { contract, type Api } from '../contract/api/contract.ts';
import {
  printCapturePlan,
  printDownloadPlan,
  printEvaluationPlan,
  printExportPlan,
  printSearchPlan,
  printStatisticsTexts,
  printTrainingPlan,
} from './cli/plans.ts';
import { errata } from '../testing/hosts/commandLine.ts';
import { CAPTURE, PROMPTS, SITE, startFaces, TRAINING, type FacesProject } from '../testing/hosts/facesProject.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let faces: FacesProject;
beforeAll(async () => {
  faces = await startFaces();
});
afterAll(() => faces.stop());

type Print = Parameters<typeof printCapturePlan>[1];

interface Planned {
  readonly words: () => readonly string[];
  readonly plan: (api: Api) => Promise<object>;
  /** As the command prints what the API answers. */
  readonly print: (api: Api, context: Print) => Promise<void>;
  /** The engine's task that comes after the plan; null: the command that shows the plan does nothing else. */
  readonly stopAt: string | null;
}

function planned<Plan extends object>(
  words: Planned['words'],
  plan: (api: Api) => Promise<Plan>,
  print: (plan: Plan, context: Print) => void,
  stopAt: string | null,
): Planned {
  return { words, plan, print: async (api, context) => print(await plan(api), context), stopAt };
}

const trainWords = ['--architecture', 'topk', '--features', '64', '-k', '4', '--batch-size', '64', '--steps', '20'];
const quick = { contexts: 0, baselines: false, doses: [], blastRadius: false };

const PLANS: Readonly<Record<string, Planned>> = {
  'activations.plan': planned(
    () => [
      ...['capture', 'sample', '--corpus', join(faces.project, 'corpora/corpus.jsonl'), '--site', SITE],
      ...['--name', 'more', '--context-length', '32', '--max-contexts', '40'],
    ],
    (api) => api.activations.plan({ ...CAPTURE, name: 'more' }),
    printCapturePlan,
    'activations.capture',
  ),
  'hub.plan': planned(
    () => ['hub', 'get', 'lab/model'],
    (api) => api.hub.plan({ repository: 'lab/model' }),
    printDownloadPlan,
    'hub.download',
  ),
  'dictionary.plan': planned(
    () => ['train', 'more', '--activations', 'store', ...trainWords],
    (api) => api.dictionary.plan({ name: 'more', activations: 'store', ...TRAINING }),
    printTrainingPlan,
    'dictionary.train',
  ),
  'feature.statisticsTexts': planned(
    () => ['feature', 'stats', 'run'],
    (api) => api.feature.statisticsTexts({ dictionary: 'run' }),
    printStatisticsTexts,
    null,
  ),
  'finder.plan': planned(
    () => [
      ...['find', '--with', faces.prompts('with'), '--without', faces.prompts('without'), '-d', 'run'],
      ...['--effort', '1000', '--candidates', '4', '--most-operations', '1'],
    ],
    (api) =>
      api.finder.plan({
        name: 'prompts',
        sides: { from: 'prompts', ...PROMPTS },
        dictionaries: ['run'],
        settings: { tokensPerRound: 1000, candidates: 4, mostOperations: 1 },
      }),
    printSearchPlan,
    'edit.find',
  ),
  'evaluation.plan': planned(
    () => ['evaluate', 'chain', '--suite', 'tiny', '--contexts', '0', '--quick'],
    (api) => api.evaluation.plan({ of: 'chain', behaviours: ['tiny'], settings: quick }),
    printEvaluationPlan,
    'edit.evaluate',
  ),
  'export.plan': planned(
    () => ['export', 'more', '--version', 'chain', '--activations', 'store'],
    (api) => api.export.plan({ version: 'chain' }),
    printExportPlan,
    'export.write',
  ),
};

/** Times are measured by each process, and the disk fills meanwhile. */
const steady = (line: string) => line.replace(/about [\d hmins]+/gu, 'about T').replace(/\([^()]* free\)/u, '(free)');
const MEASURED = ['seconds', 'freeBytes'] as const;
const facts = (plan: object) => ({ ...plan, ...Object.fromEntries(MEASURED.map((name) => [name, undefined])) });

it('every plan of the contract is in the table', () => {
  const named = Object.entries(contract).flatMap(([noun, own]) =>
    Object.keys(own).flatMap((name) => (name === 'plan' || name === 'statisticsTexts' ? [`${noun}.${name}`] : [])),
  );
  expect(Object.keys(PLANS).toSorted()).toEqual(named.toSorted());
});

const printedOf = async ({ print }: Planned) => {
  const printed: string[] = [];
  await print(faces.api, { print: (line) => void printed.push(line) });
  return printed.map(steady);
};

it.each(Object.entries(PLANS))('the command with --plan gives and prints what %s answers', async (_, row) => {
  const said = await errata(faces.project, [...row.words(), '--plan']);
  expect(facts(said.result)).toEqual(facts(await row.plan(faces.api)));
  expect(said.printed.length).toBeGreaterThan(0);
  expect(said.printed.map(steady)).toEqual(await printedOf(row));
});

it.each(Object.entries(PLANS).filter(([, { stopAt }]) => stopAt !== null))(
  'before the work begins its command prints what %s answers',
  async (_, row) => {
    const said: string[] = [];
    const options = { stopAt: row.stopAt ?? '', onPrint: (line: string) => void said.push(line) };
    await expect(errata(faces.project, row.words(), options)).rejects.toMatchObject({ code: 'cancelled' });
    expect(said.map(steady)).toEqual(await printedOf(row));
  },
);

interface Refused {
  readonly words: () => readonly string[];
  readonly call: (api: Api) => Promise<unknown>;
  readonly code: string;
}

const search = (name: string, dictionary: string) =>
  ({ name, sides: { from: 'behaviours', target: 'tiny', keep: [] }, dictionaries: [dictionary] }) as const;

const addModel = (api: Api, name: string) =>
  api.model.add({ location: faces.host.context.locations.grant(join(faces.project, 'models/sample/files')), name });

const REFUSALS: Readonly<Record<string, Refused>> = {
  'activations under a name that is taken': {
    words: () => [
      ...['capture', 'sample', '--corpus', join(faces.project, 'corpora/corpus.jsonl'), '--site', SITE],
      ...['--name', 'store', '--context-length', '16'],
    ],
    call: (api) => api.activations.capture({ ...CAPTURE, contextLength: 16 }),
    code: 'exists',
  },
  'a run under a name that is taken': {
    words: () => ['train', 'run', '--activations', 'store', ...trainWords],
    call: (api) => api.dictionary.train({ name: 'run', activations: 'store', ...TRAINING }),
    code: 'exists',
  },
  'statistics of a dictionary that there is not': {
    words: () => ['feature', 'stats', 'nothing'],
    call: (api) => api.feature.computeStatistics({ dictionary: 'nothing' }),
    code: 'not-found',
  },
  'a search in a dictionary that there is not': {
    words: () => ['find', 'tiny', '--dictionary', 'nothing'],
    call: (api) => api.finder.start(search('tiny', 'nothing')),
    code: 'not-found',
  },
  'a search under the name of one that is under way': {
    words: () => ['find', 'tiny', '--dictionary', 'run', '--name', 'busy'],
    call: (api) => api.finder.start(search('busy', 'run')),
    code: 'exists',
  },
  'an evaluation for a behaviour that it does not run': {
    words: () => ['evaluate', 'chain', '--suite', 'other', '--target', 'tiny', '--contexts', '0', '--quick'],
    call: (api) =>
      api.evaluation.start({ of: 'chain', behaviours: ['other'], targets: ['tiny'], settings: quick, budget: null }),
    code: 'usage',
  },
  'an export under a name that is taken': {
    words: () => ['export', 'taken', '--version', 'chain', '--form', 'embedded', '--activations', 'store'],
    call: (api) =>
      api.export.start({ name: 'taken', version: 'chain', form: 'embedded', text: { from: 'store', store: 'store' } }),
    code: 'exists',
  },
  'a run of a behaviour that there is not': {
    words: () => ['behaviour', 'run', 'nothing'],
    call: (api) => api.behaviour.run({ name: 'nothing', version: null }),
    code: 'not-found',
  },
  'a behaviour that there is not': {
    words: () => ['behaviour', 'show', 'nothing'],
    call: (api) => api.behaviour.show({ ref: 'nothing' }),
    code: 'not-found',
  },
  'a measurement of a dictionary that there is not': {
    words: () => ['dictionary', 'evaluate', 'nothing'],
    call: (api) => api.dictionary.evaluate({ name: 'nothing' }),
    code: 'not-found',
  },
  'an evaluation of a version that there is not': {
    words: () => ['evaluate', 'nothing'],
    call: (api) => api.evaluation.start({ of: 'nothing', budget: null }),
    code: 'not-found',
  },
  'a forecast from features without statistics': {
    words: () => ['forecast', 'chain'],
    call: (api) => api.evaluation.forecast({ of: 'chain' }),
    code: 'not-found',
  },
  'a commit without changes': {
    words: () => ['edit', 'commit', '--message', 'Nothing'],
    call: (api) => api.edit.commit({ message: 'Nothing' }),
    code: 'empty',
  },
  'a branch that there is already': {
    words: () => ['edit', 'branch', 'chain'],
    call: (api) => api.edit.createBranch({ name: 'chain', ref: 'HEAD' }),
    code: 'exists',
  },
  'a model under a name that is taken': {
    words: () => ['model', 'add', join(faces.project, 'models/sample/files'), '--name', 'sample'],
    call: (api) => addModel(api, 'sample'),
    code: 'exists',
  },
  'a model that the project has': {
    words: () => ['model', 'add', join(faces.project, 'models/sample/files'), '--name', 'again'],
    call: (api) => addModel(api, 'again'),
    code: 'exists',
  },
  'a finding that there is not': {
    words: () => ['findings', 'take', 'nothing'],
    call: (api) => api.finder.take({ name: 'nothing' }),
    code: 'not-found',
  },
  'an export that there is not': {
    words: () => ['exports', 'remove', 'nothing'],
    call: (api) => api.export.remove({ name: 'nothing' }),
    code: 'not-found',
  },
  'an export of a version that there is not': {
    words: () => ['export', 'fresh', '--version', 'nothing', '--form', 'embedded'],
    call: (api) => api.export.start({ name: 'fresh', version: 'nothing', form: 'embedded' }),
    code: 'not-found',
  },
};

describe('both faces refuse with the same words', () => {
  beforeAll(async () => {
    const { api, host, until } = faces;
    const taken = {
      name: 'taken',
      version: 'chain',
      form: 'embedded',
      text: { from: 'store', store: 'store' },
    } as const;
    await until((await api.export.start(taken)).id, 'succeeded');
    const behaviours = { target: 'other', keep: [] };
    const { jobs } = host.context.session().workbench.project;
    jobs.add('find', { name: 'busy', behaviours, dictionaries: ['run'], settings: {} });
  });

  it.each(Object.entries(REFUSALS))('%s', async (_, { words, call, code }) => {
    const refusal = await call(faces.api).then(
      () => null,
      (thrown: { readonly code: string; readonly message: string }) => ({ code: thrown.code, message: thrown.message }),
    );
    expect(refusal).toMatchObject({ code });
    await expect(errata(faces.project, words())).rejects.toMatchObject(refusal ?? {});
  });
});

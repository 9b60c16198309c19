// What a window is answered, a command prints and gives with --json: each row asks one procedure both ways. Real engine, real
// files, the sample's model.
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { contract, type Api } from '../contract/api/contract.ts';
import { errata } from '../testing/hosts/commandLine.ts';
import { COMMANDS_OF } from '../testing/hosts/facesTables.ts';
import { PROMPTS, startFaces, type FacesProject } from '../testing/hosts/facesProject.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const SEARCH = { tokensPerRound: 1000, candidates: 4, mostOperations: 1 };
const QUICK = { contexts: 0, baselines: false, doses: [], blastRadius: false };
const PROMPT = 'The nurse said that';

let faces: FacesProject;
let model: string;
let dictionary: string;
let evaluations: readonly string[];
let job: string;

beforeAll(async () => {
  faces = await startFaces();
  const { api, until } = faces;
  model = (await api.model.describe({ model: 'sample' })).model.hash;
  dictionary = (await api.dictionary.describe({ name: 'run' })).dictionary.quality?.hash ?? '';
  await api.label.set({ dictionary, feature: 1, patch: { text: 'a nurse', tags: ['people'] } });
  await api.list.save({ name: 'nurses', description: '' });
  await api.list.add({ name: 'nurses', features: [{ dictionary, feature: 1 }] });
  for (const name of ['kept', 'deleted']) {
    const input = { name, version: 'chain', form: 'embedded', text: { from: 'store', store: 'store' } } as const;
    ({ id: job } = await until((await api.export.start(input)).id, 'succeeded'));
  }
  await api.export.remove({ name: 'deleted' });
  await api.edit.startBisect({ bad: 'chain', good: ['chain~2'] });
  await until((await api.feature.computeStatistics({ dictionary: 'run', maxContexts: 30 })).id, 'succeeded');
  await until((await api.behaviour.run({ name: 'tiny', version: 'chain' })).id, 'succeeded');
  for (const of of ['chain~2', 'chain']) {
    const input = { of, behaviours: ['tiny'], settings: QUICK, budget: null };
    await until((await api.evaluation.start(input)).id, 'succeeded');
  }
  evaluations = (await api.evaluation.list({ version: 'chain' })).map(({ id }) => id);
  evaluations = [...(await api.evaluation.list({ version: 'chain~2' })).map(({ id }) => id), ...evaluations];
  const sides = { from: 'prompts', ...PROMPTS } as const;
  for (const name of ['found', 'gone']) {
    await until((await api.finder.start({ name, sides, dictionaries: ['run'], settings: SEARCH })).id, 'succeeded');
  }
});
afterAll(() => faces.stop());

/** `:one` and `:other` in words are the two evaluations, `:job` is a job, `:folder` a dictionary's. */
const spoken = (word: string) =>
  ({
    ...{ ':one': evaluations[0], ':other': evaluations[1], ':job': job },
    ':folder': join(faces.project, 'dictionaries/run'),
  })[word] ?? word;

interface Asked {
  readonly words: readonly string[];
  readonly call: (api: Api) => Promise<unknown>;
  /** Where in the command's result the answer is; the whole result when left out. */
  readonly key?: string;
}

const operations = async (api: Api) => (await api.edit.show({ ref: 'chain' })).operations;

const ASKED: Readonly<Record<string, Asked>> = {
  'model.describe': { words: ['model', 'show', 'sample'], call: (api) => api.model.describe({ model: 'sample' }) },
  'model.nextTokens': {
    words: ['predict', 'sample', '--prompt', PROMPT, '--count', '5'],
    call: (api) => api.model.nextTokens({ model: 'sample', prompt: PROMPT, count: 5 }),
  },
  'model.why': {
    words: ['why', 'sample', '--text', PROMPT, '--against', ' he', '--dictionary', 'run', '--count', '7'],
    call: (api) => api.model.why({ model: 'sample', text: PROMPT, against: ' he', dictionaries: ['run'], count: 7 }),
  },
  'playground.nextTokens': {
    words: ['predict', 'sample', '--prompt', PROMPT, '--count', '5', '--version', 'chain', '--position', '1'],
    call: async (api) =>
      api.playground.nextTokens({
        ...{ model, prompt: PROMPT, raw: true, continuation: [], count: 5, position: 1 },
        operations: [...(await operations(api))],
      }),
  },
  'playground.describe': {
    words: ['edit', 'status'],
    call: async (api) => api.playground.describe({ model, operations: [...(await operations(api))] }),
    key: 'known',
  },
  'activations.list': { words: ['activations', 'list'], call: (api) => api.activations.list(), key: 'stores' },
  'dictionary.describe': {
    words: ['dictionary', 'show', 'run'],
    call: (api) => api.dictionary.describe({ name: 'run' }),
  },
  'dictionary.planImport': {
    words: ['dictionary', 'import', ':folder', '--name', 'fresh', '--plan'],
    call: async (api) => {
      const { location } = await api.files.locate({ path: join(faces.project, 'dictionaries/run') });
      return api.dictionary.planImport({ location, name: 'fresh' });
    },
    key: 'plan',
  },
  'dictionary.curves': {
    words: ['dictionary', 'curves', 'run'],
    call: (api) => api.dictionary.curves({ name: 'run' }),
  },
  'dictionary.list': {
    words: ['dictionary', 'list'],
    call: (api) => api.dictionary.list(),
    key: 'dictionaries',
  },
  'model.list': { words: ['model', 'list'], call: (api) => api.model.list(), key: 'models' },
  'feature.list': {
    words: ['feature', 'list', 'run', '--order', 'rate', '--descending', '--limit', '5'],
    call: (api) => api.feature.list({ dictionary: 'run', order: 'rate', descending: true, limit: 5 }),
  },
  'feature.page': {
    words: ['feature', 'show', 'run', '1'],
    call: (api) => api.feature.page({ dictionary: 'run', feature: 1 }),
    key: 'page',
  },
  'feature.matches': {
    words: ['feature', 'match', 'shipped', '1', '--other', 'run', '--count', '4'],
    call: async (api) =>
      (await api.feature.matches({ dictionary: 'shipped', feature: 1, other: 'run', count: 4 })).matches,
    key: 'matches',
  },
  'feature.suggest': {
    words: ['feature', 'suggest', 'run', '1'],
    call: (api) => api.feature.suggest({ dictionary: 'run', feature: 1 }),
  },
  'feature.tryText': {
    words: ['feature', 'try', 'run', '--text', PROMPT],
    call: (api) => api.feature.tryText({ dictionary: 'run', text: PROMPT }),
  },
  'feature.onText': {
    words: ['feature', 'top', 'run', '--text', PROMPT, '--count', '4'],
    call: (api) => api.feature.onText({ dictionary: 'run', text: PROMPT, count: 4 }),
  },
  'label.get': {
    words: ['label', 'show', '1', '-d', 'run'],
    call: (api) => api.label.get({ dictionary, feature: 1 }),
  },
  'label.list': {
    words: ['label', 'list', '-d', 'run'],
    call: (api) => api.label.list({ dictionary }),
    key: 'labels',
  },
  'label.summary': { words: ['label', 'list', '-d', 'run'], call: (api) => api.label.summary({ dictionary }) },
  'label.agreement': {
    words: ['label', 'agreement', '-d', 'run', '--author', 'Ada'],
    call: (api) => api.label.agreement({ dictionary }),
  },
  'label.search': {
    words: ['label', 'search', 'nurse'],
    call: (api) => api.label.search({ query: 'nurse' }),
    key: 'hits',
  },
  'label.history': {
    words: ['label', 'history', '1', '-d', 'run'],
    call: (api) => api.label.history({ dictionary, feature: 1 }),
    key: 'history',
  },
  'list.all': { words: ['label', 'lists'], call: (api) => api.list.all(), key: 'lists' },
  'intruder.figures': {
    words: ['label', 'agreement', '-d', 'run', '--author', 'Ada'],
    call: (api) => api.intruder.figures({ dictionary }),
    key: 'intruder',
  },
  'edit.status': { words: ['edit', 'status'], call: (api) => api.edit.status() },
  'edit.log': { words: ['edit', 'log'], call: (api) => api.edit.log(), key: 'versions' },
  'edit.show': { words: ['edit', 'show', 'chain'], call: (api) => api.edit.show({ ref: 'chain' }), key: 'version' },
  'edit.diff': {
    words: ['edit', 'diff', 'chain~2', 'chain'],
    call: (api) => api.edit.diff({ before: 'chain~2', after: 'chain' }),
  },
  'behaviour.list': { words: ['behaviour', 'list'], call: (api) => api.behaviour.list(), key: 'behaviours' },
  'behaviour.show': { words: ['behaviour', 'show', 'tiny'], call: (api) => api.behaviour.show({ ref: 'tiny' }) },
  'behaviour.history': {
    words: ['behaviour', 'history', 'tiny'],
    call: async (api) => (await api.behaviour.history({ name: 'tiny' })).map(({ step }) => ({ step })),
    key: 'history',
  },
  'behaviour.results': {
    words: ['behaviour', 'results', 'tiny'],
    call: (api) => api.behaviour.results({ behaviour: 'tiny' }),
    key: 'results',
  },
  'evaluation.list': {
    words: ['evaluation', 'list'],
    call: (api) => api.evaluation.list({}),
    key: 'evaluations',
  },
  'evaluation.show': {
    words: ['evaluation', 'show', ':one'],
    call: async (api) => (await api.evaluation.show({ ref: evaluations[0] ?? '' })).report,
  },
  'evaluation.compare': {
    words: ['evaluation', 'compare', ':one', ':other'],
    call: (api) => api.evaluation.compare({ one: evaluations[0] ?? '', other: evaluations[1] ?? '' }),
  },
  'evaluation.forecast': {
    words: ['forecast', 'chain'],
    call: async (api) => (await api.evaluation.forecast({ of: 'chain' })).places,
    key: 'places',
  },
  'evaluation.calibration': {
    words: ['evaluation', 'forecasts'],
    call: (api) => api.evaluation.calibration(),
  },
  'edit.names': { words: ['edit', 'branch'], call: (api) => api.edit.names().then(({ branches }) => ({ branches })) },
  'edit.bisection': {
    words: ['edit', 'bisect', 'status'],
    call: async (api) => {
      const bisection = await api.edit.bisection();
      return { marks: { bad: bisection?.bad, good: bisection?.good }, next: bisection?.next };
    },
    key: 'bisection',
  },
  'list.members': {
    words: ['label', 'lists', 'nurses'],
    call: (api) => api.list.members({ name: 'nurses' }),
    key: 'members',
  },
  'list.containing': {
    words: ['feature', 'show', 'run', '1'],
    call: (api) => api.list.containing({ dictionary, feature: 1 }),
    key: 'lists',
  },
  'hub.list': { words: ['hub', 'list'], call: (api) => api.hub.list() },
  'finder.list': { words: ['findings', 'list'], call: (api) => api.finder.list(), key: 'findings' },
  'export.list': {
    words: ['exports', 'list'],
    call: async (api) => (await api.export.list()).map(({ name, folder, problem }) => ({ name, folder, problem })),
    key: 'exports',
  },
  'export.trash': { words: ['exports', 'list'], call: (api) => api.export.trash(), key: 'deleted' },
  'export.show': {
    words: ['exports', 'show', 'kept'],
    call: async (api) => {
      const { folder, artifact, code } = await api.export.show({ name: 'kept' });
      return { folder, report: artifact?.report, code };
    },
  },
  'project.check': { words: ['project', 'check'], call: (api) => api.project.check() },
  'job.get': {
    words: ['job', 'show', ':job'],
    call: async (api) => {
      const { id, title, state, error } = await api.job.get({ id: job });
      return { id, title, state, error };
    },
    key: 'job',
  },
  'job.log': {
    words: ['job', 'show', ':job'],
    call: async (api) => (await api.job.log({ id: job })).lines.map(({ text }) => ({ text })),
    key: 'log',
  },
  'history.list': { words: ['history'], call: (api) => api.history.list({}), key: 'steps' },
  'job.list': {
    words: ['job', 'list'],
    call: async (api) => (await api.job.list()).map(({ id, title, state }) => ({ id, title, state })),
    key: 'jobs',
  },
  'feature.statistics': {
    words: ['feature', 'stats', 'run', '--show'],
    call: (api) => api.feature.statistics({ dictionary: 'run' }),
    key: 'statistics',
  },
  'feature.context': {
    words: ['feature', 'context', 'run', '2', '--first', '3', '--end', '9'],
    call: (api) => api.feature.context({ dictionary: 'run', context: 2, first: 3, end: 9 }),
  },
  'behaviour.tryCase': {
    words: ['behaviour', 'try', 'tiny', '2', '--edit', 'chain'],
    call: async (api) => {
      const { behaviour } = await api.behaviour.show({ ref: 'tiny' });
      return api.behaviour.tryCase({ case: behaviour.cases[1], maxNewTokens: 2, edit: 'chain' });
    },
  },
  'edit.compareTexts': {
    words: ['edit', 'compare', 'chain~2', 'chain', '--behaviour', 'tiny', '--cases', '2'],
    call: (api) => api.edit.compareTexts({ before: 'chain~2', after: 'chain', behaviour: 'tiny', cases: [0, 1] }),
  },
  'finder.show': { words: ['findings', 'show', 'found'], call: (api) => api.finder.show({ name: 'found' }) },
  'edit.preview': {
    words: ['edit', 'revert', '--to', 'chain~2', '--dry-run'],
    call: async (api) => {
      const { difference, head } = await api.edit.preview({ action: 'rollBack', ref: 'chain~2' });
      return { difference, head };
    },
  },
};

const PLANS = 'main/hosts/plans.test.ts asks it';
/** Queries that are asked both ways by another test, or cannot be. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'activations.plan': PLANS,
  'dictionary.plan': PLANS,
  'evaluation.plan': PLANS,
  'export.plan': PLANS,
  'finder.plan': PLANS,
  'hub.plan': PLANS,
  'feature.statisticsTexts': PLANS,
  'evaluation.defaults': `${PLANS}: its targets and its text are what the plan is of`,
  'finder.readPrompts': `${PLANS}: the command reads files of prompts`,
  'behaviour.problems': 'below, with a file that has some',
  'app.device': 'each process looks for its own device',
  'intruder.begin': 'main/workbench/labelTrials.test.ts: a test that is begun is not shown whole',
  'label.previewImport': 'main/hosts/cli/commands/writing.test.ts: --dry-run',
};

it('every query that has a command is asked here, or there is a reason', () => {
  const queries = Object.entries(contract).flatMap(([noun, own]) =>
    Object.entries(own).flatMap(([name, { kind }]) => (kind === 'query' ? [`${noun}.${name}`] : [])),
  );
  const asked = [...Object.keys(ASKED), ...Object.keys(ELSEWHERE)];
  expect(asked.toSorted()).toEqual(queries.filter((name) => Object.hasOwn(COMMANDS_OF, name)).toSorted());
});

it.each(Object.entries(ASKED))('the command gives and prints what %s answers', async (_, { words, call, key }) => {
  const { result, printed } = await errata(faces.project, words.map(spoken));
  const answer = await call(faces.api);
  expect(key === undefined ? result : result[key]).toMatchObject(answer as object);
  expect(printed.length).toBeGreaterThan(0);
});

describe('a finding', () => {
  const found = async () => (await faces.api.finder.show({ name: 'found' })).found?.operations ?? [];

  it('is put into the working edit by a command, in place of operations at the same features', async () => {
    expect(await found()).not.toHaveLength(0);
    const { result } = await errata(faces.project, ['findings', 'take', 'found']);
    expect(result).toMatchObject({ working: { branch: 'chain' } });
    const working = (await faces.api.edit.status())?.working;
    expect(working?.operations).toEqual(expect.arrayContaining([...(await found())]));
  });

  it('is committed by a command as the first version of a new branch, once the working edit has no changes', async () => {
    const words = ['findings', 'commit', 'found', '--branch', 'by-command', '--message', 'Lower prompts'];
    await expect(errata(faces.project, words)).rejects.toMatchObject({ code: 'conflict' });
    await faces.api.edit.commit({ message: 'Take what was found' });
    const { result } = await errata(faces.project, words);
    const version = await faces.api.edit.show({ ref: 'by-command' });
    expect(version).toMatchObject({ id: result['version'], message: 'Lower prompts', parents: [] });
    expect(version.operations).toEqual(await found());
  });

  it('is deleted by a command when it says --yes, and only then', async () => {
    const place = join(faces.project, 'findings/gone');
    await expect(errata(faces.project, ['findings', 'remove', 'gone'])).rejects.toMatchObject({ code: 'usage' });
    expect(existsSync(place)).toBe(true);
    await errata(faces.project, ['findings', 'remove', 'gone', '--yes']);
    expect(existsSync(place)).toBe(false);
    const { result } = await errata(faces.project, ['findings', 'list']);
    expect((result['findings'] as readonly { readonly name: string }[]).map(({ name }) => name)).toEqual(['found']);
  });
});

describe('errata behaviour check', () => {
  it('names every wrong case of a file, as the window does, and none of a right one', async () => {
    const { behaviour } = await faces.api.behaviour.show({ ref: 'tiny' });
    const path = join(faces.project, 'checked.json');
    const [first, ...rest] = behaviour.cases;
    const exploding = { ...first, checks: [{ kind: 'regex', pattern: '(a+)+$', flags: '', expected: true }] };
    const wrong = { ...behaviour, cases: [exploding, { ...first, checks: [{ kind: 'nothing' }] }, ...rest] };
    for (const value of [wrong, behaviour]) {
      await writeFile(path, JSON.stringify(value));
      const { result, printed } = await errata(faces.project, ['behaviour', 'check', path]);
      const { problems } = await faces.api.behaviour.problems({ behaviour: value });
      expect(result['problems']).toEqual(problems);
      expect(problems).toHaveLength(value === wrong ? 2 : 0);
      expect(printed).toEqual(value === wrong ? problems.map(({ message }) => message) : ['No problems.']);
    }
  });
});

// What commands change and what queries show meet: after every command, each query whose answer has become another is one
// that a window asks again, since it shows something that the command says it changes. On the sample project, over the API.
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { contract, type Api } from '../../contract/api/contract.ts';
import type { Job } from '../../contract/domain/job.ts';
import type { Changing } from '../../contract/base/changing.ts';
import type { Contract } from '../../contract/rpc/procedure.ts';
import { loadDictionary } from '../../core/dictionaries/saeLens.ts';
import { writeForeignDictionary } from '../../testing/dictionaries/foreignDictionary.ts';
import { startHost, type StartedHost } from '../../testing/hosts/startHost.ts';
import { JOB_KINDS } from '../../workbench/jobKinds.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const SITE = 'blocks.1.hook_resid_post';
const SAMPLE = join(import.meta.dirname, '../../../resources/sample');

let started: StartedHost;
/** Hashes of the sample's model and dictionary, and the dictionary's name. */
let model: string;
let dictionary: string;
let named: string;

beforeAll(async () => {
  started = await startHost();
  const { api, folder } = started;
  await api.project.openSample();
  model = (await api.model.list())[0]!.hash;
  const known = (await api.dictionary.list())[0]!;
  [dictionary, named] = [known.quality!.hash, known.name];
  await cp(join(SAMPLE, 'model'), join(folder, 'model'), { recursive: true });
  await cp(join(SAMPLE, 'heldout.jsonl'), join(folder, 'heldout.jsonl'));
  await writeFile(join(folder, 'labels.csv'), `dictionary,feature,text\n${dictionary},9,imported\n`);
});
afterAll(() => started.stop());

const feature = () => ({ dictionary, feature: 7 });
const operation = (of: number) =>
  ({ kind: 'ablate', site: SITE, dictionary, feature: of, scope: { positions: 'all' }, gates: [] }) as const;
const locate = async (api: Api, path: string) => (await api.files.locate({ path })).location;
const heldOut = async (api: Api) =>
  ({ from: 'location', location: await locate(api, join(started.folder, 'heldout.jsonl')) }) as const;

/** What a window may show at one time. */
const QUERIES: Readonly<Record<string, (api: Api) => Promise<unknown>>> = {
  'project.current': (api) => api.project.current(),
  'project.recent': (api) => api.project.recent(),
  'project.check': (api) => api.project.check(),
  'model.list': (api) => api.model.list(),
  'activations.corpora': (api) => api.activations.corpora(),
  'activations.list': (api) => api.activations.list(),
  'dictionary.list': (api) => api.dictionary.list(),
  'feature.statistics': (api) => api.feature.statistics({ dictionary: named }),
  'feature.statisticsTexts': (api) => api.feature.statisticsTexts({ dictionary: named }),
  'feature.list': (api) => api.feature.list({ dictionary: named, features: [7, 8, 9] }),
  'feature.select': (api) => api.feature.select({ dictionary: named, list: 'a list' }),
  'feature.page': (api) => api.feature.page({ dictionary: named, feature: 7 }),
  'label.get': (api) => api.label.get(feature()),
  'label.list': (api) => api.label.list({ dictionary }),
  'label.summary': (api) => api.label.summary({}),
  'label.search': (api) => api.label.search({ query: 'a label' }),
  'label.history': (api) => api.label.history(feature()),
  'label.agreement': (api) => api.label.agreement({ dictionary }),
  'list.all': (api) => api.list.all(),
  'list.containing': (api) => api.list.containing(feature()),
  'intruder.figures': (api) => api.intruder.figures({ dictionary }),
  'playground.describe': (api) => api.playground.describe({ model, operations: [operation(7)] }),
  'edit.status': (api) => api.edit.status(),
  'edit.log': (api) => api.edit.log({ all: true }),
  'edit.names': (api) => api.edit.names(),
  'edit.diff': (api) => api.edit.diff({ before: 'main~2', after: 'main' }),
  'edit.bisection': (api) => api.edit.bisection(),
  'behaviour.list': (api) => api.behaviour.list(),
  'behaviour.results': (api) => api.behaviour.results({}),
  'behaviour.history': (api) => api.behaviour.history({ name: 'facts' }),
  'evaluation.list': (api) => api.evaluation.list({}),
  'evaluation.forecast': (api) => api.evaluation.forecast({ of: 'main' }),
  'evaluation.calibration': (api) => api.evaluation.calibration(),
  'finder.list': (api) => api.finder.list(),
  'export.list': (api) => api.export.list(),
  'export.plan': (api) => api.export.plan({ version: 'main' }),
  'export.trash': (api) => api.export.trash(),
  'history.list': (api) => api.history.list({}),
  'history.next': (api) => api.history.next(),
};

/** Commands, in an order in which each does something. */
const COMMANDS: readonly (readonly [name: string, call: (api: Api) => Promise<unknown>])[] = [
  ['edit.begin', (api) => api.edit.begin({ branch: 'main', model, discard: true })],
  ['edit.setOperation', (api) => api.edit.setOperation({ operation: operation(7) })],
  ['label.set', (api) => api.label.set({ ...feature(), patch: { state: 'labelled', text: 'a label' } })],
  ['label.comment', (api) => api.label.comment({ ...feature(), body: 'a comment' })],
  ['label.setMany', (api) => api.label.setMany({ dictionary, features: [7, 8], patch: { tags: ['x'] } })],
  ['history.undo', (api) => api.history.undo()],
  ['history.redo', (api) => api.history.redo()],
  [
    'label.import',
    async (api) =>
      api.label.import({ location: await locate(api, join(started.folder, 'labels.csv')), rule: 'replace' }),
  ],
  ['list.save', (api) => api.list.save({ name: 'a list', description: 'of features' })],
  ['list.add', (api) => api.list.add({ name: 'a list', features: [feature()] })],
  ['list.take', (api) => api.list.take({ name: 'a list', features: [feature()] })],
  ['list.remove', (api) => api.list.remove({ name: 'a list' })],
  ['edit.commit', (api) => api.edit.commit({ message: 'first' })],
  ['edit.setOperations', (api) => api.edit.setOperations({ operations: [operation(8), operation(9)] })],
  ['edit.setBehaviours', async (api) => api.edit.setBehaviours({ behaviours: [(await api.behaviour.list())[0]!.id] })],
  ['edit.commit', (api) => api.edit.commit({ message: 'second' })],
  ['edit.removeOperation', (api) => api.edit.removeOperation({ site: SITE, dictionary, feature: 9 })],
  ['edit.commit', (api) => api.edit.commit({ message: 'third' })],
  [
    'label.restore',
    async (api) =>
      api.label.restore({ ...feature(), change: (await api.label.history(feature())).at(-1)!.change, side: 'after' }),
  ],
  [
    'label.removeComment',
    async (api) => api.label.removeComment({ id: (await api.label.get(feature())).comments[0]!.id }),
  ],
  ['label.remove', (api) => api.label.remove(feature())],
  ['edit.createTag', (api) => api.edit.createTag({ name: 'good', ref: 'main~2', message: '' })],
  ['edit.createBranch', (api) => api.edit.createBranch({ name: 'other', ref: 'main~1' })],
  ['edit.startBisect', (api) => api.edit.startBisect({ bad: 'main', good: ['main~2'] })],
  ['edit.markBisect', (api) => api.edit.markBisect({ verdict: 'good' })],
  ['edit.endBisect', (api) => api.edit.endBisect({})],
  ['edit.revert', (api) => api.edit.revert({ ref: 'main' })],
  ['edit.rollBack', (api) => api.edit.rollBack({ ref: 'main~3' })],
  ['edit.checkout', (api) => api.edit.checkout({ ref: 'other' })],
  ['edit.merge', (api) => api.edit.merge({ ref: 'main' })],
  ['edit.deleteTag', (api) => api.edit.deleteTag({ name: 'good' })],
  [
    'behaviour.save',
    async (api) => {
      const { behaviour } = await api.behaviour.show({ ref: 'facts' });
      return api.behaviour.save({
        behaviour: {
          ...behaviour,
          cases: behaviour.cases.slice(0, 2).map((one) => ({ ...one, split: 'report' as const })),
        },
      });
    },
  ],
  ['behaviour.run', (api) => api.behaviour.run({ name: 'facts', version: 'main' })],
  [
    'evaluation.start',
    async (api) =>
      api.evaluation.start({
        of: 'main',
        behaviours: ['facts'],
        text: { from: 'corpus', corpus: await heldOut(api) },
        settings: { contexts: 0, baselines: false, doses: [], blastRadius: false },
        budget: null,
      }),
  ],
  ['behaviour.remove', (api) => api.behaviour.remove({ name: 'facts' })],
  [
    'export.start',
    async (api) => {
      return api.export.start({ name: 'artifact', version: 'main', form: 'embedded', text: await heldOut(api) });
    },
  ],
  ['export.remove', (api) => api.export.remove({ name: 'artifact' })],
  ['export.restore', async (api) => api.export.restore({ id: (await api.export.trash())[0]!.id })],
  ['project.backup', (api) => api.project.backup()],
  [
    'dictionary.import',
    async (api) => {
      const folder = join(started.folder, 'resid_post_layer_1');
      await writeForeignDictionary(folder, await loadDictionary(join(SAMPLE, 'dictionaries/shipped')));
      return api.dictionary.import({ location: await locate(api, folder), name: 'theirs' });
    },
  ],
  ['project.create', (api) => api.project.create({ name: 'fresh' })],
  [
    'model.add',
    async (api) => api.model.add({ location: await locate(api, join(started.folder, 'model')), name: 'another' }),
  ],
  ['project.openSample', (api) => api.project.openSample()],
  ['project.forget', async (api) => api.project.forget({ location: (await api.project.recent()).at(-1)!.location })],
  ['project.close', (api) => api.project.close()],
];

async function askAll(api: Api): Promise<Readonly<Record<string, unknown>>> {
  const answers = Object.entries(QUERIES).map(async ([name, ask]) => {
    // A refusal is an answer, too: there is no project, no such version yet.
    return [
      name,
      await ask(api).catch((thrown: { code: string; message: string }) => `${thrown.code} ${thrown.message}`),
    ] as const;
  });
  return Object.fromEntries(await Promise.all(answers));
}

function procedure(name: string) {
  const [noun = '', verb = ''] = name.split('.');
  return (contract as Contract)[noun]![verb]!;
}

const isJob = (value: unknown): value is Job => typeof value === 'object' && value !== null && 'canResume' in value;

it('a query whose answer a command or its job changed shows something that is said to change', async () => {
  const { api, events, until } = started;
  const stale: string[] = [];
  let before = await askAll(api);
  for (const [name, call] of COMMANDS) {
    const from = events.length;
    const result = await call(api);
    const changes = new Set(procedure(name).changes);
    if (isJob(result)) {
      expect(await until(result.id, 'succeeded', 'failed'), name).toMatchObject({ state: 'succeeded', error: null });
      for (const each of JOB_KINDS.get(result.kind)?.changes ?? []) changes.add(each);
    }
    await delay(100); // announcements are gathered for a moment
    const announced = new Set<Changing>(
      events.slice(from).flatMap((event) => (event.type === 'changed' ? event.what : [])),
    );
    expect([...announced], name).toEqual(expect.arrayContaining([...changes]));
    const after = await askAll(api);
    const changed = Object.keys(QUERIES).filter((query) => !isDeepStrictEqual(before[query], after[query]));
    expect(changed, `answers that ${name} changed`).not.toEqual([]);
    before = after;
    for (const query of changed) {
      if (!procedure(query).shows.some((each) => changes.has(each))) stale.push(`${query} after ${name}`);
    }
  }
  expect(stale).toEqual([]);
});

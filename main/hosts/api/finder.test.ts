// Searches and bisections as the window asks for them, over a real engine and the sample.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InputOf } from '../../contract/rpc/procedure.ts';
import type { contract } from '../../contract/api/contract.ts';
import { startHost, type StartedHost } from '../../testing/hosts/startHost.ts';

const SITE = 'blocks.1.hook_resid_post';
const SEARCH_MS = 120_000;

let started: StartedHost;
beforeAll(async () => {
  started = await startHost();
  const { api, until } = started;
  await api.project.openSample();
  const corpus = { from: 'project', name: 'corpus.jsonl' } as const;
  const store = { model: 'sample', corpus, sites: [SITE], name: 'store', contextLength: 64, maxContexts: 400 };
  await until((await api.activations.capture(store)).id, 'succeeded');
  const training = { architecture: 'topk', size: 256, k: 8, batchSize: 256, steps: 150 } as const;
  await until((await api.dictionary.train({ name: 'run', activations: 'store', ...training })).id, 'succeeded');
}, 180_000);
afterAll(() => started.stop());

type Request = InputOf<(typeof contract)['finder']['start']>;
const small = {
  tokensPerRound: 4000,
  candidates: 24,
  targetCases: 12,
  keepCases: 6,
  reportCases: 12,
  mostOperations: 2,
};
const jailbreak: Request = {
  name: 'quiet',
  sides: { from: 'behaviours', target: 'jailbreak', keep: ['refusals'] },
  dictionaries: ['run'],
  settings: small,
};

describe('the finder over the API', () => {
  it('tells beforehand what it would look at, and refuses what cannot be searched', async () => {
    const { api } = started;
    const plan = await api.finder.plan(jailbreak);
    expect(plan).toMatchObject({ target: { name: 'jailbreak', lookedAt: 12 }, isMeasured: false });
    expect(plan.target.choose + plan.target.report).toBe(440);
    expect(plan.keep.map(({ name }) => name)).toEqual(['refusals']);
    expect(plan.seconds).toBeGreaterThan(0);
    const few = { from: 'prompts', with: ['a'], without: ['a', 'b', 'c', 'd'] } as const;
    await expect(api.finder.start({ ...jailbreak, sides: few })).rejects.toThrow(/fewer than four prompts/u);
    const none = { from: 'behaviours', target: 'nothing', keep: [] } as const;
    await expect(api.finder.start({ ...jailbreak, sides: none })).rejects.toMatchObject({ code: 'not-found' });
    await expect(api.finder.start({ ...jailbreak, dictionaries: ['none'] })).rejects.toMatchObject({
      code: 'not-found',
    });
    await expect(api.finder.start({ ...jailbreak, settings: { candidates: 0 } })).rejects.toThrow(/at least 1/u);
    expect(await api.finder.list()).toEqual([]);
  });

  it('reads prompts from files', async () => {
    const { api, folder } = started;
    const read = async (name: string, text: string) => {
      const path = join(folder, name);
      await writeFile(path, text);
      return api.finder.readPrompts({ location: (await api.files.locate({ path })).location });
    };
    expect(await read('a.txt', 'one\\ntwo\n\nthree\n')).toEqual({ prompts: ['one\ntwo', 'three'] });
    expect(await read('b.csv', 'prompt\n"a, b"\n')).toEqual({ prompts: ['a, b'] });
    expect(await read('c.jsonl', '"a"\n{"prompt":"b"}\n')).toEqual({ prompts: ['a', 'b'] });
    await expect(read('d.jsonl', '{"text":"b"}\n')).rejects.toThrow(/d\.jsonl: line 1/u);
    await expect(read('e.txt', '\n')).rejects.toMatchObject({ code: 'empty' });
  });

  it(
    'keeps what it finds, puts it into the working edit, and makes a version of it',
    async () => {
      const { api, until } = started;
      const job = await api.finder.start(jailbreak);
      expect(job).toMatchObject({ kind: 'find', subject: 'quiet', title: 'Find quiet' });
      await until(job.id, 'succeeded');
      const finding = await api.finder.show({ name: 'quiet' });
      expect(finding.read.map(({ behaviour }) => behaviour)).toEqual(['jailbreak', 'refusals']);
      expect(finding.candidates).toHaveLength(24);
      const effects = finding.candidates?.map(({ ablationEffect, clampEffect }) =>
        Math.max(ablationEffect, clampEffect),
      );
      expect(effects).toEqual(effects?.toSorted((a, b) => b - a));
      const { found } = finding;
      if (!found) throw new Error('It came to no end.');
      expect(found.operations.length).toBeGreaterThan(0);
      expect(found.doses.map(({ strength }) => strength)).toContain(1);
      expect(found.report?.kept.behaviours.map(({ behaviour }) => behaviour)).toEqual(['refusals']);
      expect((await api.finder.list())[0]).toMatchObject({ name: 'quiet', subject: 'jailbreak' });
      // The second is planned by how long the first took.
      expect((await api.finder.plan({ ...jailbreak, name: 'other' })).isMeasured).toBe(true);

      // The sample opens on its own edit, which keeps its operations.
      const opened = await api.edit.status();
      if (!opened) throw new Error('The sample opens on no edit.');
      const { branch, model, operations } = opened.working;
      const added = await api.finder.take({ name: 'quiet' });
      expect(added.branch).toBe(branch);
      expect(added.operations).toHaveLength(operations.length + found.operations.length);
      expect(added.operations).toEqual(expect.arrayContaining([...operations, ...found.operations]));

      await api.edit.begin({ branch: 'quiet', model, discard: true });
      const working = await api.finder.take({ name: 'quiet' });
      expect(working).toMatchObject({ branch: 'quiet', operations: found.operations });
      expect(working.behaviours).toHaveLength(1);
      await expect(api.finder.commit({ name: 'quiet', branch: 'first', message: 'x' })).rejects.toThrow(
        /not committed/u,
      );
      await api.edit.commit({ message: 'As found' });
      const { version } = await api.finder.commit({ name: 'quiet', branch: 'first', message: 'Lower it' });
      expect((await api.edit.show({ ref: 'first' })).id).toBe(version);
      await api.finder.remove({ name: 'quiet' });
      await expect(api.finder.show({ name: 'quiet' })).rejects.toMatchObject({ code: 'not-found' });
    },
    SEARCH_MS,
  );

  it(
    'keeps what a cancelled search had found out',
    async () => {
      const { api, until } = started;
      const settings = { ...small, tokensPerRound: 5_000_000, candidates: 256, targetCases: 200 };
      const job = await api.finder.start({ ...jailbreak, name: 'long', settings });
      await expect.poll(async () => (await api.job.get({ id: job.id })).progress?.stage).toBeDefined();
      await api.job.cancel({ id: job.id });
      await until(job.id, 'cancelled');
      expect(await api.finder.show({ name: 'long' })).toMatchObject({ found: null, subject: 'jailbreak' });
      await expect(api.finder.take({ name: 'long' })).rejects.toMatchObject({ code: 'empty' });
    },
    SEARCH_MS,
  );
});

describe('a bisection by a behaviour', () => {
  it(
    'runs the behaviour on the versions that it asks about, until one is left',
    async () => {
      const { api, until } = started;
      const { working } = (await api.edit.status())!;
      const [dictionary] = await api.dictionary.list();
      const target = {
        dictionary: dictionary!.quality!.hash,
        site: SITE,
        scope: { positions: 'all' },
        gates: [],
      } as const;
      await api.edit.begin({ branch: 'breaking', model: working.model, discard: true });
      const ids: string[] = [];
      for (const [feature, amount] of [0, 0, 0, 5000, 0].entries()) {
        await api.edit.setOperation({ operation: { ...target, feature, kind: 'steer', amount } });
        ids.push((await api.edit.commit({ message: `Step ${feature}` })).id);
      }
      const check = { kind: 'contains', text: 'Paris', ignoreCase: false, expected: true } as const;
      await api.behaviour.save({
        behaviour: {
          format: 'errata.behaviour.1',
          name: 'paris',
          description: '',
          aim: 'keep',
          maxNewTokens: 12,
          cases: [
            {
              role: 'target',
              system: '',
              prompt: 'User: What is the capital of France?\nAssistant:',
              raw: true,
              checks: [check],
              note: '',
              split: 'report',
              isHeldOut: false,
              tags: {},
            },
          ],
        },
      });
      const judge = { behaviour: 'paris', bound: 'atLeast', passRate: 1 } as const;
      await expect(api.edit.runBisect(judge)).rejects.toThrow(/Begin a bisection first/u);
      await api.edit.startBisect({ bad: 'HEAD', good: [ids[0]!] });
      const job = await api.edit.runBisect(judge);
      expect(job.title).toBe('Bisect by paris');
      await until(job.id, 'succeeded');
      expect((await api.edit.bisection())?.next).toEqual({ kind: 'found', firstBad: ids[3] });
      // What was run is stored, so the next bisection need not run it again.
      expect(await api.behaviour.results({ behaviour: 'paris', version: ids[3]! })).toHaveLength(1);
      // Gone is good for who wants it gone, and not with broken text in its place.
      await api.edit.endBisect({});
      await api.edit.startBisect({ bad: 'HEAD', good: [ids[0]!] });
      const sound = await api.edit.runBisect({ behaviour: 'paris', bound: 'atMost', passRate: 1, minSound: 0.5 });
      await until(sound.id, 'succeeded');
      expect((await api.edit.bisection())?.next).toEqual({ kind: 'found', firstBad: ids[3] });
      const log = (await api.job.log({ id: sound.id })).lines.map(({ text }) => text).join('\n');
      expect(log).toContain('0.0% of the cases pass, 0.0% of the other answers are sound, bad');
    },
    SEARCH_MS,
  );
});

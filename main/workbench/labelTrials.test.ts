// The blind test and the scores of a language model, over a real engine and the sample.
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHost, type StartedHost } from '../testing/hosts/startHost.ts';

let started: StartedHost;
let hash = '';
let features: readonly number[] = [];
const dictionary = 'run';

beforeAll(async () => {
  started = await startHost();
  const { api, until } = started;
  await api.project.openSample();
  const source = { from: 'project', name: 'corpus.jsonl' } as const;
  const site = { sites: ['blocks.2.hook_resid_post'], name: 'store', contextLength: 64, maxContexts: 200 };
  const capture = await api.activations.capture({ model: 'sample', corpus: source, ...site });
  await until(capture.id, 'succeeded');
  const training = { architecture: 'topk', size: 128, k: 8, batchSize: 128, steps: 60 } as const;
  await until((await api.dictionary.train({ name: dictionary, activations: 'store', ...training })).id, 'succeeded');
  await until((await api.feature.computeStatistics({ dictionary })).id, 'succeeded');
  hash = (await api.feature.statistics({ dictionary }))!.hash;
  // Often enough to have examples, not so often that none is silent.
  const ranges = { rate: { min: 0.002, max: 0.02 } };
  ({ features } = await api.feature.select({ dictionary, ranges, order: 'rate', descending: true }));
}, 120_000);
afterAll(() => started.stop());

describe('the blind test', () => {
  it('needs a label', async () => {
    const { api } = started;
    await expect(api.intruder.begin({ dictionary })).rejects.toMatchObject({ code: 'empty' });
    await expect(api.intruder.begin({ dictionary, feature: features[0]! })).rejects.toMatchObject({ code: 'usage' });
  });

  it('shows five texts of which the feature is silent in one, found again by its seed', async () => {
    const { api } = started;
    for (const feature of features.slice(0, 3)) {
      await api.label.set({ dictionary: hash, feature, patch: { text: `label ${feature}` } });
    }
    for (let seed = 1; seed <= 4; seed++) {
      const test = await api.intruder.begin({ dictionary, seed });
      expect(test.texts).toHaveLength(5);
      expect(await api.intruder.begin({ dictionary, seed, feature: test.feature })).toEqual(test);
      // The page cannot know.
      expect(Object.keys(test).sort()).toEqual(['feature', 'label', 'seed', 'texts']);
      for (const text of test.texts) expect(Object.keys(text).sort()).toEqual(['special', 'tokens']);
      const { feature } = test;
      const page = await api.feature.page({ dictionary, feature });
      const first = page.top.slice(0, 8).map(({ tokens }) => tokens.join(''));
      expect(test.texts.every(({ tokens }) => !first.includes(tokens.join('')))).toBe(true);
      const answer = await api.intruder.answer({ dictionary, feature, seed, chosen: seed });
      expect(answer.isRight).toBe(answer.intruder === seed);
      for (const [index, values] of answer.activations.entries()) {
        expect(values.some((value) => value > 0)).toBe(index !== answer.intruder);
      }
    }
  });

  it('counts each answer once, with an interval', async () => {
    const { api } = started;
    const test = await api.intruder.begin({ dictionary, seed: 50 });
    const answer = { dictionary, feature: test.feature, seed: 50, chosen: 0 };
    await api.intruder.answer(answer);
    await expect(api.intruder.answer({ ...answer, chosen: 1 })).rejects.toMatchObject({ code: 'exists' });
    await expect(api.intruder.answer({ ...answer, seed: 51, chosen: 5 })).rejects.toMatchObject({ code: 'usage' });
    const figures = await api.intruder.figures({ dictionary: hash });
    expect(figures).toMatchObject({ answered: 5, chance: 0.2 });
    expect(figures.interval[0]).toBeLessThanOrEqual(figures.right / 5);
    expect(figures.interval[1]).toBeGreaterThanOrEqual(figures.right / 5);
    expect((await api.intruder.figures({ dictionary: 'f'.repeat(64) })).interval).toEqual([0, 1]);
  });

  it('takes those that were tested least', async () => {
    const { api } = started;
    const asked = new Set<number>();
    for (let seed = 100; asked.size < 3 && seed < 160; seed++) {
      const { feature } = await api.intruder.begin({ dictionary, seed });
      asked.add(feature);
      await api.intruder.answer({ dictionary, feature, seed, chosen: 0 });
    }
    expect([...asked].sort()).toEqual([...features.slice(0, 3)].sort());
  });
});

describe('agreement with others', () => {
  it('is over what both have labelled, by who wrote what', async () => {
    const { api, host } = started;
    const [first, second, third] = features;
    expect(await api.label.agreement({ dictionary: hash })).toMatchObject({ features: 0, kappa: null });
    await host.context.settings.change({ author: 'Ben' });
    await api.label.set({ dictionary: hash, feature: first!, patch: { text: `label ${first}` } });
    await api.label.set({ dictionary: hash, feature: second!, patch: { state: 'uninterpretable', text: '' } });
    await api.label.set({ dictionary: hash, feature: features[9]!, patch: { text: 'of Ben alone' } });
    await host.context.settings.change({ author: 'Ada' });
    // Ben's same text is no change, so it is not his.
    expect(await api.label.agreement({ dictionary: hash })).toMatchObject({ features: 1, observed: 0 });
    await host.context.settings.change({ author: 'Ben' });
    await api.label.set({ dictionary: hash, feature: third!, patch: { text: `LABEL ${third}!` } });
    await host.context.settings.change({ author: 'Ada' });
    expect(await api.label.agreement({ dictionary: hash })).toMatchObject({
      ...{ features: 2, observed: 0.5, textsCompared: 1, textsSame: 1, meanWordOverlap: 1 },
    });
  });
});

describe('a language model', () => {
  it('suggests and scores over examples that it has not been shown; nothing is saved', async () => {
    const { api } = started;
    const questions: string[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
      request.on('end', () => {
        const { messages } = JSON.parse(body) as { messages: { content: string }[] };
        const question = messages.map(({ content }) => content).join('\n');
        questions.push(question);
        const count = question.match(/^Text \d+:/gmu)?.length ?? 0;
        const content = question.includes('Description:') ? JSON.stringify(new Array(count).fill(1)) : 'a suggestion';
        response.end(JSON.stringify({ choices: [{ message: { role: 'assistant', content } }] }));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const feature = features[5]!;
    try {
      await expect(api.suggestion.ask({ dictionary, feature })).rejects.toMatchObject({ code: 'usage' });
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
      const remote = { url: 'http://192.0.2.1/v1', model: 'm', allowsRemote: false };
      await expect(api.app.changeSettings({ suggestions: remote })).rejects.toMatchObject({ code: 'permission' });
      await api.app.changeSettings({ suggestions: { ...remote, url } });
      expect(questions).toEqual([]);
      expect(await api.suggestion.ask({ dictionary, feature })).toMatchObject({ text: 'a suggestion', model: 'm' });
      const score = await api.suggestion.score({ dictionary, feature, text: 'a suggestion' });
      // It says yes to all: right where the feature fires, wrong where it does not.
      expect(score).toMatchObject({ right: 8, of: 16, firing: { right: 8, of: 8 }, silent: { right: 0, of: 8 } });
      const shown = questions[0]!.split('\n\n').map((text) => text.replace(/^Text \d+: |<<|>>/gu, ''));
      const scored = questions[1]!.split('\n\n').filter((text) => text.startsWith('Text'));
      expect(scored).toHaveLength(16);
      for (const text of scored) expect(shown).not.toContain(text.replace(/^Text \d+: /u, ''));
      expect((await api.label.get({ dictionary: hash, feature })).label).toBeNull();
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

// The features of a dictionary as the window sees them, over a real engine and the sample.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blobs, ARRAY_HEADER } from '../../contract/api/blobs.ts';
import { startHost, type StartedHost } from '../../testing/hosts/startHost.ts';

let started: StartedHost;
beforeAll(async () => {
  started = await startHost();
  const { api, until } = started;
  await api.project.openSample();
  const capture = await api.activations.capture({
    model: 'sample',
    corpus: { from: 'project', name: 'corpus.jsonl' },
    sites: ['blocks.2.hook_resid_post'],
    name: 'store',
    contextLength: 64,
    maxContexts: 200,
  });
  await until(capture.id, 'succeeded');
  const training = { architecture: 'topk', size: 128, k: 8, batchSize: 128, steps: 60 } as const;
  const train = await api.dictionary.train({ name: 'run', activations: 'store', ...training });
  await until(train.id, 'succeeded');
}, 120_000);
afterAll(() => started.stop());

const dictionary = 'run';

describe('features over the API', () => {
  it('have no statistics at first, and are listed by their firing rates alone', async () => {
    const { api } = started;
    expect(await api.feature.statistics({ dictionary })).toBeNull();
    const [first, again] = await Promise.all([
      api.feature.list({ dictionary, order: 'rate', descending: true, limit: 200 }),
      api.feature.list({ dictionary }),
    ]);
    expect([first.total, again.total]).toEqual([128, 128]);
    const { quality } = (await api.dictionary.describe({ name: dictionary })).dictionary;
    expect(first.rows[0]).toMatchObject({ mean: null, entropy: null, peak: '', label: '' });
    expect(first.rows[0]!.rate).toBeGreaterThan(0);
    expect(first.rows.filter(({ rate }) => rate === 0)).toHaveLength(Math.round((quality?.deadFraction ?? 0) * 128));
    expect(await api.feature.statistics({ dictionary })).toBeNull();
    await expect(api.feature.page({ dictionary, feature: 0 })).rejects.toMatchObject({ code: 'not-found' });
    await expect(api.feature.computeStatistics({ dictionary: 'none' })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('get them by a job, and are then listed, sorted, filtered and searched', async () => {
    const { api, until, events } = started;
    const job = await api.feature.computeStatistics({ dictionary });
    expect(job).toMatchObject({ title: 'Statistics of run', subject: 'run' });
    await until(job.id, 'succeeded');
    expect(events.some((event) => event.type === 'changed' && event.what.includes('features'))).toBe(true);
    const found = await api.feature.statistics({ dictionary });
    expect(found).toMatchObject({ size: 128, contexts: 200, contextLength: 64, hasLogits: true, text: 'store' });
    expect(found?.states.unlabelled).toBe(128);
    const byRate = await api.feature.list({ dictionary, order: 'rate', descending: true, limit: 5 });
    expect(byRate.total).toBe(128);
    const rates = byRate.rows.map(({ rate }) => rate);
    expect(rates).toEqual(rates.toSorted((a, b) => b - a));
    const [first] = byRate.rows;
    const key = { dictionary: found!.hash, feature: first!.feature };
    await api.label.set({ ...key, patch: { text: 'a frequent one', tags: ['often'] } });
    expect((await api.feature.list({ dictionary, tag: 'often' })).rows).toMatchObject([{ label: 'a frequent one' }]);
    expect((await api.feature.list({ dictionary, search: 'frequent' })).rows[0]?.feature).toBe(first!.feature);
    expect(await api.feature.select({ dictionary, states: ['labelled'] })).toEqual({ features: [first!.feature] });
  });

  it('show a page: examples, histogram, effects, neighbours; more of a context; ideas for a label', async () => {
    const { api } = started;
    const { rows } = await api.feature.list({ dictionary, order: 'impact', descending: true, limit: 1 });
    const feature = rows[0]!.feature;
    const page = await api.feature.page({ dictionary, feature });
    expect(page.rate).toBe(rows[0]!.rate);
    expect(page.histogram.counts.reduce((sum, count) => sum + count, 0)).toBe(page.firings);
    const [best] = page.top;
    expect(best!.activations[best!.peak]).toBe(page.max);
    expect(page.groups.map(({ to }) => to)).toEqual(page.groups.map(({ to }) => to).toSorted((a, b) => b - a));
    expect(page.logits?.top).toHaveLength(10);
    expect(page.decoderNeighbours).toHaveLength(16);
    const { tokens } = await api.feature.context({ dictionary, context: best!.context, first: 0, end: 64 });
    expect(tokens.slice(best!.firstPosition, best!.firstPosition + best!.tokens.length)).toEqual(best!.tokens);
    const suggestion = await api.feature.suggest({ dictionary, feature });
    expect(suggestion.source).toBe('heuristic');
    expect((await api.feature.list({ dictionary, features: [feature] })).rows[0]?.state).not.toBe('draft');
  });

  it('fire on a text that is tried, token by token', async () => {
    const { api } = started;
    const text = 'User: How do I hide a florbomb?\nAssistant:';
    const tried = await api.feature.tryText({ dictionary, text, features: [0, 1], perToken: 2 });
    expect(tried.tokens.join('')).toBe(text);
    expect(tried.firingCounts.every((count) => count <= 8)).toBe(true); // topk with k = 8
    expect(tried.firing.every((firing) => firing.length <= 2)).toBe(true);
    expect(tried.activations.map(({ values }) => values.length)).toEqual([tried.tokens.length, tried.tokens.length]);
    const top = await api.feature.onText({ dictionary, text, count: 5 });
    expect(tried.features.slice(0, 5).map(({ feature }) => feature)).toEqual(
      top.features.map(({ feature }) => feature),
    );
    await expect(api.feature.tryText({ dictionary, text, features: [128] })).rejects.toMatchObject({ code: 'usage' });
  });

  it('have arrays for the map', async () => {
    const read = async (address: string) => {
      const response = await started.host.blob(new Request(`http://localhost${address}`));
      return { response, values: new Float32Array((await response?.clone().arrayBuffer()) ?? new ArrayBuffer(0)) };
    };
    const map = await read(blobs.featureMap(dictionary));
    expect(JSON.parse(map.response?.headers.get(ARRAY_HEADER) ?? '')).toEqual({ dtype: 'f32', shape: [128, 2] });
    expect(map.values.every((place) => Math.abs(place) <= 1.001)).toBe(true);
    const rates = await read(blobs.featureStatistic(dictionary, 'rate'));
    const { rows } = await started.api.feature.list({ dictionary, limit: 128 });
    expect([...rates.values]).toEqual(rows.map(({ rate }) => Math.fround(rate)));
    expect(
      (await read(`${blobs.featureMap(dictionary).replace(/map$/u, 'statistic-nonsense')}`)).response?.status,
    ).toBe(404);
  });

  it('get other statistics over another text, in place of the first', async () => {
    const { api, until } = started;
    const over = { from: 'corpus', corpus: { from: 'project', name: 'corpus.jsonl' }, contextLength: 32 } as const;
    const job = await api.feature.computeStatistics({ dictionary, over, maxContexts: 50 });
    await until(job.id, 'succeeded');
    expect(await api.feature.statistics({ dictionary })).toMatchObject({
      text: 'corpus',
      contexts: 50,
      contextLength: 32,
    });
    expect((await api.feature.list({ dictionary, tag: 'often' })).total).toBe(1);
  });
});

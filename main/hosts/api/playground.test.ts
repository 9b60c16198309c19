// The playground as the window sees it, over a real engine and the sample.
import { cp, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Operation } from '../../contract/domain/operations/index.ts';
import { startHost, type StartedHost } from '../../testing/hosts/startHost.ts';

const site = 'blocks.2.hook_resid_post';
let started: StartedHost;
let model = '';
let dictionary = '';
let folder = '';
beforeAll(async () => {
  started = await startHost();
  const { api, until } = started;
  folder = (await api.project.openSample()).folder;
  const corpus = { from: 'project', name: 'corpus.jsonl' } as const;
  const text = { model: 'sample', corpus, sites: [site], name: 'store', contextLength: 64, maxContexts: 100 };
  await until((await api.activations.capture(text)).id, 'succeeded');
  const training = { architecture: 'topk', size: 128, k: 8, batchSize: 128, steps: 40 } as const;
  await until((await api.dictionary.train({ name: 'run', activations: 'store', ...training })).id, 'succeeded');
  model = (await api.model.list())[0]!.hash;
  dictionary = (await api.dictionary.list())[0]!.quality!.hash;
}, 180_000);
afterAll(() => started.stop());

const operation = (more: object = {}): Operation => ({
  kind: 'steer',
  amount: 4,
  feature: 3,
  dictionary,
  site,
  scope: { positions: 'all' },
  gates: [],
  ...more,
});
const tried = (operations: readonly Operation[]) => ({
  model,
  operations: [...operations],
  prompt: 'What is the capital of France?',
  raw: false,
});

describe('the playground over the API', () => {
  it('tells the next token with and without operations that nobody saved', async () => {
    const { api } = started;
    const before = await api.edit.status();
    const compared = await api.playground.nextTokens({ ...tried([operation()]), continuation: [], count: 5 });
    expect(compared.promptText).toBe('User: What is the capital of France?\nAssistant:');
    expect(compared.promptTokens.map(({ text }) => text).join('')).toBe(`<|endoftext|>${compared.promptText}`);
    expect(compared.edit).toMatch(/^[0-9a-f]{64}$/u);
    expect(compared.kl).toBeGreaterThan(0);
    expect(await api.edit.status()).toEqual(before);
    const raw = await api.playground.nextTokens({ ...tried([]), raw: true, continuation: [], count: 5, position: 2 });
    expect(raw).toMatchObject({ edit: null, kl: null, position: 2, promptText: 'What is the capital of France?' });
    expect(raw.next.every(({ patched, logitDifference }) => patched === null && logitDifference === null)).toBe(true);
  });

  it('writes columns side by side, an instruction’s among them', async () => {
    const { api } = started;
    const pieces: string[] = [];
    const result = await api.playground.generate(
      { ...tried([operation()]), instruction: 'Be brief.', maxNewTokens: 12 },
      { onChunk: ({ column }) => pieces.push(column) },
    );
    expect(result.columns.map(({ column }) => column)).toEqual(['original', 'patched', 'instructed']);
    expect(result.columns[0]?.text).toContain('Paris');
    expect(result.instructedText).toBe('System: Be brief.\nUser: What is the capital of France?\nAssistant:');
    expect(pieces).toHaveLength(result.columns.reduce((sum, { ids }) => sum + ids.length, 0));
    const { next } = await api.playground.nextTokens({ ...tried([]), continuation: [], count: 1 });
    expect(next[0]?.id).toBe(result.columns[0]?.ids[0]);
  });

  it('answers while a text is being written', async () => {
    const { api } = started;
    const abort = new AbortController();
    const first = Promise.withResolvers<void>();
    let isWriting = true;
    const long = api.playground
      .generate(
        { ...tried([operation()]), prompt: 'Hi', maxNewTokens: 100, temperature: 1.5 },
        { signal: abort.signal, onChunk: () => first.resolve() },
      )
      .finally(() => (isWriting = false));
    await first.promise;
    await api.playground.nextTokens({ ...tried([operation({ amount: 2 })]), continuation: [], count: 3 });
    const wasWriting = isWriting;
    abort.abort();
    if (wasWriting) await expect(long).rejects.toMatchObject({ code: 'cancelled' });
    else await long;
  });

  it('says what operations are, and which cannot be computed here', async () => {
    const { api } = started;
    await api.label.set({ dictionary, feature: 5, patch: { text: 'a gate' } });
    const operations = [
      operation({ kind: 'ablate', amount: undefined, gates: [{ feature: 5, threshold: 0 }] }),
      operation({ dictionary: 'f'.repeat(64) }),
      operation({ feature: 128 }),
    ].map(({ ...one }) => JSON.parse(JSON.stringify(one)) as Operation);
    const described = await api.playground.describe({ model, operations });
    expect(described.operations).toMatchObject([
      { badge: 'exact', problem: null },
      { badge: null, problem: expect.stringContaining('no dictionary with the hash ffffffffffff') as string },
      { badge: 'exact', problem: 'The dictionary run has the features 0 to 127.' },
    ]);
    expect(described.features).toContainEqual({
      ...{ dictionary, feature: 5, name: 'run', label: 'a gate' },
      ...{ max: null, mean: null, rate: null },
    });
  });

  it.each([
    ['a dictionary that is not here', { dictionary: 'f'.repeat(64) }, 'not-found', /no dictionary with the hash/u],
    ['a feature that there is not', { feature: 128 }, 'usage', /features 0 to 127, but not 128/u],
    ['another site', { site: 'blocks.0.hook_resid_post' }, null, /./u],
    ['an amount beyond all bounds', { amount: 1e30 }, 'diverged', /not finite/u],
    ['an amount beyond float32', { amount: 1e39 }, 'usage', /float32/u],
  ])('refuses %s', async (_name, change, code, message) => {
    const { api } = started;
    const ask = api.playground.nextTokens({ ...tried([operation(change)]), continuation: [], count: 3 });
    // At another site of the same width a dictionary's features are directions like any others.
    if (code === null) expect((await ask).kl).toBeGreaterThanOrEqual(0);
    else await expect(ask).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  it('refuses an amount that is no number, a model that is not here, a prompt longer than the context', async () => {
    const { api } = started;
    const ask = (more: object) =>
      api.playground.nextTokens({ ...tried([operation()]), continuation: [], count: 3, ...more });
    await expect(ask({ operations: [operation({ amount: Number.NaN })] })).rejects.toMatchObject({ code: 'usage' });
    await expect(ask({ model: '0'.repeat(64) })).rejects.toMatchObject({ code: 'not-found' });
    await expect(ask({ prompt: 'long '.repeat(200) })).rejects.toMatchObject({ code: 'usage' });
  });

  it('does not answer from memory for a dictionary whose folder has gone', async () => {
    const { api } = started;
    const path = join(folder, 'dictionaries', 'run');
    const away = join(folder, 'away');
    await rename(path, away);
    const ask = () => api.playground.nextTokens({ ...tried([operation()]), continuation: [], count: 3 });
    await expect(ask()).rejects.toMatchObject({ code: 'not-found' });
    await rename(away, path);
    expect((await ask()).kl).toBeGreaterThan(0);
  });
});

describe('the model of a stranger', () => {
  it('whose chat template has no end costs its reader some seconds, and others nothing', async () => {
    const { api, events } = started;
    const place = join(started.folder, 'stranger');
    await cp(join(import.meta.dirname, '../../../resources/sample/model'), place, { recursive: true });
    await writeFile(
      join(place, 'chat_template.jinja'),
      '{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}',
    );
    await api.project.create({ name: 'strangers' });
    const { location } = await api.files.locate({ path: place });
    const { hash, name } = await api.model.add({ location });
    const question = { ...tried([]), model: hash, continuation: [], count: 3 };
    await expect(api.playground.nextTokens(question)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(
        /chat_template\.jinja: this chat template cannot be used: it did not come to an end/u,
      ) as string,
    });
    expect((await api.model.nextTokens({ model: name, prompt: 'The', count: 3 })).next).toHaveLength(3);
    expect(events.filter((event) => event.type === 'notice' && event.code === 'engine-crashed')).toEqual([]);
  });
});

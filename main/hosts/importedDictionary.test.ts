// A dictionary made elsewhere in a project: imported through the window's connection, then used like one that was trained
// here. The file is the sample's own dictionary in another project's layout, so what it must compute is known.
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadDictionary } from '../core/dictionaries/saeLens.ts';
import { writeForeignDictionary } from '../testing/dictionaries/foreignDictionary.ts';
import { startHost, type StartedHost } from '../testing/hosts/startHost.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const SAMPLE = join(import.meta.dirname, '../../resources/sample');
const SITE = 'blocks.1.hook_resid_post';
const TEXT = 'The nurse said that';

let started: StartedHost;
const locate = async (path: string) => (await started.api.files.locate({ path })).location;
const foreign = () => join(started.folder, 'saes/resid_post_layer_1/trainer_0');

beforeAll(async () => {
  started = await startHost();
  await started.api.project.openSample();
  const own = await loadDictionary(join(SAMPLE, 'dictionaries/shipped'));
  await writeForeignDictionary(foreign(), own, { submodule: 'resid_post_layer_1' });
  await writeForeignDictionary(join(started.folder, 'nameless'), own);
  await cp(join(SAMPLE, 'heldout.jsonl'), join(started.folder, 'heldout.jsonl'));
  await started.api.dictionary.import({ location: await locate(foreign()), name: 'theirs' });
});
afterAll(() => started.stop());

describe('a dictionary made elsewhere', () => {
  it('is planned with what was concluded before anything is copied', async () => {
    const plan = await started.api.dictionary.planImport({ location: await locate(foreign()) });
    expect(plan).toMatchObject({
      ...{ name: 'trainer_0', architecture: 'batchtopk', d: 128, size: 4096, site: SITE, problem: null },
      model: { name: 'sample' },
    });
    expect(plan.conclusions).toContain('Its site resid_post_layer_1 is blocks.1.hook_resid_post here.');
    expect((await started.api.dictionary.list()).map(({ name }) => name)).toEqual(['shipped', 'theirs']);
  });

  it('is listed and described with its origin', async () => {
    const { dictionary, origin } = await started.api.dictionary.describe({ name: 'theirs' });
    expect(dictionary).toMatchObject({ state: 'finished', origin: 'import', k: null, steps: null, site: SITE });
    expect(dictionary.hash).toMatch(/^[0-9a-f]{64}$/u);
    expect(origin).toMatchObject({
      from: 'import',
      layout: 'dictionary_learning',
      claims: { site: 'resid_post_layer_1', l0: [16, 16] },
      source: { path: join(foreign(), 'ae.safetensors') },
    });
  });

  it('was checked on text of the project before it was kept, and has the figures of the check', async () => {
    const { dictionary, origin, firing } = await started.api.dictionary.describe({ name: 'theirs' });
    const check = origin.from === 'import' ? origin.check : null;
    expect(check).toMatchObject({ verdict: 'right', better: null, text: 'choose.jsonl' });
    expect(check?.tokens).toBeGreaterThan(3000);
    expect(dictionary.quality).toMatchObject({
      hash: dictionary.hash,
      fvu: check?.rows[0]?.fvu,
      tokens: check?.tokens,
    });
    expect(firing?.tokens).toBe(check?.tokens);
  });

  it('is kept as doubtful, with what explains its site better, and not at all where nothing does', async () => {
    const location = await locate(foreign());
    const { api } = started;
    await api.dictionary.import({ location, name: 'off', site: 'blocks.1.hook_resid_pre' });
    const { origin } = await api.dictionary.describe({ name: 'off' });
    const check = origin.from === 'import' ? origin.check : null;
    expect(check?.verdict).toBe('doubtful');
    expect(check?.rows[check.better ?? -1]?.changes).toEqual({ site: SITE });
    const wrong = api.dictionary.import({ location, name: 'wrong', scale: 40 });
    await expect(wrong).rejects.toMatchObject({ code: 'mismatch' });
    await expect(wrong).rejects.toThrow(/it is not a dictionary of sample as it stands/u);
    expect((await api.dictionary.list()).map(({ name }) => name)).toEqual(['off', 'shipped', 'theirs']);
    const kept = await api.dictionary.import({ location, name: 'unchecked', scale: 40, isChecked: false });
    expect(kept).toMatchObject({ name: 'unchecked', quality: null });
  });

  it('fires on a text as the same dictionary does that was trained here', async () => {
    const [theirs, own] = await Promise.all(
      ['theirs', 'shipped'].map((dictionary) => started.api.feature.onText({ dictionary, text: TEXT, count: 20 })),
    );
    expect(theirs?.features.length).toBe(20);
    expect(theirs).toEqual(own);
  });

  it('is edited and exported as the same dictionary is that was trained here', async () => {
    const { api, until, folder } = started;
    const dictionaries = await api.dictionary.list();
    const model = dictionaries[0]!.model.hash;
    const [strongest] = (await api.feature.onText({ dictionary: 'theirs', text: TEXT, count: 1 })).features;
    const operations = (name: string) => [
      {
        ...({
          kind: 'ablate',
          feature: strongest!.feature,
          site: SITE,
          scope: { positions: 'all' },
          gates: [],
        } as const),
        dictionary: dictionaries.find((each) => each.name === name)?.hash ?? '',
      },
    ];
    const tokens = (name: string) =>
      api.playground.nextTokens({
        ...{ model, prompt: TEXT, continuation: [], count: 5, raw: true },
        operations: operations(name),
      });
    expect(await tokens('theirs')).toEqual(await tokens('shipped'));
    await api.edit.begin({ branch: 'theirs', model, discard: true });
    await api.edit.setOperations({ operations: operations('theirs') });
    await api.edit.commit({ message: 'Ablate a feature of theirs' });
    const text = { from: 'location', location: await locate(join(folder, 'heldout.jsonl')) } as const;
    const job = await api.export.start({ name: 'artifact', version: 'theirs', form: 'embedded', text });
    expect(await until(job.id, 'succeeded', 'failed')).toMatchObject({ state: 'succeeded', error: null });
  });

  it('has statistics over a corpus of the project, since none is known of its training', async () => {
    const { texts, hasPreferred } = await started.api.feature.statisticsTexts({ dictionary: 'theirs' });
    expect(texts.every(({ from }) => from === 'corpus')).toBe(true);
    expect(hasPreferred).toBe(true);
    const job = await started.api.feature.computeStatistics({ dictionary: 'theirs', maxContexts: 20 });
    expect(await started.until(job.id, 'succeeded', 'failed')).toMatchObject({ state: 'succeeded', error: null });
    const { rows } = await started.api.feature.list({
      dictionary: 'theirs',
      order: 'rate',
      descending: true,
      limit: 3,
    });
    expect(rows.every(({ rate }) => rate > 0)).toBe(true);
  });

  it('says what to do where the text that training held out is wanted', async () => {
    const job = await started.api.dictionary.evaluate({ name: 'theirs' });
    const { error } = await started.until(job.id, 'failed');
    expect(error?.message).toContain('theirs was imported: the project has no text that its training held out.');
    expect(error?.message).toContain('errata dictionary evaluate theirs --activations STORE');
  });

  it('is asked for its site where nothing says it, and taken under another project’s name of it', async () => {
    const location = await locate(join(started.folder, 'nameless'));
    const plan = await started.api.dictionary.planImport({ location });
    expect(plan.site).toBeNull();
    expect(plan.problem).toMatch(/nothing says at which site .* Name it: --site blocks\.0\.hook_resid_post$/u);
    await expect(started.api.dictionary.import({ location })).rejects.toMatchObject({ code: 'usage' });
    const named = await started.api.dictionary.planImport({ location, site: 'gpt_neox.layers.1' });
    expect(named).toMatchObject({ site: SITE, problem: null, model: { name: 'sample' } });
    await expect(started.api.dictionary.planImport({ location, site: 'somewhere' })).rejects.toMatchObject({
      code: 'unknown-site',
    });
  });

  it('is refused for a model or a site that it does not fit', async () => {
    const location = await locate(foreign());
    const refused = (site: string) => started.api.dictionary.planImport({ location, site, name: 'refused' });
    await expect(refused('blocks.9.hook_resid_post')).rejects.toThrow(
      'takes 128 numbers per token, but sample has no site blocks.9.hook_resid_post of that width',
    );
    await expect(refused('blocks.1.mlp.hook_post')).rejects.toThrow(
      'takes 128 numbers per token, but sample has 512 numbers per token at blocks.1.mlp.hook_post',
    );
  });
});

describe('without its model', () => {
  it('opens, and says that no model fits', async () => {
    const { api } = started;
    await api.project.create({ name: 'fresh' });
    const location = await locate(foreign());
    expect((await api.dictionary.planImport({ location })).model).toBeNull();
    const dictionary = await api.dictionary.import({ location });
    expect(dictionary).toMatchObject({ name: 'trainer_0', state: 'finished', model: { hash: '' }, quality: null });
    expect(await api.dictionary.list()).toEqual([dictionary]);
  });
});

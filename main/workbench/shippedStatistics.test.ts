// The statistics that come with the sample are those of its dictionary, model and corpus. resources/sample/recipe/README.md
// says how to make them again after one of these has changed.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCorpus } from '../core/activations/corpus.ts';
import { ContextFile, packCorpus } from '../core/activations/packing.ts';
import { hashDictionary, type Dictionary } from '../core/dictionaries/dictionary.ts';
import { loadDictionary } from '../core/dictionaries/saeLens.ts';
import { createCpuRuntime } from '../core/onnx/cpuRuntime.ts';
import { FeatureEncoder } from '../core/features/featureEncoder.ts';
import { logitEffects } from '../core/features/logitEffects.ts';
import { FILES, planId } from '../core/features/statisticsManifest.ts';
import { runPass } from '../core/features/statisticsPass.ts';
import { openStatistics, type StatisticsReader } from '../core/features/statisticsReader.ts';
import { modelSource } from '../core/features/textSource.ts';
import { startHost, type StartedHost } from '../testing/hosts/startHost.ts';
import { openModel, type Model } from '../core/models/model.ts';

const sample = join(import.meta.dirname, '../../resources/sample');
const shipped = join(sample, 'dictionaries/shipped');
const runtime = createCpuRuntime({ threads: 1 });
/** Of the 4 000 contexts, those that are read again. */
const SLICE = 64;

let dictionary: Dictionary;
let model: Model;
let reader: StatisticsReader;
let temporary: string;

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'errata-shipped-'));
  const folders = (await readdir(shipped)).filter((name) => name.startsWith('statistics-'));
  expect(folders).toHaveLength(1);
  dictionary = await loadDictionary(shipped);
  model = await openModel(join(sample, 'model'));
  reader = await openStatistics(join(shipped, folders[0]!));
});
afterAll(async () => {
  await reader?.close();
  await rm(temporary, { recursive: true, force: true });
});

const corpus = () => openCorpus(join(sample, 'corpus.jsonl'));

describe('the statistics that come with the sample', () => {
  it('are of its dictionary, its model and its corpus, by their hashes', async () => {
    const { plan, size } = reader.manifest;
    expect(plan).toEqual({
      dictionary: hashDictionary(dictionary),
      model: await model.hash(),
      site: dictionary.site,
      text: { from: 'corpus', corpus: await (await corpus()).hash() },
      contextLength: 128,
      maxContexts: 4000,
    });
    expect(size).toBe(dictionary.size);
    expect(basename(reader.folder)).toBe(`statistics-${planId(plan).slice(0, 12)}`);
  });

  it('have, where the text is read again, the same tokens, places and activations', async () => {
    const path = join(temporary, FILES.tokens);
    const packing = { contextLength: 128, maxContexts: SLICE };
    await packCorpus(path, await corpus(), await model.tokenizer(), packing);
    const contexts = await ContextFile.open(path);
    const kept = await ContextFile.open(join(reader.folder, FILES.tokens));
    expect(await kept.read(0, SLICE)).toEqual(await contexts.read(0, SLICE));
    await kept.close();
    const encoder = await FeatureEncoder.open(runtime, dictionary);
    const source = await modelSource(model, runtime, dictionary.site, contexts, reader.manifest.bosTokenId);
    const slice = await runPass({ encoder, source, checkpoint: null });
    await source.close();
    await encoder.release();
    let compared = 0;
    for (let feature = 0; feature < dictionary.size; feature += 16) {
      const page = await reader.page(feature);
      // Another processor sums in another order: float32 over some hundred products is right to a few 10⁻⁴.
      expect(slice.max[feature]).toBeLessThanOrEqual(page.max * 1.001 + 1e-3);
      expect(slice.firings[feature]).toBeLessThanOrEqual(page.firings);
      const again = new Map(slice.top.kept(feature).map((example) => [example.context, example]));
      for (const { context, firstPosition, peak, value } of page.top.filter((example) => example.context < SLICE)) {
        expect(again.get(context)?.peak).toBe(firstPosition + peak);
        expect(again.get(context)?.value).toBeCloseTo(value, 2);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(50);
  });

  it('have the effects on the logits that the dictionary has with this model', async () => {
    const { topEffects, topTokens, count } = await logitEffects(dictionary, { model, runtime });
    for (let feature = 0; feature < dictionary.size; feature += 64) {
      const [strongest] = (await reader.page(feature)).logits?.top ?? [];
      expect(strongest?.effect).toBeCloseTo(topEffects[feature * count]!, 3);
      expect(strongest?.id).toBe(topTokens[feature * count]);
    }
  });
});

describe('the sample, opened', () => {
  let started: StartedHost;
  beforeAll(async () => {
    started = await startHost();
    await started.api.project.openSample();
  }, 60_000);
  afterAll(() => started.stop());

  it('has examples, a histogram, effects on the logits, neighbours and a place on the map for every labelled feature', async () => {
    const { api } = started;
    const statistics = await api.feature.statistics({ dictionary: 'shipped' });
    expect(statistics).toMatchObject({ size: 4096, contexts: 4000, hasLogits: true, text: 'corpus' });
    expect(statistics?.states).toMatchObject({ labelled: 214, draft: 40, uninterpretable: 9 });
    const { rows, total } = await api.feature.list({ dictionary: 'shipped', states: ['labelled'], limit: 1000 });
    expect(total).toBe(214);
    for (const { peak, mean, impact } of rows) {
      expect(peak).not.toBe('');
      expect(mean).toBeGreaterThan(0);
      expect(impact).toBeGreaterThan(0);
    }
    for (const { feature } of rows.slice(0, 20)) {
      const page = await api.feature.page({ dictionary: 'shipped', feature });
      expect(page.top.length).toBeGreaterThan(0);
      expect(page.histogram.counts.length).toBeGreaterThan(0);
      expect(page.logits?.top.length).toBeGreaterThan(0);
      expect(page.decoderNeighbours.length).toBeGreaterThan(0);
      expect(page.cofiring.length).toBeGreaterThan(0);
      expect(Math.hypot(...page.map)).toBeGreaterThan(0);
    }
  });
});

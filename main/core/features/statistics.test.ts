import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Tensor } from 'onnxruntime-common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FeatureExample } from '../../contract/domain/featurePage.ts';
import { captureActivations } from '../activations/capture.ts';
import { openCorpus } from '../activations/corpus.ts';
import { ContextFile } from '../activations/packing.ts';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import { referenceActivations } from '../../testing/dictionaries/randomDictionary.ts';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import { hashFile } from '../files/hash.ts';
import type { Model } from '../models/model.ts';
import { buildVariant } from '../models/variant.ts';
import { HISTOGRAM_BINS } from './featureAccumulator.ts';
import { FILES } from './statisticsManifest.ts';
import { openStatistics, type FeatureText, type StatisticsReader } from './statisticsReader.ts';
import { openModel } from '../models/model.ts';
import { referenceStatistics, type ReferenceExample } from '../../testing/features/referenceStatistics.ts';
import { prepareStatistics, SITE, tinyStatistics } from '../../testing/features/tinyStatistics.ts';

const runtime = createCpuRuntime({ threads: 1 });
let root: string;
let model: Model;
let dictionary: Dictionary;
let reader: StatisticsReader;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'errata-statistics-'));
  ({ model, dictionary } = await prepareStatistics(join(root)));
  const { folder } = await tinyStatistics(root);
  reader = await openStatistics(folder);
});
afterAll(async () => {
  await reader?.close();
  await rm(root, { recursive: true, force: true });
});

/** A folder with the same model, dictionary and text, and no statistics. */
async function copy(name: string): Promise<string> {
  const folder = join(root, name);
  for (const part of ['model', 'dictionary', 'letters.txt'])
    await cp(join(root, part), join(folder, part), { recursive: true });
  return folder;
}

/** What a folder of statistics holds, without what is only bookkeeping. */
async function hashes(folder: string): Promise<Record<string, string>> {
  const entries = (await readdir(folder))
    .sort()
    .map(async (file) => [file, await hashFile(join(folder, file))] as const);
  return Object.fromEntries(await Promise.all(entries));
}

describe('statistics of ten features', () => {
  it('are those of a slow computation in double precision over all of the text', async () => {
    const contexts = await ContextFile.open(join(reader.folder, FILES.tokens));
    const { contextLength } = contexts;
    const tokens = await contexts.read(0, contexts.contexts);
    await contexts.close();
    // The model's own numbers are taken as they are; everything after them is computed anew.
    const session = await runtime.createSession(buildVariant(model, { taps: [SITE] }), {
      weightsFolder: model.weightsFolder,
    });
    const ids = new Tensor('int64', BigInt64Array.from(tokens, BigInt), [contexts.contexts, contextLength]);
    const x = (await session.run({ input_ids: ids }))[SITE]?.data as Float32Array;
    await session.release();
    const rows = Array.from(tokens.keys(), (row) =>
      referenceActivations(dictionary, x.subarray(16 * row, 16 * row + 16)),
    );
    const bosTokenId = reader.manifest.bosTokenId;
    expect(reader.manifest).toMatchObject({ contexts: contexts.contexts, bosTokenId: 1, size: 40 });
    expect(reader.manifest.documentEnds).toBeGreaterThan(50);
    let fired = 0;
    for (const feature of [0, 1, 2, 3, 5, 8, 13, 21, 29, 33]) {
      const activations = rows.map((row) => row[feature]!);
      const expected = referenceStatistics({ tokens, contextLength, bosTokenId }, feature, activations);
      const page = await reader.page(feature);
      fired += Math.sign(expected.firings);
      expect(page.firings).toBe(expected.firings);
      expect(page.rate).toBeCloseTo(expected.rate, 12);
      expect(page.lastFirings).toBe(expected.lastFirings);
      expect(page.lastRate).toBeCloseTo(expected.lastFirings / reader.manifest.documentEnds, 12);
      if (expected.firings === 0) continue;
      // float32 over 16 products: activations of about 1 are right to some 10⁻⁶.
      expect(page.mean).toBeCloseTo(expected.sum / expected.firings, 5);
      const variance = expected.squares / expected.firings - (expected.sum / expected.firings) ** 2;
      expect(page.deviation).toBeCloseTo(Math.sqrt(variance), 4);
      expect(page.max).toBeCloseTo(expected.max, 5);
      const counts = [...page.histogram.counts, ...new Array<number>(HISTOGRAM_BINS).fill(0)].slice(0, HISTOGRAM_BINS);
      // A value that lies on the edge of a bin to the last digit may fall on either side of it.
      const moved = counts.reduce((sum, count, bin) => sum + Math.abs(count - expected.histogram[bin]!), 0);
      expect(moved).toBeLessThanOrEqual(4);
      expectSame(page.top, expected.top);
      const byValue = expected.sample.toSorted((a, b) => b.value - a.value);
      expectSame(
        page.groups.flatMap(({ examples }) => examples),
        byValue,
      );
    }
    expect(fired).toBe(9); // 33 is dead
  });

  /** The same contexts and positions; examples whose peaks are equal in float32 may change places. */
  function expectSame(found: readonly FeatureExample[], expected: readonly ReferenceExample[]): void {
    const place = (context: number, position: number) => `${context}:${position}`;
    expect(found.map(({ context, firstPosition, peak }) => place(context, firstPosition + peak)).sort()).toEqual(
      expected.map(({ context, peak }) => place(context, peak)).sort(),
    );
    for (const [index, { value, activations, tokens, firstPosition, context }] of found.entries()) {
      expect(value).toBeCloseTo(expected[index]!.value, 5);
      const own = expected.find((example) => example.context === context)!;
      expect(tokens.length).toBe(activations.length);
      for (const [entry, position] of own.positions.entries()) {
        expect(activations[position - firstPosition]).toBeCloseTo(own.activations[entry]!, 5);
      }
      expect(activations.filter((activation) => activation > 0)).toHaveLength(own.positions.length);
    }
  }
});

describe('a folder of statistics', () => {
  it('tells of a feature that never fires that it never does', async () => {
    const page = await reader.page(35);
    expect(page).toMatchObject({
      firings: 0,
      rate: 0,
      mean: null,
      deviation: null,
      max: 0,
      lastMean: null,
      cofiring: [],
    });
    expect(page.histogram).toEqual({ binWidth: 0, counts: [] });
    expect([page.top, page.groups]).toEqual([[], []]);
    expect(page.logits?.top).toHaveLength(10);
    expect(page.decoderNeighbours).toHaveLength(16);
  });

  it('gives columns to list by, and the words around the strongest places of what fires', async () => {
    const columns = await reader.columns();
    for (const feature of [0, 7, 35]) {
      const page = await reader.page(feature);
      expect(columns.rate[feature]).toBe(page.rate);
      expect(columns.max[feature]).toBe(page.max);
      expect(columns.mean[feature]).toBe(page.mean ?? NaN);
      expect(columns.topToken[feature]).toBe(page.logits?.top[0]?.token);
      expect(columns.nearest[feature]).toBe(page.decoderNeighbours[0]?.cosine);
    }
    const all: FeatureText[] = [];
    for await (const text of reader.texts()) all.push(text);
    const inBlocks: FeatureText[] = [];
    for await (const text of reader.texts(7)) inBlocks.push(text);
    expect(inBlocks).toEqual(all);
    expect(all.map(({ feature }) => feature)).toEqual(
      [...columns.firings.keys()].filter((feature) => columns.firings[feature]! > 0),
    );
    for (const { feature, before, peak, after, text } of all.slice(0, 10)) {
      const [first] = (await reader.page(feature)).top;
      expect(peak).toBe(first?.tokens[first.peak]);
      expect(first?.tokens.join('')).toContain(before + peak + after);
      expect(text.split('\n')[0]).toBe(before + peak + after);
    }
  });

  it('shows more of a context on demand, and refuses features and contexts that there are not', async () => {
    const tokens = await reader.contextTokens(1, 0, 99);
    expect(tokens).toHaveLength(16);
    expect(tokens[0]).toBe('<s>');
    await expect(reader.page(40)).rejects.toMatchObject({ code: 'usage' });
    await expect(reader.page(-1)).rejects.toMatchObject({ code: 'usage' });
    await expect(reader.contextTokens(1e6, 0, 1)).rejects.toMatchObject({ code: 'usage' });
  });

  it('that is damaged is refused, naming the file', async () => {
    const damage = async (file: string, bytes: Uint8Array | string) => {
      const folder = join(root, `damaged-${file}`);
      await cp(reader.folder, folder, { recursive: true });
      await writeFile(join(folder, file), bytes);
      try {
        const damaged = await openStatistics(folder);
        await damaged.page(3).finally(() => damaged.close());
        return 'nothing was noticed';
      } catch (thrown) {
        return thrown;
      }
    };
    for (const file of Object.values(FILES)) {
      const whole = await readFile(join(reader.folder, file));
      const invalid = { code: 'invalid-file', message: expect.stringContaining(file) as string };
      expect(await damage(file, whole.subarray(0, whole.length - 9)), file).toMatchObject(invalid);
      expect(await damage(file, '{}'), file).toMatchObject(invalid);
    }
  });
});

describe('computing statistics', () => {
  it('again gives what is there, and another text gives other statistics beside', async () => {
    const again = await tinyStatistics(root);
    expect(again.folder).toBe(reader.folder);
    const shorter = await tinyStatistics(root, {
      text: { from: 'corpus', corpus: await openCorpus(join(root, 'letters.txt')), contextLength: 16, maxContexts: 40 },
    });
    expect(shorter.folder).not.toBe(reader.folder);
    expect(shorter.manifest).toMatchObject({ contexts: 40 });
  });

  it('of a model whose texts begin otherwise gives other statistics, since other tokens are read', async () => {
    const bare = await openModel(join(root, 'model'), { bos: 'never' });
    const { folder } = await tinyStatistics(root, { model: bare });
    expect(folder).not.toBe(reader.folder);
    const other = await openStatistics(folder);
    expect((await other.contextTokens(0, 0, 1))[0]).not.toBe('<s>');
    await other.close();
  });

  it('from captured activations gives the same numbers as with the model', async () => {
    const corpus = await openCorpus(join(root, 'letters.txt'), { textDocuments: 'paragraph' });
    const store = join(root, 'store');
    await captureActivations({ runtime, model, sites: [SITE], corpus, contextLength: 16, folderOf: () => store });
    const { folder } = await tinyStatistics(root, { text: { from: 'store', folder: store } });
    const [here, there] = [await hashes(folder), await hashes(reader.folder)];
    expect({ ...here, [FILES.manifest]: '' }).toEqual({ ...there, [FILES.manifest]: '' });
  });

  it('goes on after any number of deaths, and ends with the same bits', async () => {
    const folder = await copy('killed');
    const program = join(import.meta.dirname, '../../testing/features/tinyStatistics.ts');
    const seen = new Set<string>();
    for (let death = 0; death < 4; death++) {
      const child = spawn(process.execPath, [program, folder, '30'], { stdio: 'ignore' });
      const exit = once(child, 'exit');
      // Dies some time after it has got on.
      const work = async () => (await readdir(folder)).find((name) => name.startsWith('.statistics-'));
      const state = async () => {
        const name = await work();
        const found = name && (await stat(join(folder, name, 'state.safetensors')).catch(() => undefined));
        return found ? String(found.mtimeMs) : '';
      };
      for (let turn = 0; turn < 600 && (seen.has(await state()) || (await state()) === ''); turn++) await sleep(10);
      seen.add(await state());
      child.kill('SIGKILL');
      await exit;
    }
    expect(seen.size).toBeGreaterThan(2);
    const { folder: finished } = await tinyStatistics(folder);
    expect(await hashes(finished)).toEqual(await hashes(reader.folder));
    expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('that is cancelled keeps its state; a damaged state is not believed', async () => {
    const folder = await copy('cancelled');
    const run = async () => {
      const abort = new AbortController();
      return tinyStatistics(folder, {
        signal: abort.signal,
        onWork: ({ stage, done }) => {
          if (stage.startsWith('Counting') && done > 12_000) abort.abort();
        },
      });
    };
    await expect(run()).rejects.toThrow();
    const [work] = (await readdir(folder)).filter((name) => name.startsWith('.statistics-'));
    const state = join(folder, work!, 'state.safetensors');
    const bytes = await readFile(state);
    await writeFile(state, bytes.subarray(0, bytes.length >> 1));
    const { folder: finished } = await tinyStatistics(folder);
    expect(await hashes(finished)).toEqual(await hashes(reader.folder));
  });

  it('refuses what does not belong together', async () => {
    const changes = [
      { dictionary: { ...dictionary, modelHash: 'f'.repeat(64) } },
      { dictionary: { ...dictionary, site: 'blocks.0.mlp.hook_post' } },
      {
        text: { from: 'store', folder: join(root, 'store') },
        dictionary: { ...dictionary, site: 'blocks.1.hook_resid_post' },
      },
    ] as const;
    for (const change of changes)
      await expect(tinyStatistics(root, change)).rejects.toMatchObject({ code: 'mismatch' });
  });
});

describe('unusual texts', () => {
  const over = async (name: string, text: string, textDocuments: 'line' | 'file' = 'line') => {
    const folder = await copy(name);
    await writeFile(join(folder, 'letters.txt'), text);
    const corpus = await openCorpus(join(folder, 'letters.txt'), { textDocuments });
    const result = await tinyStatistics(folder, { text: { from: 'corpus', corpus, contextLength: 16 } });
    const opened = await openStatistics(result.folder);
    try {
      return { manifest: result.manifest, columns: await opened.columns(), page: await opened.page(3) };
    } finally {
      await opened.close();
    }
  };

  it('in a language whose letters the tokenizer does not know', async () => {
    const { manifest, columns } = await over('russian', 'Съешь же ещё этих мягких французских булок\n'.repeat(40));
    expect(manifest.tokens).toBeGreaterThan(500);
    expect(columns.rate.every((rate) => rate >= 0 && rate <= 1)).toBe(true);
  });

  it('in lines of a megabyte', async () => {
    const { manifest } = await over('long', `${'thequickbrownfox'.repeat(65_536)}\nshort\n`);
    expect(manifest.tokens).toBe(15 * manifest.contexts - manifest.documentEnds);
    expect(manifest.tokens).toBeGreaterThan(1_000_000);
  });

  it('of which all is the same: no example twice', async () => {
    const { page } = await over('same', `${'abc'.repeat(5)}\n`.repeat(200));
    expect(new Set(page.top.map(({ tokens, peak }) => tokens.slice(0, peak + 1).join(''))).size).toBe(page.top.length);
  });

  it('too short for one context are refused', async () => {
    await expect(over('short', 'abc')).rejects.toMatchObject({ code: 'empty' });
  });
});

describe('statistics of a dictionary of which nearly all features are dead', () => {
  it('have figures for the one that fires, and say of the others that they never do', async () => {
    const folder = await copy('dead');
    const threshold = dictionary.perFeature['threshold']!.map((each, feature) => (feature === 3 ? each : 1e6));
    const made = await tinyStatistics(folder, { dictionary: { ...dictionary, perFeature: { threshold } } });
    const opened = await openStatistics(made.folder);
    try {
      const { firings, mean, max, map, rate } = await opened.columns();
      expect([...firings.keys()].filter((feature) => firings[feature]! > 0)).toEqual([3]);
      expect([rate[0], mean[0], max[0]]).toEqual([0, NaN, 0]);
      expect(map.every((place) => Number.isFinite(place) && Math.abs(place) <= 1.001)).toBe(true);
      const texts = [];
      for await (const text of opened.texts()) texts.push(text.feature);
      expect(texts).toEqual([3]);
      const page = await opened.page(0);
      expect(page).toMatchObject({ firings: 0, mean: null, top: [], histogram: { counts: [] }, cofiring: [] });
      expect(page.groups.flatMap(({ examples }) => examples)).toEqual([]);
    } finally {
      await opened.close();
    }
  });
});

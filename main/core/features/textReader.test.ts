import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tensor } from 'onnxruntime-common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import { randomDictionary, referenceActivations } from '../../testing/dictionaries/randomDictionary.ts';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import type { Model } from '../models/model.ts';
import { buildVariant } from '../models/variant.ts';
import { Random } from '../numerics/random.ts';
import { TextReader } from './textReader.ts';
import { prepareStatistics, SITE } from '../../testing/features/tinyStatistics.ts';

const runtime = createCpuRuntime({ threads: 1 });
let folder: string;
let model: Model;
let dictionary: Dictionary;
let reader: TextReader;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-reader-'));
  ({ model, dictionary } = await prepareStatistics(folder, 100));
  reader = await TextReader.open(runtime, model, dictionary);
});
afterAll(async () => {
  await reader?.release();
  await rm(folder, { recursive: true, force: true });
});

/** All activations `[tokens][size]` in double precision, of a text that is read from a BOS on. */
async function reference(text: string, of: Dictionary = dictionary): Promise<Float64Array[]> {
  const ids = [1, ...Array.from(text, (letter) => letter.charCodeAt(0) - 97 + 3)];
  const session = await runtime.createSession(buildVariant(model, { taps: [SITE] }), {
    weightsFolder: model.weightsFolder,
  });
  const input_ids = new Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length]);
  const x = (await session.run({ input_ids }))[SITE]?.data as Float32Array;
  await session.release();
  return ids.slice(1).map((_, at) => referenceActivations(of, x.subarray(16 * (at + 1), 16 * (at + 2))));
}

describe('a text that is tried', () => {
  it('shows what fires on each token, and the activations of chosen features on all of them', async () => {
    const text = 'thequickbrownfox';
    const expected = await reference(text);
    const found = await reader.read(text, { perToken: 3, count: 5, features: [4, 35] });
    expect(found.tokens.map((token) => token.trim()).join('')).toBe(text);
    expect(found.pieces).toEqual([0]);
    for (const [token, activations] of expected.entries()) {
      const firing = [...activations.keys()].filter((feature) => activations[feature]! > 0);
      expect(found.firingCounts[token]).toBe(firing.length);
      const strongest = firing.sort((a, b) => activations[b]! - activations[a]!).slice(0, 3);
      expect(found.firing[token]!.map(({ feature }) => feature)).toEqual(strongest);
      for (const { feature, activation } of found.firing[token]!)
        expect(activation).toBeCloseTo(activations[feature]!, 5);
      expect(found.activations[0]!.values[token]).toBeCloseTo(activations[4]!, 5);
    }
    expect(found.activations[1]).toEqual({ feature: 35, values: new Array(16).fill(0) }); // a dead one
    const peaks = dictionary.encoderBias.length;
    const max = (feature: number) => Math.max(...expected.map((activations) => activations[feature]!));
    const ranked = Array.from({ length: peaks }, (_, feature) => feature).filter((feature) => max(feature) > 0);
    expect(found.featureCount).toBe(ranked.length);
    expect(found.features.map(({ feature }) => feature)).toEqual(ranked.sort((a, b) => max(b) - max(a)).slice(0, 5));
    for (const { feature, max: largest, position, firings, mean } of found.features) {
      const own = expected.map((activations) => activations[feature]!);
      expect(largest).toBeCloseTo(max(feature), 5);
      expect(own[position]).toBe(max(feature));
      expect(firings).toBe(own.filter((value) => value > 0).length);
      expect(mean * firings).toBeCloseTo(
        own.reduce((sum, value) => sum + value, 0),
        4,
      );
    }
  });

  it('longer than the context is read in pieces, and says where each begins', async () => {
    const text = 'abcdefghij'.repeat(10);
    const found = await reader.read(text, { features: [0] });
    expect(found.pieces).toEqual([0, 31, 62, 93]); // contexts of 32 tokens with their BOS
    const expected = await reference(text.slice(31, 62));
    const values = found.activations[0]!.values.slice(31, 62);
    for (const [token, activations] of expected.entries()) expect(values[token]).toBeCloseTo(activations[0]!, 5);
  });

  it('without a token is refused, and so is a feature that there is not', async () => {
    await expect(reader.read('')).rejects.toMatchObject({ code: 'empty' });
    await expect(reader.read('abc', { features: [40] })).rejects.toMatchObject({ code: 'usage' });
  });

  it('needs the dictionary of the model', async () => {
    const other = { ...dictionary, modelHash: 'f'.repeat(64) };
    await expect(TextReader.open(runtime, model, other)).rejects.toMatchObject({ code: 'mismatch' });
  });

  it('works with every architecture', async () => {
    for (const architecture of ['topk', 'relu', 'batchtopk'] as const) {
      const of = randomDictionary(new Random(3), architecture, { d: 16, size: 33, k: 3, site: SITE });
      const opened = await TextReader.open(runtime, model, { ...of, modelHash: '' });
      const expected = await reference('lazydogs', of);
      const { firingCounts } = await opened.read('lazydogs');
      expect(firingCounts).toEqual(expected.map((activations) => activations.filter((value) => value > 0).length));
      await opened.release();
    }
  });
});

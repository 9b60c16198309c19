// The check of an imported dictionary on the sample: its own dictionary is right, and every convention flipped in turn is
// named. Nothing here depends on exact figures: flipped conventions are worse by factors.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { ReadingChanges } from '../../contract/domain/importedDictionary.ts';
import { Random } from '../numerics/random.ts';
import { openModel, type Model } from '../models/model.ts';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import type { Dictionary } from './dictionary.ts';
import { changeDictionary, changeReading } from './readingChanges.ts';
import { loadDictionary } from './saeLens.ts';
import { judge, selfCheck } from './selfCheck.ts';
import { copyInOrder, matrixOf } from './storedMatrix.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const sample = fileURLToPath(new URL('../../../resources/sample/', import.meta.url));
const runtime = createCpuRuntime({ threads: 1 });
let model: Model;
let right: Dictionary;
let contexts: number[][];

beforeAll(async () => {
  model = await openModel(join(sample, 'model'));
  right = await loadDictionary(join(sample, 'dictionaries/shipped'));
  const tokenizer = await model.tokenizer();
  const lines = (await readFile(join(sample, 'heldout.jsonl'), 'utf8')).split('\n').slice(0, 30);
  const texts = lines.map((line) => (JSON.parse(line) as { text: string }).text);
  contexts = texts.map((text) => [tokenizer.bosTokenId ?? 0, ...tokenizer.encode(text)].slice(0, 100));
});

const check = async (dictionary: Dictionary, l0: [number, number] | null = null, applied: ReadingChanges = {}) =>
  (
    await selfCheck({
      ...{ runtime, model, dictionary, contexts, applied, text: 'heldout.jsonl' },
      bosTokenId: (await model.tokenizer()).bosTokenId,
      claims: { site: null, model: null, l0 },
    })
  ).check;

describe('the check of a dictionary against its model', () => {
  it('finds right what is right, with the losses that its site has', async () => {
    const found = await check(right, [16, 16]);
    expect(found).toMatchObject({ verdict: 'right', better: null });
    expect(found.rows[0]?.fvu).toBeLessThan(0.1);
    expect(found.ceReconstructed).toBeGreaterThan(found.ceOriginal);
    expect(found.ceReconstructed).toBeLessThan(found.ceZero / 4);
    expect(found.lossRecovered).toBeGreaterThan(0.9);
    expect(found.fvuWithFirst).toBeGreaterThan(found.rows[0]!.fvu);
  });

  it.each<readonly [string, ReadingChanges, ReadingChanges]>([
    ['not subtracted where it should be', { subtractsDecoderBias: false }, { subtractsDecoderBias: true }],
  ])('names a decoder bias that is %s', async (_, planted, expected) => {
    // A bias that weighs something: the mean of the site.
    const shifted = withBias(right, 3);
    expect(await check(shifted)).toMatchObject({ verdict: 'right' });
    const { verdict, better, rows } = await check(changeDictionary(shifted, planted));
    expect(verdict).toBe('doubtful');
    expect(rows[better ?? -1]).toMatchObject({ changes: expected, words: 'with the decoder bias subtracted' });
  });

  it('names a site that is one off', async () => {
    for (const site of ['blocks.1.hook_resid_pre', 'blocks.2.hook_resid_post']) {
      const { verdict, better, rows } = await check({ ...right, site });
      expect(verdict).toBe('doubtful');
      expect(rows[better ?? -1]?.changes).toEqual({ site: RIGHT_SITE[site] });
    }
  });

  it('names activations that were scaled in training, either way', async () => {
    const own = Math.sqrt(128) / (await meanNorm());
    for (const [planted, expected] of [
      [own, 1 / own],
      [1 / own, own],
    ] as const) {
      const { verdict, better, rows } = await check(changeDictionary(right, { scale: planted }));
      expect(verdict).toBe('doubtful');
      expect(rows[better ?? -1]?.changes.scale).toBeCloseTo(expected, 2);
      expect(rows[better ?? -1]?.words).toMatch(/^if trained on activations times/u);
    }
  });

  it('names a square dictionary that is transposed', async () => {
    const square = squareDictionary(right);
    expect((await check(square)).rows[0]?.fvu).toBeLessThan(1e-3);
    const { verdict, better, rows } = await check(changeDictionary(square, { isTransposed: true }));
    expect(verdict).toBe('doubtful');
    expect(rows[better ?? -1]).toMatchObject({
      changes: { isTransposed: true },
      words: 'with both matrices transposed',
    });
  });

  it('doubts an L0 that is not what the file claims', async () => {
    const { verdict, reasons } = await check(right, [71, 71]);
    expect(verdict).toBe('doubtful');
    expect(reasons[0]).toMatch(/features fire on a token, but the file claims 71\.$/u);
  });

  it('refuses what explains the activations under no convention', async () => {
    const random = new Random(5);
    const noise = right.encoder.map(() => random.normal() * 0.1);
    const { verdict, reasons } = await check({ ...right, encoder: noise, decoder: noise.toReversed() });
    expect(verdict).toBe('refused');
    expect(reasons[0]).toContain('Under no convention does it explain the activations of this model');
  });

  it('says what is better from the file on, where something was read differently already', async () => {
    const own = Math.sqrt(128) / (await meanNorm());
    const applied = { scale: own };
    const { better, rows } = await check(changeDictionary(right, applied), null, applied);
    expect(rows[better ?? -1]?.changes.scale ?? 1).toBeCloseTo(1, 2);
  });
});

const RIGHT_SITE: Readonly<Record<string, string>> = {
  'blocks.1.hook_resid_pre': 'blocks.1.hook_resid_post',
  'blocks.2.hook_resid_post': 'blocks.2.hook_resid_pre', // which is what block 1 puts out
};

/** The same function with a larger decoder bias that is subtracted before encoding: b + v, and v taken out of the encoder's. */
function withBias(dictionary: Dictionary, size: number): Dictionary {
  const { d, centre, encoder, encoderBias, decoder, decoderBias } = dictionary;
  const random = new Random(9);
  const shift = Float32Array.from({ length: d }, () => random.normal() * size);
  const bias = decoderBias.map((value, j) => value + shift[j]!);
  // One feature more would be needed to take the shift out of x̂ again: the first, always on, has it.
  const first = new Float32Array(encoder);
  first.fill(0, 0, d);
  const rows = new Float32Array(decoder);
  for (let j = 0; j < d; j++) rows[j] = -shift[j]!;
  const moved = encoderBias.map((value, feature) => {
    if (feature === 0) return 1;
    let product = 0;
    for (let j = 0; j < d; j++) product += encoder[feature * d + j]! * (bias[j]! - centre[j]!);
    return value + product;
  });
  return { ...dictionary, encoder: first, encoderBias: moved, decoder: rows, decoderBias: bias, centre: bias };
}

/** As many features as numbers, all of them always on: a rotation and its inverse, which no transposed one is. */
function squareDictionary({ d, site, modelHash }: Dictionary): Dictionary {
  const random = new Random(3);
  const rows: Float64Array[] = [];
  for (let i = 0; i < d; i++) {
    const row = Float64Array.from({ length: d }, () => random.normal());
    for (const other of rows) {
      const overlap = row.reduce((sum, value, j) => sum + value * other[j]!, 0);
      for (let j = 0; j < d; j++) row[j]! -= overlap * other[j]!;
    }
    const norm = Math.hypot(...row);
    rows.push(row.map((value) => value / norm));
  }
  const rotation = Float32Array.from(rows.flatMap((row) => [...row]));
  const lift = 500;
  const decoderBias = Float32Array.from({ length: d }, (_, j) => -lift * rows.reduce((sum, row) => sum + row[j]!, 0));
  return {
    architecture: 'relu',
    ...{ d, size: d, k: null, site, modelHash, perFeature: {}, decoderBias },
    encoder: rotation,
    encoderBias: new Float32Array(d).fill(lift),
    decoder: rotation,
    centre: new Float32Array(d),
  };
}

/** Of the site, as the check measures it. */
async function meanNorm(): Promise<number> {
  const { rows } = await check(right);
  const scaled = rows.find(({ changes }) => (changes.scale ?? 1) !== 1);
  return Math.sqrt(128) / (scaled?.changes.scale ?? 1);
}

describe('the verdict', () => {
  const row = (fvu: number, l0 = 10) => ({ words: 'as read', changes: {}, fvu, l0, deadFraction: 0 });
  const losses = { ceReconstructed: 3, ceZero: 9 };

  it('is not moved by a reading that is a little better', () => {
    expect(judge([row(0.3), row(0.29)], { l0: null }, losses)).toMatchObject({ verdict: 'right', better: null });
    expect(judge([row(0.3), row(0.1)], { l0: null }, losses)).toMatchObject({ verdict: 'doubtful', better: 1 });
  });

  it('proposes the reading whose L0 is what is claimed, where the one as read is not', () => {
    expect(judge([row(0.3, 100), row(0.32, 11)], { l0: [10, 20] }, losses)).toMatchObject({
      verdict: 'doubtful',
      better: 1,
    });
    expect(judge([row(0.3, 39), row(0.32, 11)], { l0: [10, 20] }, losses)).toMatchObject({ verdict: 'right' });
  });

  it('is doubtful where the reconstruction costs the model as much as zero does', () => {
    expect(judge([row(0.3)], { l0: null }, { ceReconstructed: 9, ceZero: 9 }).verdict).toBe('doubtful');
  });

  it('is refused where a figure is not a number', () => {
    expect(judge([row(Number.NaN)], { l0: null }, losses).verdict).toBe('refused');
  });
});

describe('a changed reading', () => {
  it('is the same dictionary as the one changed at hand', async () => {
    const { d, size, encoder, decoder } = squareDictionary(right);
    const matrix = (data: Float32Array) =>
      matrixOf('w', {
        dtype: 'F32',
        shape: [size, d],
        strides: [d, 1],
        read: (first, count) => Promise.resolve(Float32Array.from(data.subarray(first, first + count)).buffer),
      });
    const dictionary = { ...squareDictionary(right), architecture: 'relu' as const };
    const reading = {
      ...{ kind: 'relu' as const, d, size, k: null, perFeature: {}, conclusions: [], subtractsDecoderBias: false },
      ...{ encoder: await matrix(encoder), decoder: await matrix(decoder) },
      ...{ encoderBias: dictionary.encoderBias, decoderBias: dictionary.decoderBias },
      claims: { site: null, model: null, l0: null },
    };
    const changes = { isTransposed: true, scale: 2, subtractsDecoderBias: true };
    const expected = changeDictionary(dictionary, changes);
    const changed = changeReading(reading, changes);
    expect(changed.conclusions.at(-1)).toContain('the decoder bias subtracted, both matrices transposed');
    expect(changed.decoderBias).toEqual(expected.decoderBias);
    expect(changed.subtractsDecoderBias).toBe(true);
    for (const [name, all] of [
      ['encoder', changed.encoderScale],
      ['decoder', changed.decoderScale],
    ] as const) {
      let at = 0;
      for await (const piece of copyInOrder(changed[name], 'rows', { ...(all === undefined ? {} : { all }) })) {
        for (const value of piece) expect(value).toBeCloseTo(expected[name][at++]!, 6);
      }
      expect(at).toBe(size * d);
    }
  });

  it('is refused where a dictionary that is not square shall be transposed', () => {
    expect(() => changeDictionary(right, { isTransposed: true })).toThrow('not 4096 of 128');
  });
});

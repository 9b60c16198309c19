// Quality against a slow computation of the same formulas in double precision, on activations really captured from a tiny
// model. The engine sums in float32: about 300 rows of 16 numbers agree to 1e-5 of their sum. What fires is a matter of
// comparing float32 numbers that are, with these seeds, never within rounding of each other: it must agree exactly.
import { join } from 'node:path';
import { Tensor } from 'onnxruntime-common';
import { beforeAll, describe, expect, it } from 'vitest';
import { openStore, type ActivationStore } from '../activations/store.ts';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import type { Model } from '../models/model.ts';
import { floats, runVariant, tokens } from '../../testing/models/runVariant.ts';
import { openTinyModel, temporaryFolder } from '../../testing/models/temporaryFolder.ts';
import { tinyModel } from '../../testing/models/tinyModels.ts';
import { Random } from '../numerics/random.ts';
import type { Dictionary } from './dictionary.ts';
import { lossRecovered } from '../../contract/domain/lossRecovered.ts';
import { DICTIONARY_KINDS } from './kinds/index.ts';
import { evaluateDictionary, evaluateLossRecovered, evaluateReconstruction, rowsPerRun } from './evaluate.ts';
import {
  randomDictionary,
  referenceActivations,
  referenceReconstruction,
} from '../../testing/dictionaries/randomDictionary.ts';
import { prepare, SITE } from '../../testing/dictionaries/trainingRun.ts';

const runtime = createCpuRuntime({ threads: 1 });
const d = 16;
const size = 48;
const silent = [3, 17, 40];
const heldOut = { first: 380, end: 400 };

let model: Model;
let store: ActivationStore;
/** By context. */
let contexts: { readonly ids: Int32Array; readonly rows: readonly Float32Array[] }[];

beforeAll(async () => {
  const folder = await temporaryFolder();
  model = await prepare(folder);
  store = await openStore(join(folder, 'store'));
  const { contextLength } = store.manifest;
  contexts = [];
  for (let context = heldOut.first; context < heldOut.end; context++) {
    const values = await store.readRows(context * contextLength, contextLength);
    const rows = Array.from({ length: contextLength }, (_, row) => values.subarray(row * d, (row + 1) * d));
    contexts.push({ ids: await store.contexts.read(context, 1), rows });
  }
  return () => store.close();
});

/** Some features never fire; the others do, on some tokens. */
async function dictionaryOf(architecture: Dictionary['architecture'], changes: Partial<Dictionary> = {}) {
  const dictionary = randomDictionary(new Random(11), architecture, { d, size, site: SITE });
  for (const feature of silent) dictionary.encoderBias[feature] = -1000;
  return { ...dictionary, modelHash: await model.hash(), ...changes };
}

/** x̂ = x: two features for every direction, one for each sign. */
async function perfectDictionary(): Promise<Dictionary> {
  const encoder = new Float32Array(2 * d * d);
  for (let feature = 0; feature < 2 * d; feature++) {
    encoder[feature * d + (feature % d)] = feature < d ? 1 : -1;
  }
  return dictionaryOf('relu', {
    size: 2 * d,
    encoder,
    encoderBias: new Float32Array(2 * d),
    decoder: encoder.slice(),
    decoderBias: new Float32Array(d),
    centre: new Float32Array(d),
  });
}

function expectClose(actual: number, expected: number, relative: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(relative * Math.abs(expected));
}

describe('reconstruction', () => {
  it.each(DICTIONARY_KINDS)('of a %s dictionary: FVU, L0, dead features and firing rates', async (architecture) => {
    const dictionary = await dictionaryOf(architecture);
    const rows = contexts.flatMap((context) => context.rows.filter((_, at) => context.ids[at] !== 1));
    expect(rows.length).toBe(20 * 15);
    const mean = Array.from({ length: d }, (_, j) => rows.reduce((sum, x) => sum + x[j]!, 0) / rows.length);
    const firings = new Array<number>(size).fill(0);
    let [error, variance] = [0, 0];
    for (const x of rows) {
      referenceActivations(dictionary, x).forEach((value, feature) => (firings[feature]! += value > 0 ? 1 : 0));
      const reconstruction = referenceReconstruction(dictionary, x);
      for (let j = 0; j < d; j++) {
        error += (x[j]! - reconstruction[j]!) ** 2;
        variance += (x[j]! - mean[j]!) ** 2;
      }
    }
    const quality = await evaluateReconstruction({ runtime, dictionary, store, heldOut });
    expect(quality.tokens).toBe(rows.length);
    expect([...quality.firingRates]).toEqual(firings.map((count) => count / rows.length));
    expectClose(quality.l0, firings.reduce((sum, count) => sum + count, 0) / rows.length, 1e-12);
    expect(quality.deadFraction).toBe(firings.filter((count) => count === 0).length / size);
    expect(quality.deadFraction).toBeGreaterThanOrEqual(silent.length / size);
    expect(quality.deadFraction).toBeLessThan(0.5);
    expectClose(quality.fvu, error / variance, 1e-5);
  });

  it('leaves out a tenth of the rows, of any norm, names how many they are, and measures the rest as if they were not', async () => {
    const dictionary = await dictionaryOf('relu');
    const isPlanted = (row: number) => row % 10 === 3;
    const planted = await openStore(store.folder);
    const readRows = planted.readRows.bind(planted);
    planted.readRows = async (first, count) => {
      const values = await readRows(first, count);
      for (let row = 0; row < count; row++) {
        if (isPlanted(first + row)) values.fill(1e5, row * d, (row + 1) * d);
      }
      return values;
    };
    const { contextLength } = store.manifest;
    const counted = contexts.flatMap(({ ids, rows }, context) =>
      rows.flatMap((x, at) => {
        const row = (heldOut.first + context) * contextLength + at;
        return ids[at] === 1 ? [] : [{ x, isPlanted: isPlanted(row) }];
      }),
    );
    const kept = counted.flatMap(({ x, isPlanted: is }) => (is ? [] : [x]));
    const mean = Array.from({ length: d }, (_, j) => kept.reduce((sum, x) => sum + x[j]!, 0) / kept.length);
    let [error, variance, firings] = [0, 0, 0];
    for (const x of kept) {
      firings += referenceActivations(dictionary, x).filter((value) => value > 0).length;
      const reconstruction = referenceReconstruction(dictionary, x);
      for (let j = 0; j < d; j++) {
        error += (x[j]! - reconstruction[j]!) ** 2;
        variance += (x[j]! - mean[j]!) ** 2;
      }
    }
    const quality = await evaluateReconstruction({ runtime, dictionary, store: planted, heldOut });
    expect(quality).toMatchObject({ tokens: kept.length, outliers: counted.length - kept.length });
    expect(quality.outliers).toBeGreaterThan(20);
    expectClose(quality.fvu, error / variance, 1e-5);
    expectClose(quality.l0, firings / kept.length, 1e-12);
    await planted.close();
  });

  it('of a perfect dictionary leaves no variance unexplained', async () => {
    const quality = await evaluateReconstruction({ runtime, dictionary: await perfectDictionary(), store, heldOut });
    expect(quality.fvu).toBeLessThan(1e-12);
    expect(quality.l0).toBe(d);
  });

  it('by the mean alone has an FVU of 1', async () => {
    const rows = contexts.flatMap((context) => context.rows.filter((_, at) => context.ids[at] !== 1));
    const mean = Float32Array.from({ length: d }, (_, j) => rows.reduce((sum, x) => sum + x[j]! / rows.length, 0));
    const dictionary = await dictionaryOf('relu', { decoder: new Float32Array(size * d), decoderBias: mean });
    expectClose((await evaluateReconstruction({ runtime, dictionary, store, heldOut })).fvu, 1, 1e-5);
  });

  it('stops when it is cancelled', async () => {
    const dictionary = await dictionaryOf('topk');
    const evaluating = evaluateReconstruction({ runtime, dictionary, store, heldOut, signal: AbortSignal.abort() });
    await expect(evaluating).rejects.toMatchObject({ name: 'AbortError' });
  });
});

/** The loss when the site's values are the given ones `[time, d]` per context; the last step in double precision. */
async function lossWith(replacement: (rows: readonly Float32Array[], ids: Int32Array) => ArrayLike<number>[]) {
  const values = contexts.flatMap(({ rows, ids }) => replacement(rows, ids).flatMap((row) => Array.from(row)));
  const shape = [contexts.length, store.manifest.contextLength, d];
  const results = await runVariant(
    model,
    {
      head: 'logits',
      patches: [{ site: SITE, apply: (x) => x.graph.input('replacement', 'float32', x.shape) }],
    },
    {
      input_ids: tokens(...contexts.map(({ ids }) => Array.from(ids))),
      replacement: new Tensor('float32', Float32Array.from(values), shape),
    },
  );
  const logits = floats(results['logits']);
  const { vocabularySize } = model.config;
  let [sum, count] = [0, 0];
  for (const [context, { ids }] of contexts.entries()) {
    for (let position = 0; position + 1 < ids.length; position++) {
      const row = logits.subarray((context * ids.length + position) * vocabularySize).subarray(0, vocabularySize);
      const total = row.reduce((all, logit) => all + Math.exp(logit), 0);
      sum += Math.log(total) - row[ids[position + 1]!]!;
      count += 1;
    }
  }
  return { loss: sum / count, count };
}

describe('loss recovered', () => {
  it.each(['topk', 'batchtopk'] as const)('of a %s dictionary, with BOS left alone', async (architecture) => {
    const dictionary = await dictionaryOf(architecture);
    const exceptBos =
      (change: (row: Float32Array) => ArrayLike<number>) => (rows: readonly Float32Array[], ids: Int32Array) =>
        rows.map((row, at) => (ids[at] === 1 ? row : change(row)));
    const original = await lossWith((rows) => [...rows]);
    const reconstructed = await lossWith(exceptBos((row) => referenceReconstruction(dictionary, row)));
    const zero = await lossWith(exceptBos((row) => new Float32Array(row.length)));
    const everywhere = await lossWith((rows) => rows.map((row) => new Float32Array(row.length)));
    expect(Math.abs(everywhere.loss - zero.loss)).toBeGreaterThan(1e-3); // it matters

    const result = await evaluateLossRecovered({ runtime, dictionary, store, heldOut, model });
    expect(result.ceTokens).toBe(original.count);
    // Sums of float32 logits near 10.
    expectClose(result.ceOriginal, original.loss, 1e-5);
    expectClose(result.ceReconstructed, reconstructed.loss, 1e-5);
    expectClose(result.ceZero, zero.loss, 1e-5);
    // In this random model zeroing lowers the loss for some sites: there, it is not defined.
    const whole = result.ceZero - result.ceOriginal;
    if (whole <= 0) expect(result.lossRecovered).toBeNull();
    else expectClose(result.lossRecovered ?? NaN, (result.ceZero - result.ceReconstructed) / whole, 1e-12);
  });

  it('is all of it with a perfect dictionary', async () => {
    const dictionary = await perfectDictionary();
    const result = await evaluateLossRecovered({ runtime, dictionary, store, heldOut, model });
    expectClose(result.ceReconstructed, result.ceOriginal, 1e-6);
    expectClose(Number(lossRecovered({ ...result, ceZero: result.ceOriginal + 1 })), 1, 1e-4);
  });

  it('is none of it with a dictionary that reconstructs nothing', async () => {
    const dictionary = await dictionaryOf('relu', {
      decoder: new Float32Array(size * d),
      decoderBias: new Float32Array(d),
    });
    const result = await evaluateLossRecovered({ runtime, dictionary, store, heldOut, model });
    expect(result.ceReconstructed).toBe(result.ceZero);
    expect(lossRecovered({ ...result, ceOriginal: result.ceZero - 1 })).toBe(0);
  });
});

it('a dictionary too large for all tokens at once is evaluated in pieces, with the same result', async () => {
  expect([1, 1024, 16384, 1 << 24].map(rowsPerRun)).toEqual([4096, 4096, 256, 1]);
  const small = await dictionaryOf('jumprelu');
  const large = 1 << 16; // 64 tokens at once, of 320; all that is new is silent
  const padded = (array: Float32Array, length: number, fill = 0) => {
    const longer = new Float32Array(length).fill(fill);
    longer.set(array);
    return longer;
  };
  const dictionary: Dictionary = {
    ...small,
    size: large,
    encoder: padded(small.encoder, large * d),
    encoderBias: padded(small.encoderBias, large, -1),
    decoder: padded(small.decoder, large * d, 1),
    perFeature: { threshold: padded(small.perFeature['threshold'] ?? new Float32Array(0), large) },
  };
  const expected = await evaluateDictionary({ runtime, dictionary: small, store, heldOut, model });
  const result = await evaluateDictionary({ runtime, dictionary, store, heldOut, model });
  expect(result.l0).toBe(expected.l0);
  expect([...result.firingRates.subarray(0, size)]).toEqual([...expected.firingRates]);
  expectClose(result.fvu, expected.fvu, 1e-5);
  expectClose(result.ceReconstructed, expected.ceReconstructed, 1e-5);
  expect(result.ceTokens).toBe(expected.ceTokens);
});

describe('what does not belong together is refused', () => {
  it('a dictionary of another width', async () => {
    const dictionary = randomDictionary(new Random(1), 'relu', { d: 12, size, site: SITE });
    const refusal = { code: 'mismatch', message: expect.stringContaining('16 wide') as string };
    await expect(evaluateReconstruction({ runtime, dictionary, store, heldOut })).rejects.toMatchObject(refusal);
    await expect(evaluateLossRecovered({ runtime, dictionary, store, heldOut, model })).rejects.toMatchObject(refusal);
  });

  it('a dictionary of another model', async () => {
    const dictionary = await dictionaryOf('relu', { modelHash: '0'.repeat(64) });
    const refusal = { code: 'mismatch', message: expect.stringContaining('another model') as string };
    await expect(evaluateLossRecovered({ runtime, dictionary, store, heldOut, model })).rejects.toMatchObject(refusal);
  });

  it('activations of another model', async () => {
    const other = await openTinyModel(tinyModel('gpt2', 2));
    const dictionary = await dictionaryOf('relu', { modelHash: await other.hash() });
    const refusal = { code: 'mismatch', message: expect.stringContaining('another model') as string };
    const evaluating = evaluateLossRecovered({ runtime, dictionary, store, heldOut, model: other });
    await expect(evaluating).rejects.toMatchObject(refusal);
  });
});

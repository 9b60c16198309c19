// The threshold against an exact sort of the pre-activations, computed in double precision from the same captured
// activations. It is an edge of buckets that are 1/4096 wide, relative to their value, and the nearest edge to what was asked
// for: so the firings are wrong by no more than what one bucket holds. EPSILON is the rounding of a product in float32.
import fc from 'fast-check';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openStore, type ActivationStore } from '../activations/store.ts';
import { describeStore, openWriter } from '../../testing/activations/makeStore.ts';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import { temporaryFolder } from '../../testing/models/temporaryFolder.ts';
import { Random } from '../numerics/random.ts';
import { calibrateThreshold } from './calibrate.ts';
import type { Dictionary } from './dictionary.ts';
import { evaluateReconstruction } from './evaluate.ts';
import { randomDictionary } from '../../testing/dictionaries/randomDictionary.ts';
import { prepare } from '../../testing/dictionaries/trainingRun.ts';

const runtime = createCpuRuntime({ threads: 1 });
const d = 16;
const heldOut = { first: 390, end: 400 };
const BUCKET = 1 / 4096;
const EPSILON = 1e-5;

let store: ActivationStore;
let rows: Float32Array[];

beforeAll(async () => {
  const folder = await temporaryFolder();
  await prepare(folder);
  store = await openStore(join(folder, 'store'));
  const { contextLength } = store.manifest;
  rows = [];
  for (let context = heldOut.first; context < heldOut.end; context++) {
    // Position 0 is the BOS, which no dictionary is trained on.
    for (let position = 1; position < contextLength; position++) {
      rows.push(await store.readRows(context * contextLength + position, 1));
    }
  }
  return () => store.close();
});

/** All pre-activations, descending. */
function sortedPreActivations({ size, encoder, encoderBias, centre }: Dictionary): number[] {
  return rows
    .flatMap((x) =>
      Array.from({ length: size }, (_, feature) =>
        x.reduce((sum, value, j) => sum + encoder[feature * d + j]! * (value - centre[j]!), encoderBias[feature]!),
      ),
    )
    .sort((a, b) => b - a);
}

const calibrate = (dictionary: Dictionary, targetL0: number) =>
  calibrateThreshold({ runtime, dictionary, store, heldOut, targetL0 });

/** Firings per token as evaluation counts them. */
async function l0With(dictionary: Dictionary, threshold: number): Promise<number> {
  const calibrated = { ...dictionary, perFeature: { threshold: new Float32Array(dictionary.size).fill(threshold) } };
  return (await evaluateReconstruction({ runtime, dictionary: calibrated, store, heldOut })).l0;
}

describe('calibration', () => {
  it('finds the threshold above which as many features fire as was asked for', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (seed, size, share) => {
          const dictionary = randomDictionary(new Random(seed), 'batchtopk', { d, size });
          const pre = sortedPreActivations(dictionary);
          const positive = pre.filter((value) => value > EPSILON).length;
          const wanted = share * positive;
          const threshold = await calibrate(dictionary, wanted / rows.length);
          const count = pre.filter((value) => value > threshold).length;
          const within = pre.filter((value) => Math.abs(value - threshold) <= threshold * BUCKET + EPSILON).length;
          expect(Math.abs(count - wanted)).toBeLessThanOrEqual(within + 0.5);
          expect(within).toBeLessThan(10 + 0.01 * pre.length); // so that this says something
        },
      ),
      { numRuns: 60 },
    );
  });

  it('gives the L0 that evaluation then counts', async () => {
    const dictionary = randomDictionary(new Random(5), 'batchtopk', { d, size: 60 });
    for (const targetL0 of [1, 4, 11.5]) {
      // One of 150 tokens more or less, by rounding.
      expect(Math.abs((await l0With(dictionary, await calibrate(dictionary, targetL0))) - targetL0)).toBeLessThan(0.02);
    }
  });

  it('is read from all held-out activations, however many: what comes late is unlike what came first', async () => {
    const [contexts, contextLength] = [260, 128];
    const folder = join(await temporaryFolder(), 'store');
    const writer = await openWriter(
      folder,
      describeStore({ width: d, contexts, contextLength, rowsPerShard: 40_000, bosTokenId: null }),
    );
    const random = new Random(9);
    const rows = contexts * contextLength; // 33 280: the first 16 384 are half of them
    await writer.write(
      0,
      Float32Array.from({ length: rows * d }, (_, at) => (at / d < 16_384 ? 1 : 1.3) * random.normal()),
    );
    await writer.finish();
    const long = await openStore(folder);
    const dictionary = randomDictionary(new Random(5), 'batchtopk', { d, size: 60 });
    const options = { runtime, store: long, heldOut: { first: 0, end: contexts } };
    const threshold = await calibrateThreshold({ ...options, dictionary, targetL0: 6 });
    const perFeature = { threshold: new Float32Array(dictionary.size).fill(threshold) };
    const { l0 } = await evaluateReconstruction({ ...options, dictionary: { ...dictionary, perFeature } });
    expect(Math.abs(l0 / 6 - 1)).toBeLessThan(0.002);
    await long.close();
  });

  it('is 0 when more is asked for than is positive', async () => {
    const dictionary = randomDictionary(new Random(5), 'batchtopk', { d, size: 20 });
    expect(await calibrate(dictionary, 20)).toBe(0);
    expect(await calibrate(dictionary, 1e6)).toBe(0);
    const silent = { ...dictionary, encoderBias: new Float32Array(20).fill(-1e6) };
    expect(await calibrate(silent, 4)).toBe(0);
  });

  it.each([1, 0.5, 0.3, 1e-30])('lets all fire or none, whichever is closer, where all are %d', async (value) => {
    const equal = {
      ...randomDictionary(new Random(5), 'batchtopk', { d, size: 20 }),
      encoder: new Float32Array(20 * d),
      encoderBias: new Float32Array(20).fill(value),
    };
    expect(await l0With(equal, await calibrate(equal, 20))).toBe(20);
    expect(await l0With(equal, await calibrate(equal, 15))).toBe(20);
    expect(await l0With(equal, await calibrate(equal, 5))).toBe(0);
  });
});

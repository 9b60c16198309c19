// Thresholds of single topk features against trying every possible one, in double precision, on the same captured activations.
import fc from 'fast-check';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openStore, type ActivationStore } from '../activations/store.ts';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import { temporaryFolder } from '../../testing/models/temporaryFolder.ts';
import { Random } from '../numerics/random.ts';
import type { Dictionary } from './dictionary.ts';
import { disagreementRate, featureThresholds, withThresholds } from './featureThresholds.ts';
import { randomDictionary, referenceActivations } from '../../testing/dictionaries/randomDictionary.ts';
import { prepare } from '../../testing/dictionaries/trainingRun.ts';

const runtime = createCpuRuntime({ threads: 1 });
const d = 16;
const heldOut = { first: 380, end: 400 };

let store: ActivationStore;
/** The held-out activations that choose, and those that are measured on, without BOS. */
let halves: readonly [Float32Array[], Float32Array[]];

beforeAll(async () => {
  const folder = await temporaryFolder();
  await prepare(folder);
  store = await openStore(join(folder, 'store'));
  const { contextLength } = store.manifest;
  const read = async (first: number, end: number) => {
    const rows: Float32Array[] = [];
    for (let context = first; context < end; context++) {
      for (let position = 1; position < contextLength; position++) {
        rows.push(await store.readRows(context * contextLength + position, 1));
      }
    }
    return rows;
  };
  halves = [await read(380, 390), await read(390, 400)];
  return () => store.close();
});

/** What the feature is before the competition, and whether it wins. */
function places(dictionary: Dictionary, feature: number, rows: readonly Float32Array[]) {
  const alone: Dictionary = { ...dictionary, architecture: 'relu', k: null };
  return rows.map((x) => ({
    pre: referenceActivations(alone, x)[feature]!,
    wins: referenceActivations(dictionary, x)[feature]! > 0,
  }));
}

const wrongAt = (all: ReturnType<typeof places>, threshold: number) =>
  all.filter(({ pre, wins }) => pre > 0 && pre > threshold !== wins).length;

describe('the threshold of a topk feature', () => {
  it('is the best there is on one half, and its disagreement is counted on the other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 12 }), async (seed, k) => {
        const dictionary = randomDictionary(new Random(seed), 'topk', { d, size: 24, k });
        const features = [3, 0, 17];
        const found = await featureThresholds({ runtime, dictionary, features, store, heldOut });
        expect(found.map(({ feature }) => feature)).toEqual(features);
        for (const { feature, threshold, ...rates } of found) {
          const chosen = places(dictionary, feature, halves[0]);
          const fewest = Math.min(
            ...[0, ...chosen.map(({ pre }) => pre), Infinity].map((candidate) => wrongAt(chosen, candidate)),
          );
          // Rounding in float32 can turn round a neighbouring pair.
          expect(wrongAt(chosen, threshold)).toBeLessThanOrEqual(fewest + 1);
          const measured = places(dictionary, feature, halves[1]);
          const share = (count: number) => count / measured.length;
          expect(rates.tokens).toBe(measured.length);
          const tolerance = share(1) + 1e-9;
          expect(Math.abs(rates.firingRate - share(measured.filter(({ wins }) => wins).length))).toBeLessThan(
            tolerance,
          );
          expect(
            Math.abs(disagreementRate({ feature, threshold, ...rates }) - share(wrongAt(measured, threshold))),
          ).toBeLessThan(tolerance);
        }
      }),
      // The example: a feature that never wins, whose highest value stands in the text more than once.
      { numRuns: 25, examples: [[2147483629, 1]] },
    );
  });

  it('is used by a view of the dictionary in which each feature depends on its own row, and the others are silent', () => {
    const dictionary = randomDictionary(new Random(5), 'topk', { d, size: 24 });
    const rates = { tokens: 1, firingRate: 0, onlyThreshold: 0, onlyCompetition: 0 };
    const view = withThresholds(dictionary, [{ feature: 3, threshold: 0.25, ...rates }]);
    for (const x of halves[0].slice(0, 20)) {
      const activations = referenceActivations(view, x);
      const [place] = places(dictionary, 3, [x]);
      expect(activations[3]).toBe(place!.pre > 0.25 ? place!.pre : 0);
      expect(activations.filter((value, feature) => feature !== 3 && value !== 0)).toHaveLength(0);
    }
  });

  it('is refused where there is no competition, no such feature, too little text, or another width', async () => {
    const topk = randomDictionary(new Random(1), 'topk', { d, size: 24 });
    const ask = (dictionary: Dictionary, features: number[], range = heldOut) =>
      featureThresholds({ runtime, dictionary, features, store, heldOut: range });
    await expect(ask({ ...topk, architecture: 'relu', k: null }, [1])).rejects.toMatchObject({ code: 'unsupported' });
    await expect(ask(topk, [24])).rejects.toMatchObject({ code: 'usage' });
    await expect(ask(topk, [1], { first: 399, end: 400 })).rejects.toMatchObject({ code: 'empty' });
    const wide = randomDictionary(new Random(1), 'topk', { d: 20, size: 24 });
    await expect(ask(wide, [1])).rejects.toMatchObject({ code: 'mismatch' });
  });
});

import { describe, expect, it } from 'vitest';
import { Random } from '../numerics/random.ts';
import type { Dictionary } from './dictionary.ts';
import { referenceActivations, referenceReconstruction } from '../../testing/dictionaries/randomDictionary.ts';
import { TRAINED_KIND_NAMES } from '../../contract/domain/dictionaryKinds.ts';
import { completeConfig } from './trainingConfig.ts';
import { foldNormalisation } from './foldNormalisation.ts';
import { deadFeatures, initialState, type TrainingState } from './trainingState.ts';

const d = 12;
const size = 40;
const provenance = { site: 'blocks.0.hook_resid_post', modelHash: 'a'.repeat(64) };

const config = completeConfig({ architecture: 'topk', d, size, k: 4, batchSize: 8, steps: 100, seed: 3 });

function norms(rows: Float32Array): number[] {
  return Array.from({ length: rows.length / d }, (_, row) => Math.hypot(...rows.subarray(row * d, (row + 1) * d)));
}

/** A state as training leaves one, on activations far from the origin. */
function trainedState(): TrainingState {
  const random = new Random(5);
  const normals = (count: number, scale: number) => Float32Array.from({ length: count }, () => scale * random.normal());
  const state = initialState(config, { mean: normals(d, 20), scale: 0.037 });
  state.features.W_enc.value.set(normals(size * d, 1));
  state.features.b_enc.value.set(normals(size, 0.3));
  state.decoderBias.value.set(normals(d, 0.3));
  return state;
}

describe('the initial state', () => {
  const state = initialState(config, { mean: new Float32Array(d), scale: 1 });

  it('has decoder rows of unit norm in all directions, and encoder rows equal to them', () => {
    for (const norm of norms(state.features.W_dec.value)) expect(Math.abs(norm - 1)).toBeLessThan(1e-6);
    expect(state.features.W_enc.value).toEqual(state.features.W_dec.value);
    expect(state.features.W_enc.value).not.toBe(state.features.W_dec.value);
    const mean = Array.from({ length: d }, (_, j) =>
      Array.from({ length: size }, (_, feature) => state.features.W_dec.value[feature * d + j]!).reduce(
        (a, b) => a + b,
        0,
      ),
    );
    // A sum of 40 unit vectors in random directions is about √40 long.
    expect(Math.hypot(...mean)).toBeLessThan(2 * Math.sqrt(size));
  });

  it('depends on the seed alone', () => {
    const again = initialState(config, { mean: new Float32Array(d), scale: 1 });
    expect(again).toEqual(state);
    const other = initialState({ ...config, seed: 4 }, { mean: new Float32Array(d), scale: 1 });
    expect(other.features.W_dec.value).not.toEqual(state.features.W_dec.value);
  });

  it('knows no moments yet, and no dead features', () => {
    const { features, decoderBias, lastUpdate, weight1, weight2, lastFired } = state;
    const zero = [decoderBias.value, decoderBias.mean, decoderBias.square, lastUpdate, weight1, weight2, lastFired];
    for (const { mean, square } of Object.values(features)) zero.push(mean, square);
    for (const array of [...zero, features.b_enc.value]) expect(array.every((value) => value === 0)).toBe(true);
    expect(deadFeatures(state, config)).toHaveLength(0);
  });
});

it('features are dead once they have not fired for so many tokens', () => {
  const state = initialState(config, { mean: new Float32Array(d), scale: 1 });
  state.tokens = 1000;
  state.lastFired.fill(1000);
  state.lastFired.set([899, 900, 901], 5);
  expect([...deadFeatures(state, { ...config, deadAfterTokens: 100 })]).toEqual([5, 6]);
});

// Tolerance 1e-6 of the largest number that goes in: biases are rounded to float32 once more when they are folded.
describe.each(TRAINED_KIND_NAMES)('folding the normalisation into a %s dictionary', (architecture) => {
  const state = Object.assign(trainedState(), { threshold: 0.7 });
  const { mean, scale } = state.normalisation;
  const threshold = architecture === 'batchtopk' ? state.threshold : null;
  const folded = foldNormalisation({ ...config, architecture }, state, provenance);

  /** The same parameters, for activations that are already normalised. */
  const normalised: Dictionary = {
    ...folded,
    encoder: state.features.W_enc.value,
    encoderBias: state.features.b_enc.value,
    decoder: state.features.W_dec.value,
    decoderBias: state.decoderBias.value,
    centre: new Float32Array(d),
    perFeature: threshold === null ? {} : { threshold: new Float32Array(size).fill(threshold) },
  };

  it('changes the units and not what it computes', () => {
    const random = new Random(6);
    let firings = 0;
    for (let token = 0; token < 50; token++) {
      const x = Float64Array.from(mean, (value) => value + (2 * random.normal()) / scale);
      const expected = referenceActivations(normalised, normalise(x));
      const activations = referenceActivations(folded, x);
      const largest = Math.max(...expected, 1);
      for (let feature = 0; feature < size; feature++) {
        expect(activations[feature]! > 0).toBe(expected[feature]! > 0);
        expect(Math.abs(activations[feature]! * scale - expected[feature]!)).toBeLessThan(1e-6 * largest);
        firings += expected[feature]! > 0 ? 1 : 0;
      }
      const reconstruction = referenceReconstruction(folded, x);
      const wanted = referenceReconstruction(normalised, normalise(x)).map((value, j) => value / scale + mean[j]!);
      const size1 = Math.hypot(...wanted);
      for (let j = 0; j < d; j++) expect(Math.abs(reconstruction[j]! - wanted[j]!)).toBeLessThan(1e-6 * size1);
    }
    expect(firings).toBeGreaterThan(100);
  });

  it('leaves decoder rows of unit norm, and shares no array with the state', () => {
    for (const norm of norms(folded.decoder)) expect(Math.abs(norm - 1)).toBeLessThan(1e-6);
    const before = state.features.W_dec.value[0]!;
    folded.decoder[0] = 5;
    expect(state.features.W_dec.value[0]).toBe(before);
    folded.decoder[0] = before;
  });

  it('says what it is', () => {
    expect(folded).toMatchObject({ architecture, d, size, k: architecture === 'topk' ? 4 : null, ...provenance });
  });

  function normalise(x: Float64Array): Float64Array {
    return x.map((value, j) => (value - mean[j]!) * scale);
  }
});

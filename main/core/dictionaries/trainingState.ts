// Everything a training run has learned so far: parameters and Adam's moments, in the space of the normalised
// activations x' = (x − mean)·scale. A checkpoint is exactly these arrays.
import { Random } from '../numerics/random.ts';
import type { TrainingConfig } from './trainingConfig.ts';

/** Arrays `[size, width]` with one row per feature, updated in rows. */
export const FEATURE_PARAMETERS = ['W_enc', 'b_enc', 'W_dec'] as const;
export type FeatureParameter = (typeof FEATURE_PARAMETERS)[number];

export interface ParameterState {
  readonly width: number;
  /** `[size, width]` */
  readonly value: Float32Array;
  /** First moment, `[size, width]`. */
  readonly mean: Float32Array;
  /** Second moment, `[size]`: one per row. */
  readonly square: Float32Array;
}

export interface Normalisation {
  /** `[d]` */
  readonly mean: Float32Array;
  readonly scale: number;
}

export interface TrainingState {
  readonly normalisation: Normalisation;
  readonly features: Readonly<Record<FeatureParameter, ParameterState>>;
  /** b_dec `[d]` and its moments, elementwise. */
  readonly decoderBias: { readonly value: Float32Array; readonly mean: Float32Array; readonly square: Float32Array };
  /** `[size]`: the step that last gave the feature a gradient; 0 before the first. */
  readonly lastUpdate: Int32Array;
  /** `[size]` each: the sums of the weights in the feature's first and second moment (what Adam calls 1 − β^t). */
  readonly weight1: Float64Array;
  readonly weight2: Float64Array;
  /** `[size]`: tokens seen when the feature last fired. */
  readonly lastFired: Float64Array;
  /** Steps done and tokens seen. */
  step: number;
  tokens: number;
  /** In kinds that keep the largest of a batch: running estimate of the smallest that is kept; 0 before the first step. */
  threshold: number;
}

/**
 * Decoder rows drawn on the unit sphere, encoder rows equal to them (Gao et al. 2024), biases zero.
 */
export function initialState(config: TrainingConfig, normalisation: Normalisation): TrainingState {
  const { d, size } = config;
  const random = new Random(config.seed);
  const decoder = new Float32Array(size * d);
  for (let feature = 0; feature < size; feature++) {
    let sum = 0;
    for (let j = 0; j < d; j++) {
      const value = random.normal();
      decoder[feature * d + j] = value;
      sum += value * value;
    }
    const norm = Math.sqrt(sum);
    for (let j = 0; j < d; j++) decoder[feature * d + j]! /= norm;
  }
  const parameter = (width: number, value: Float32Array): ParameterState => ({
    width,
    value,
    mean: new Float32Array(size * width),
    square: new Float32Array(size),
  });
  return {
    normalisation,
    features: {
      W_enc: parameter(d, decoder.slice()),
      b_enc: parameter(1, new Float32Array(size)),
      W_dec: parameter(d, decoder),
    },
    decoderBias: { value: new Float32Array(d), mean: new Float32Array(d), square: new Float32Array(d) },
    lastUpdate: new Int32Array(size),
    weight1: new Float64Array(size),
    weight2: new Float64Array(size),
    lastFired: new Float64Array(size),
    step: 0,
    tokens: 0,
    threshold: 0,
  };
}

/** Features that have not fired for `deadAfterTokens` tokens. */
export function deadFeatures(state: TrainingState, { deadAfterTokens }: TrainingConfig): Int32Array {
  const dead: number[] = [];
  for (let feature = 0; feature < state.lastFired.length; feature++) {
    if (state.tokens - (state.lastFired[feature] as number) >= deadAfterTokens) dead.push(feature);
  }
  return Int32Array.from(dead);
}

// A training small enough to follow number by number, for tests that compare two ways of doing the same steps.
import { Random } from '../../core/numerics/random.ts';
import { completeConfig, type TrainingConfig } from '../../core/dictionaries/trainingConfig.ts';
import { FEATURE_PARAMETERS, initialState, type TrainingState } from '../../core/dictionaries/trainingState.ts';

export const [D, SIZE, BATCH] = [10, 36, 48];

export function configOf(overrides: Partial<TrainingConfig>): TrainingConfig {
  return completeConfig({
    architecture: 'topk',
    d: D,
    size: SIZE,
    k: 4,
    batchSize: BATCH,
    steps: 50,
    auxK: 3,
    ...overrides,
  });
}

/** Some features can hardly ever fire, so that they die. */
export function freshState(config: TrainingConfig): TrainingState {
  const state = initialState(config, { mean: Float32Array.from({ length: D }, (_, j) => j / 5), scale: 0.3 });
  const random = new Random(5);
  for (const name of ['W_enc', 'b_enc'] as const) {
    state.features[name].value.forEach((value, at, array) => (array[at] = value + 0.05 * random.normal()));
  }
  for (const feature of [2, 3, 5, 7, 11]) state.features.b_enc.value[feature] = -0.6;
  return state;
}

export function batchOf(random: Random): Float32Array {
  return Float32Array.from({ length: BATCH * D }, (_, at) => (at % D) / 5 + random.normal());
}

/** Largest difference of any array of two states. */
export function distance(a: TrainingState, b: TrainingState): number {
  const arrays = (state: TrainingState) => [
    ...FEATURE_PARAMETERS.flatMap((name) => [
      state.features[name].value,
      state.features[name].mean,
      state.features[name].square,
    ]),
    state.decoderBias.value,
    state.weight1,
    state.weight2,
    state.lastUpdate,
    state.lastFired,
  ];
  const others = arrays(b);
  let largest = 0;
  for (const [which, array] of arrays(a).entries()) {
    const other = others[which] as ArrayLike<number>;
    for (let at = 0; at < array.length; at++) {
      largest = Math.max(largest, Math.abs((array[at] as number) - (other[at] as number)));
    }
  }
  return largest;
}

import { describe, expect, it } from 'vitest';
import { createOrtRuntime } from '../engine/ortRuntime.ts';
import { Random } from '../numerics/random.ts';
import { createBlockStep } from './blockStep.ts';
import { createResidentStep } from './residentStep.ts';
import { completeConfig, type TrainingConfig } from './trainingConfig.ts';
import { FEATURE_PARAMETERS, initialState, type TrainingState } from './trainingState.ts';

const [D, SIZE, BATCH] = [10, 36, 48];

function configOf(overrides: Partial<TrainingConfig>): TrainingConfig {
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

function freshState(config: TrainingConfig): TrainingState {
  const state = initialState(config, { mean: Float32Array.from({ length: D }, (_, j) => j / 5), scale: 0.3 });
  const random = new Random(5);
  for (const name of ['W_enc', 'b_enc'] as const) {
    state.features[name].value.forEach((value, at, array) => (array[at] = value + 0.05 * random.normal()));
  }
  for (const feature of [2, 3, 5, 7, 11]) state.features.b_enc.value[feature] = -0.6;
  return state;
}

function batchOf(random: Random): Float32Array {
  return Float32Array.from({ length: BATCH * D }, (_, at) => (at % D) / 5 + random.normal());
}

/** Largest difference of any array of two states. */
function distance(a: TrainingState, b: TrainingState): number {
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

// With one thread ONNX Runtime's CPU kernel adds right, so the very graph that runs on a GPU is checked here; on WebGPU
// itself it is checked by e2e/webgpu.
describe('the resident step', () => {
  for (const architecture of ['topk', 'batchtopk'] as const) {
    it(`of ${architecture} does what the block step does, AuxK included`, async () => {
      const config = configOf({ architecture, deadAfterTokens: 2 * BATCH });
      const runtime = createOrtRuntime('cpu', { threads: 1 });
      const expected = freshState(config);
      const block = await createBlockStep(runtime, config, expected);
      const resident = await createResidentStep(runtime, config, freshState(config));
      const random = new Random(9);
      let dead = 0;
      for (let count = 1; count <= 8; count++) {
        const batch = batchOf(random);
        const [one, other] = [await block.step(batch, 0.01), await resident.step(batch, 0.01)];
        expect(other.loss).toBeCloseTo(one.loss, 4);
        expect(other.l0).toBe(one.l0);
        expect(other.deadFraction).toBeCloseTo(one.deadFraction, 12);
        dead += one.deadFraction;
        // Two float32 computations of the same steps, in different orders.
        expect(distance(await resident.state(), expected)).toBeLessThan(2e-5 * count);
      }
      expect(dead).toBeGreaterThan(0);
      await block.release();
      await resident.release();
    });
  }

  it('continues from a state that was read back', async () => {
    const config = configOf({ deadAfterTokens: BATCH });
    const runtime = createOrtRuntime('cpu', { threads: 1 });
    const batches = Array.from({ length: 6 }, (_, seed) => batchOf(new Random(seed)));
    const whole = await createResidentStep(runtime, config, freshState(config));
    for (const batch of batches) await whole.step(batch, 0.01);
    const first = await createResidentStep(runtime, config, freshState(config));
    for (const batch of batches.slice(0, 3)) await first.step(batch, 0.01);
    const second = await createResidentStep(runtime, config, await first.state());
    for (const batch of batches.slice(3)) await second.step(batch, 0.01);
    expect(distance(await second.state(), await whole.state())).toBeLessThan(1e-6);
  });

  it('splits a batch whose gathered rows are too large into chunks', async () => {
    const config = completeConfig({
      architecture: 'topk',
      d: 512,
      size: 64,
      k: 32,
      batchSize: 1200,
      steps: 5,
      auxK: 0,
    });
    const runtime = createOrtRuntime('cpu', { threads: 1 });
    const normalisation = { mean: new Float32Array(512), scale: 0.05 };
    const [expected, actual] = [initialState(config, normalisation), initialState(config, normalisation)];
    const random = new Random(2);
    const batch = Float32Array.from({ length: 1200 * 512 }, () => random.normal());
    const block = await createBlockStep(runtime, config, expected);
    const resident = await createResidentStep(runtime, config, actual);
    await block.step(batch, 0.01);
    await resident.step(batch, 0.01);
    expect(distance(await resident.state(), expected)).toBeLessThan(2e-5);
  });
});

import { describe, expect, it } from 'vitest';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import { Random } from '../numerics/random.ts';
import { createBlockStep } from './blockStep.ts';
import { createResidentStep } from './residentStep.ts';
import { BATCH, batchOf, configOf, distance, freshState } from '../../testing/dictionaries/tinySteps.ts';
import { completeConfig } from './trainingConfig.ts';
import { initialState } from './trainingState.ts';

// With one thread ONNX Runtime's CPU kernel adds right, so the very graph that runs on a GPU is checked here; on WebGPU
// itself it is checked by webgpu.test.ts.
describe('the resident step', () => {
  for (const architecture of ['topk', 'batchtopk'] as const) {
    it(`of ${architecture} does what the block step does, AuxK included`, async () => {
      const config = configOf({ architecture, deadAfterTokens: 2 * BATCH });
      const runtime = createCpuRuntime({ threads: 1 });
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
    const runtime = createCpuRuntime({ threads: 1 });
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
    const runtime = createCpuRuntime({ threads: 1 });
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

// The training step on the WebGPU provider under a software driver: slow, but a real adapter. Correctness only.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createOrtRuntime } from './ortRuntime.ts';
import { createCpuRuntime } from '../core/onnx/cpuRuntime.ts';
import type { Placement } from './placement.ts';
import { Random } from '../core/numerics/random.ts';
import { createBlockStep } from '../core/dictionaries/blockStep.ts';
import { createTrainingStep } from '../core/dictionaries/createTrainingStep.ts';
import { missingForSoftwareWebGpu, SOFTWARE_DRIVER } from '../testing/engine/softwareWebGpu.ts';
import { BATCH, batchOf, configOf, distance, freshState } from '../testing/dictionaries/tinySteps.ts';

const missing = missingForSoftwareWebGpu();
if (missing !== null) console.log(`skipped: training on WebGPU, for want of ${missing}`);

describe.skipIf(missing !== null)('training on WebGPU', () => {
  beforeAll(() => vi.stubEnv('VK_ICD_FILENAMES', SOFTWARE_DRIVER));
  afterAll(() => vi.unstubAllEnvs());

  it.each(['topk', 'batchtopk'] as const)(
    'of %s does what it does on the CPU, AuxK included, and nothing of it leaves the device',
    async (architecture) => {
      const config = configOf({ architecture, deadAfterTokens: 2 * BATCH });
      const placements: Placement[] = [];
      const gpu = createOrtRuntime('webgpu', { onPlacement: (placement) => placements.push(placement) });
      const expected = freshState(config);
      const onCpu = await createBlockStep(createCpuRuntime({ threads: 1 }), config, expected);
      const onGpu = await createTrainingStep(gpu, config, freshState(config));
      const random = new Random(9);
      for (let count = 1; count <= 5; count++) {
        const batch = batchOf(random);
        const [one, other] = [await onCpu.step(batch, 0.01), await onGpu.step(batch, 0.01)];
        expect(other.loss).toBeCloseTo(one.loss, 4);
        expect(other).toMatchObject({ l0: one.l0 });
        // Two float32 computations of the same steps, in different orders.
        expect(distance(await onGpu.state(), expected)).toBeLessThan(2e-5 * count);
      }
      expect(placements.length).toBeGreaterThan(1);
      for (const placement of placements) expect(Object.keys(placement)).toEqual(['WebGpuExecutionProvider']);
      await onCpu.release();
      await onGpu.release();
    },
  );
});

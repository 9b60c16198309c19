import { describe, expect, it } from 'vitest';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import { measureStepTime } from './stepTime.ts';

describe('the time of a step', () => {
  it('is measured for every architecture, also of one that is too large to be tried whole', async () => {
    const runtime = createCpuRuntime();
    const small = { d: 16, size: 64, k: 4, batchSize: 32 };
    for (const architecture of ['topk', 'batchtopk'] as const) {
      const seconds = await measureStepTime(runtime, { architecture, ...small });
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThan(60);
    }
    // 2^22 features by 4 096 tokens would take 64 GiB: as many are tried as take a moment, the rest is told from them.
    const large = { architecture: 'topk', ...small, batchSize: 4096, size: 2 ** 22 } as const;
    expect(await measureStepTime(runtime, large)).toBeGreaterThan(1);
  });
});

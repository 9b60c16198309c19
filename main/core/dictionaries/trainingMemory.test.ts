// The prediction against the arrays that are really made; against a whole run it is measured by bench/memory.ts.
import { describe, expect, it } from 'vitest';
import { completeConfig } from './trainingConfig.ts';
import { predictMemory } from './trainingMemory.ts';
import { initialState } from './trainingState.ts';

const config = completeConfig({ architecture: 'topk', d: 48, size: 300, k: 8, batchSize: 64, steps: 100 });

function bytesIn(value: unknown): number {
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>((sum, member) => sum + bytesIn(member), 0);
}

describe('the predicted memory', () => {
  it('of parameters and moments is that of their arrays', () => {
    const state = initialState(config, { mean: new Float32Array(config.d), scale: 1 });
    expect(predictMemory(config, 0).state).toBe(bytesIn(state));
  });

  it('of a step holds the batch, its pre-activations and its codes', () => {
    const { step } = predictMemory({ ...config, batchSize: 4096, size: 16384 }, 0);
    expect(step).toBeGreaterThan(4 * 4096 * (16384 + config.d));
    const wider = predictMemory({ ...config, batchSize: 4096, size: 32768 }, 0);
    expect(wider.step - step).toBe(4 * 4096 * 16384);
  });

  it('is the sum of its parts', () => {
    const { total, ...parts } = predictMemory(config, 256 << 20);
    expect(parts.buffer).toBe(256 << 20);
    expect(total).toBe(Object.values(parts).reduce((sum, part) => sum + part, 0));
  });
});

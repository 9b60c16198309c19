// Runs a variant of a model once on the CPU. Only tests import this file.
import { Tensor } from 'onnxruntime-common';
import { expect } from 'vitest';
import { createCpuRuntime } from '../../core/onnx/cpuRuntime.ts';
import type { Model } from '../../core/models/model.ts';
import { buildVariant, type VariantOptions } from '../../core/models/variant.ts';

export const runtime = createCpuRuntime({ threads: 1 });

export async function runVariant(
  model: Model,
  variant: VariantOptions,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Readonly<Record<string, Tensor>>> {
  const session = await runtime.createSession(buildVariant(model, variant), { weightsFolder: model.weightsFolder });
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

/** int64 `[rows, length]` of rows of equal length. */
export function tokens(...rows: readonly (readonly number[])[]): Tensor {
  return new Tensor('int64', BigInt64Array.from(rows.flat(), BigInt), [rows.length, rows[0]!.length]);
}

export function floats(tensor: Tensor | undefined): Float32Array {
  if (!(tensor?.data instanceof Float32Array)) throw new Error('Not a float32 tensor.');
  return tensor.data;
}

/** max |actual − expected| ≤ tolerance. */
export function expectClose(actual: Float32Array, expected: ArrayLike<number>, tolerance: number, what: string): void {
  expect(actual.length, what).toBe(expected.length);
  let worst = 0;
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (!(difference <= worst)) worst = difference;
  }
  expect(worst, what).toBeLessThanOrEqual(tolerance);
}

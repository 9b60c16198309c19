// How much memory a training run will take, told before it starts.
import type { MemoryPrediction } from '../../contract/domain/trainingMemory.ts';
import type { TrainingConfig } from './trainingConfig.ts';

/** Of what a step gathers and computes in blocks, an upper bound; engine and program are not counted. */
const BLOCK_BYTES = 48 << 20;

/** A sample of activations and its reader before the first step, blocks of feature activations after the last. */
const PASSING_BYTES = 160 << 20;

/** @param bufferBytes of the reader; for a store smaller than that, its size. */
export function predictMemory({ d, size, k, batchSize, auxK }: TrainingConfig, bufferBytes: number): MemoryPrediction {
  const float = 4;
  // Value and first moment per element, the second moment and the bookkeeping per row.
  const state = float * (2 * 2 * size * d + 2 * size + 3 * size + 4 * d) + size * (4 + 3 * 8);
  const pre = float * batchSize * size;
  const rows = float * batchSize * d * 6;
  const codes = batchSize * (k + auxK) * 96;
  const step = pre + rows + codes + BLOCK_BYTES;
  const total = state + step + bufferBytes + PASSING_BYTES;
  return { state, step, buffer: bufferBytes, passing: PASSING_BYTES, total };
}

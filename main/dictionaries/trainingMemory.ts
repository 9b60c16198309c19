// How much memory a training run will take, told before it starts.
import type { TrainingConfig } from './trainingConfig.ts';

export interface MemoryPrediction {
  /** Parameters and moments, in bytes. */
  readonly state: number;
  /** Buffers of one step: the batch, pre-activations, sparse codes, blocks. */
  readonly step: number;
  /** The reader's shuffling buffer. */
  readonly buffer: number;
  readonly total: number;
}

/** Of what a step gathers and computes in blocks, an upper bound; engine and program are not counted. */
const BLOCK_BYTES = 48 << 20;

export function predictMemory({ d, size, k, batchSize, auxK }: TrainingConfig, bufferBytes: number): MemoryPrediction {
  const float = 4;
  // Value and first moment per element, the second moment and the bookkeeping per row.
  const state = float * (2 * 2 * size * d + 2 * size + 3 * size + 3 * d) + size * (4 + 3 * 8);
  const pre = float * batchSize * size;
  const rows = float * batchSize * d * 6;
  const codes = batchSize * (k + auxK) * 48;
  const step = pre + rows + codes + BLOCK_BYTES;
  return { state, step, buffer: bufferBytes, total: state + step + bufferBytes };
}

// How much memory a training run will take, told before it starts.
import type { TrainingConfig } from './trainingConfig.ts';

export interface MemoryPrediction {
  /** Parameters and moments, in bytes. */
  readonly state: number;
  /** Buffers of one step: the batch, pre-activations, sparse codes, blocks. */
  readonly step: number;
  /** The reader's shuffling buffer. */
  readonly buffer: number;
  /** What normalisation and evaluation need for a time. */
  readonly passing: number;
  readonly total: number;
}

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

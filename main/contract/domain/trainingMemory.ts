// How much memory a training run will take. How it is predicted stands in main/core/dictionaries/trainingMemory.ts.
import * as v from 'valibot';
import type { DataOf } from '../base/data.ts';

/** In bytes. */
export const memoryPredictionSchema = v.object({
  /** Parameters and moments. */
  state: v.number(),
  /** Buffers of one step: the batch, pre-activations, sparse codes, blocks. */
  step: v.number(),
  /** The reader's shuffling buffer. */
  buffer: v.number(),
  /** What normalisation and evaluation need for a time. */
  passing: v.number(),
  total: v.number(),
});
export type MemoryPrediction = DataOf<typeof memoryPredictionSchema>;

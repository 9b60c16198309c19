// How many features fire how often. How it is counted stands in main/core/dictionaries/firingHistogram.ts.
import * as v from 'valibot';
import type { DataOf } from '../base/data.ts';

export const firingHistogramSchema = v.object({
  /** Powers of ten, rising: bin i is [10^edges[i], 10^edges[i+1]), the last one closed. */
  edges: v.array(v.number()),
  counts: v.array(v.number()),
  /** Features that fired on no token of the sample. */
  never: v.number(),
  /** Size of the sample. */
  tokens: v.number(),
});
export type FiringHistogram = DataOf<typeof firingHistogramSchema>;

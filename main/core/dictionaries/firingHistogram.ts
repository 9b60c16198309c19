// How many features fire how often, on a logarithmic scale: half-decades from one in the sample to always.

import type { FiringHistogram } from '../../contract/domain/firingHistogram.ts';

const BINS_PER_DECADE = 4;

/** @param rates share of `tokens` on which each feature fires, 0 to 1. */
export function firingHistogram(rates: ArrayLike<number>, tokens: number): FiringHistogram {
  const decades = Math.max(1, Math.ceil(Math.log10(Math.max(10, tokens))));
  const bins = decades * BINS_PER_DECADE;
  const counts = new Array<number>(bins).fill(0);
  let never = 0;
  for (let feature = 0; feature < rates.length; feature++) {
    const rate = rates[feature] ?? 0;
    if (!(rate > 0)) {
      never += 1;
      continue;
    }
    const bin = Math.floor((Math.log10(rate) + decades) * BINS_PER_DECADE);
    const place = Math.min(bins - 1, Math.max(0, bin));
    counts[place] = (counts[place] ?? 0) + 1;
  }
  const edges = Array.from({ length: bins + 1 }, (_, index) => index / BINS_PER_DECADE - decades);
  return { edges, counts, never, tokens };
}

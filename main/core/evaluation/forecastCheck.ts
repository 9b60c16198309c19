// How good a forecast was: rank correlation of what was forecast with the blast radius that was measured, over all features
// of the dictionary but the edited ones, beside that of the plain quantities a person would look at.
import type { Estimate } from '../../contract/domain/estimate.ts';
import type { CheckedForecast } from '../../contract/domain/forecast.ts';
import type { WholeForecast } from './forecast.ts';
import { Z95 } from './intervals.ts';

const TOP = 20;

/** @param rateChanges `[features]`, measured. */
export function checkForecast(
  { forecast, changes, cosines, cofiring, rates, edited }: WholeForecast,
  rateChanges: ArrayLike<number>,
): CheckedForecast {
  const others = Array.from(changes.keys()).filter((feature) => !edited.has(feature));
  const measured = others.map((feature) => Math.abs(rateChanges[feature]!));
  const against = (values: ArrayLike<number>) =>
    rankCorrelation(
      others.map((feature) => Math.abs(values[feature]!)),
      measured,
    );
  const moved = others.filter((feature) => rateChanges[feature] !== 0);
  const of = Math.min(TOP, moved.length);
  const largest = (values: ArrayLike<number>) =>
    new Set([...others].sort((a, b) => Math.abs(values[b]!) - Math.abs(values[a]!) || a - b).slice(0, of));
  const [said, was] = [largest(changes), largest(rateChanges)];
  return {
    ...forecast,
    correlations: {
      forecast: against(changes),
      decoderCosine: against(cosines),
      cofiring: against(cofiring),
      firingRate: against(rates),
    },
    found: {
      hits: [...said].filter((feature) => was.has(feature)).length,
      of,
      byChance: others.length === 0 ? 0 : of ** 2 / others.length,
    },
  };
}

/**
 * Spearman's ρ, ties by their mean rank; the 95% interval by Fisher's z with the standard error √((1 + ρ²/2) / (n − 3)) of
 * Bonett and Wright (2000).
 * @returns null for fewer than four pairs, or when one side does not vary.
 */
export function rankCorrelation(one: readonly number[], other: readonly number[]): Estimate | null {
  const n = one.length;
  if (n < 4) return null;
  const value = correlation(ranks(one), ranks(other));
  if (value === null) return null;
  const z = Math.atanh(Math.min(Math.max(value, -1 + 1e-12), 1 - 1e-12));
  const half = Z95 * Math.sqrt((1 + value ** 2 / 2) / (n - 3));
  return { value, low: Math.tanh(z - half), high: Math.tanh(z + half), n };
}

function ranks(values: readonly number[]): Float64Array {
  const order = [...values.keys()].sort((a, b) => values[a]! - values[b]!);
  const result = new Float64Array(values.length);
  for (let first = 0; first < order.length;) {
    let last = first;
    while (last + 1 < order.length && values[order[last + 1]!] === values[order[first]!]) last++;
    for (let at = first; at <= last; at++) result[order[at]!] = (first + last) / 2;
    first = last + 1;
  }
  return result;
}

/** Pearson's; null when one side does not vary. */
function correlation(one: Float64Array, other: Float64Array): number | null {
  const mean = (one.length - 1) / 2; // of ranks, ties or not
  let [both, first, second] = [0, 0, 0];
  for (let at = 0; at < one.length; at++) {
    const [a, b] = [one[at]! - mean, other[at]! - mean];
    both += a * b;
    first += a * a;
    second += b * b;
  }
  return first === 0 || second === 0 ? null : both / Math.sqrt(first * second);
}

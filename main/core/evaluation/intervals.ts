// 95% intervals of what an evaluation estimates. Everything is deterministic: a seed gives the same interval on every machine.
//
// - A rate (so many of n passed): Wilson's score interval. It never leaves [0, 1], keeps its coverage at 0 and n of n, where
//   a bootstrap gives an interval of width zero, and at 0 of n its upper bound is about 3.7/n, near the rule of three.
// - A difference of two rates on the same cases: Newcombe's square-and-add interval for paired proportions (1998, method 10),
//   made of the two Wilson intervals and the correlation of the pairs. Again no width of zero where nothing changed: no
//   change in 280 cases does not prove that there is none in the next.
// - Means, their differences, and ratios such as nats per token: the paired bootstrap, which draws whole units (cases,
//   contexts) again with replacement, before and after together; its BCa form (Efron 1987), which corrects bias and skew.
//   Tokens of one context depend on each other; contexts do not. Where all units are equal, what the bootstrap gives, [0, 0],
//   is no interval: by the rule of three some of those not seen may differ, and where nothing bounds by how much, there is none.
//
// A difference is called significant when 0 lies outside of its interval, and never otherwise.
import { mostUnseen } from '../../contract/domain/acted.ts';
import type { Estimate } from '../../contract/domain/estimate.ts';
import { AppError } from '../../contract/base/errors.ts';
import { Random } from '../numerics/random.ts';

/** What a unit's value can be at the least and at the most. */
export type Range = readonly [least: number, most: number];

/** 97.5% of the standard normal distribution. */
export const Z95 = 1.959963984540054;
const RESAMPLES = 2000;

/** Wilson's score interval. @param z other than for 95%. */
export function rateEstimate(passed: number, n: number, z = Z95): Estimate {
  if (!Number.isInteger(passed) || !Number.isInteger(n) || n < 1 || passed < 0 || passed > n) {
    throw new AppError('internal', `${passed} of ${n} is not a rate.`);
  }
  const rate = passed / n;
  const centre = (rate + z ** 2 / (2 * n)) / (1 + z ** 2 / n);
  const half = (z / (1 + z ** 2 / n)) * Math.sqrt((rate * (1 - rate)) / n + z ** 2 / (4 * n ** 2));
  // At 0 and n of n the bound is exact, up to the rounding of the formula.
  return { value: rate, low: passed === 0 ? 0 : centre - half, high: passed === n ? 1 : centre + half, n };
}

/** Rate after − rate before, case by case. @throws AppError `internal` when the two are not of the same cases. */
export function rateDifference(before: readonly boolean[], after: readonly boolean[]): Estimate {
  const n = pairs(before, after);
  let [both, onlyBefore, onlyAfter] = [0, 0, 0];
  for (const [index, was] of before.entries()) {
    if (was && after[index]) both++;
    else if (was) onlyBefore++;
    else if (after[index]) onlyAfter++;
  }
  const neither = n - both - onlyBefore - onlyAfter;
  const [one, two] = [rateEstimate(both + onlyAfter, n), rateEstimate(both + onlyBefore, n)];
  const product = both * neither - onlyBefore * onlyAfter;
  const margins = (both + onlyAfter) * (onlyBefore + neither) * (both + onlyBefore) * (onlyAfter + neither);
  // With his correction of the correlation: it is made smaller where it is positive.
  const corrected = product > n / 2 ? product - n / 2 : product >= 0 ? 0 : product;
  const phi = margins === 0 ? 0 : corrected / Math.sqrt(margins);
  const bound = (a: number, b: number) => Math.sqrt(Math.max(0, a ** 2 - 2 * phi * a * b + b ** 2));
  const value = one.value - two.value;
  return {
    value,
    low: Math.max(-1, value - bound(one.value - one.low, two.high - two.value)),
    high: Math.min(1, value + bound(one.high - one.value, two.value - two.low)),
    n,
  };
}

/** Mean of the values, by the bootstrap. */
export function meanEstimate(values: readonly number[], seed: number, range?: Range): Estimate {
  return bootstrap(values, ones(values.length), 0, seed, range);
}

/** Mean of after − before, pair by pair. */
export function meanDifference(
  before: readonly number[],
  after: readonly number[],
  seed: number,
  range?: Range,
): Estimate {
  pairs(before, after);
  return meanEstimate(
    after.map((value, index) => value - (before[index] ?? NaN)),
    seed,
    range,
  );
}

/** Σ values / Σ weights: nats of a context by its number of tokens. */
export function ratioEstimate(
  values: readonly number[],
  weights: readonly number[],
  seed: number,
  range?: Range,
): Estimate {
  pairs(values, weights);
  return bootstrap(values, weights, 0, seed, range);
}

/** Σ after / Σ before − 1: by how much a total grew, as a share of what it was. */
export function relativeDifference(
  before: readonly number[],
  after: readonly number[],
  seed: number,
  range?: Range,
): Estimate {
  pairs(before, after);
  return bootstrap(after, before, -1, seed, range);
}

/** Whether the interval of a difference leaves out 0. */
export function isSignificant({ low, high, noInterval }: Estimate): boolean {
  return noInterval === undefined && (low > 0 || high < 0);
}

function ones(n: number): readonly number[] {
  return new Array<number>(n).fill(1);
}

/**
 * The BCa bootstrap of Σ cᵢ·aboveᵢ / Σ cᵢ·belowᵢ + offset, cᵢ being how often unit i is in the sample. Data in and no
 * function: with the statistic as a closure, in two of twenty runs under Node 24.21 one interval got another's bounds, while
 * its value was right. Without it, in none of fifty. The cause seems to lie in V8; it was not found.
 */
function bootstrap(
  above: readonly number[],
  below: readonly number[],
  offset: number,
  seed: number,
  range?: Range,
): Estimate {
  const n = above.length;
  if (n === 0) throw new AppError('empty', 'There is nothing to make an interval of.');
  const counts = new Float64Array(n).fill(1);
  const value = weightedRatio(counts, above, below) + offset;
  if (!Number.isFinite(value)) throw new AppError('internal', 'A figure to make an interval of is not finite.');
  if (n === 1) return { value, low: value, high: value, n, noInterval: 'one' };
  if (areProportional(above, below)) return ofConstants(value, n, range);
  const replicates = new Float64Array(RESAMPLES);
  const random = new Random(seed);
  for (let resample = 0; resample < RESAMPLES; resample++) {
    counts.fill(0);
    for (let drawn = 0; drawn < n; drawn++) counts[random.below(n)]! += 1;
    replicates[resample] = weightedRatio(counts, above, below) + offset;
  }
  replicates.sort();
  const [low, high] = bcaShares(replicates, value, jackknife(above, below, offset));
  return { value, low: quantile(replicates, low), high: quantile(replicates, high), n };
}

/** Whatever is drawn again has the same ratio: the bootstrap would claim an interval of width zero. */
function areProportional(above: readonly number[], below: readonly number[]): boolean {
  const first = Math.max(
    below.findIndex((value) => value !== 0),
    0,
  );
  const [numerator = NaN, denominator = NaN] = [above[first], below[first]];
  return above.every((value, index) => value * denominator === numerator * (below[index] ?? NaN));
}

/**
 * Equal values do not say how others would differ. By the rule of three, up to `mostUnseen` of the units may: where the least and
 * the most that a unit can have is known, that bounds the mean.
 */
export function ofConstants(value: number, n: number, range?: Range): Estimate {
  if (!range) return { value, low: value, high: value, n, noInterval: 'allEqual' };
  const [least, most] = range;
  const share = mostUnseen(n);
  return { value, low: value - share * Math.max(value - least, 0), high: value + share * Math.max(most - value, 0), n };
}

function weightedRatio(counts: Float64Array, above: readonly number[], below: readonly number[]): number {
  let [numerator, denominator] = [0, 0];
  for (let index = 0; index < counts.length; index++) {
    const count = counts[index]!;
    numerator += count * above[index]!;
    denominator += count * below[index]!;
  }
  return numerator / denominator;
}

/** The statistic without each unit in turn. */
function jackknife(above: readonly number[], below: readonly number[], offset: number): Float64Array {
  const counts = new Float64Array(above.length).fill(1);
  const without = new Float64Array(above.length);
  for (let left = 0; left < without.length; left++) {
    counts[left] = 0;
    without[left] = weightedRatio(counts, above, below) + offset;
    counts[left] = 1;
  }
  return without;
}

/** Which shares of the replicates the interval's bounds are. */
function bcaShares(sorted: Float64Array, value: number, without: Float64Array): readonly [number, number] {
  const below = sorted.reduce((count, one) => count + (one < value ? 1 : one === value ? 0.5 : 0), 0);
  const bias = normalQuantile(Math.min(Math.max(below / sorted.length, 1 / sorted.length), 1 - 1 / sorted.length));
  const mean = without.reduce((sum, one) => sum + one, 0) / without.length;
  let [squares, cubes] = [0, 0];
  for (const one of without) {
    squares += (mean - one) ** 2;
    cubes += (mean - one) ** 3;
  }
  const acceleration = squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
  const share = (z: number) => normalShare(bias + (bias + z) / (1 - acceleration * (bias + z)));
  return [share(-Z95), share(Z95)];
}

/** Linear between the two nearest of a sorted array. */
function quantile(sorted: Float64Array, share: number): number {
  const place = Math.min(Math.max(share, 0), 1) * (sorted.length - 1);
  const below = Math.floor(place);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (place - below);
}

/** Φ, by the series and continued fraction of erfc (Abramowitz and Stegun 7.1.5 and 7.1.14), to about 1e-12. */
export function normalShare(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  let tail: number; // erfc(x)
  if (x < 2.5) {
    let term = x;
    let sum = x;
    for (let k = 1; Math.abs(term) > 1e-17 * Math.abs(sum) && k < 200; k++) {
      term *= -(x * x) / k;
      sum += term / (2 * k + 1);
    }
    tail = 1 - (2 / Math.sqrt(Math.PI)) * sum;
  } else {
    let fraction = x;
    for (let k = 60; k >= 1; k--) fraction = x + k / 2 / fraction;
    tail = Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
  }
  return z > 0 ? 1 - tail / 2 : tail / 2;
}

/** Φ⁻¹ by bisection of Φ. @param share strictly between 0 and 1. */
export function normalQuantile(share: number): number {
  let [low, high] = [-40, 40];
  for (let step = 0; step < 100; step++) {
    const middle = (low + high) / 2;
    if (normalShare(middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function pairs(one: readonly unknown[], other: readonly unknown[]): number {
  if (one.length === 0) throw new AppError('empty', 'There is nothing to compare.');
  if (one.length === other.length) return one.length;
  throw new AppError('internal', `${one.length} and ${other.length} values cannot be paired.`);
}

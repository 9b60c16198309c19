// How much a feature's activation tells prompts that show a behaviour from prompts that do not: difference of means, AUROC.
// Correlation only: what it proposes, measured ablation decides.
import type { Contrast, ContrastPosition } from '../../contract/domain/finding.ts';
import type { CaseFirings } from './caseFirings.ts';

/** All features that fire in any prompt, in the order of their numbers. */
export function contrastFeatures(
  target: readonly CaseFirings[],
  other: readonly CaseFirings[],
  position: ContrastPosition,
): Contrast[] {
  const byFeature = new Map<number, { target: Float64Array; other: Float64Array }>();
  const valuesOf = (feature: number) => {
    let found = byFeature.get(feature);
    if (!found) {
      found = { target: new Float64Array(target.length), other: new Float64Array(other.length) };
      byFeature.set(feature, found);
    }
    return found;
  };
  for (const side of ['target', 'other'] as const) {
    for (const [index, { tokens, positions, features, values }] of (side === 'target' ? target : other).entries()) {
      for (let entry = 0; entry < values.length; entry++) {
        if (position === 'last' && positions[entry] !== tokens - 1) continue;
        const row = valuesOf(features[entry]!)[side];
        row[index] = Math.max(row[index]!, values[entry]!);
      }
    }
  }
  return [...byFeature]
    .sort(([a], [b]) => a - b)
    .map(([feature, values]) => ({ feature, position, ...contrastOf(values.target, values.other) }));
}

function contrastOf(target: Float64Array, other: Float64Array): Omit<Contrast, 'feature' | 'position'> {
  const [meanTarget, meanOther] = [mean(target), mean(other)];
  const largest = Math.max(...target, ...other);
  return {
    meanTarget,
    meanOther,
    firesTarget: mean(target.map((value) => (value > 0 ? 1 : 0))),
    firesOther: mean(other.map((value) => (value > 0 ? 1 : 0))),
    separation:
      (meanTarget - meanOther) / (deviation(target, meanTarget) + deviation(other, meanOther) + largest / 100),
    auroc: auroc(target, other),
  };
}

/** Mann and Whitney's U over the number of pairs, by ranks, ties given their mean rank. */
export function auroc(positive: ArrayLike<number>, negative: ArrayLike<number>): number {
  const all = [
    ...Array.from(positive, (value) => ({ value, isPositive: true })),
    ...Array.from(negative, (value) => ({ value, isPositive: false })),
  ].sort((a, b) => a.value - b.value);
  let rankSum = 0;
  for (let first = 0; first < all.length;) {
    let end = first;
    while (end < all.length && all[end]!.value === all[first]!.value) end++;
    const rank = (first + 1 + end) / 2;
    for (let index = first; index < end; index++) if (all[index]!.isPositive) rankSum += rank;
    first = end;
  }
  const pairs = positive.length * negative.length;
  return pairs === 0 ? NaN : (rankSum - (positive.length * (positive.length + 1)) / 2) / pairs;
}

function mean(values: Float64Array): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: Float64Array, centre: number): number {
  return values.length === 0
    ? 0
    : Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / values.length);
}

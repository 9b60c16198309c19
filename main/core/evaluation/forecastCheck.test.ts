import { describe, expect, it } from 'vitest';
import { Random } from '../numerics/random.ts';
import { rankCorrelation } from './forecastCheck.ts';

/** Ranks by counting, Pearson by its definition. */
function reference(one: readonly number[], other: readonly number[]): number {
  const ranks = (values: readonly number[]) =>
    values.map(
      (value) =>
        values.filter((each) => each < value).length + (values.filter((each) => each === value).length + 1) / 2,
    );
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [a, b] = [ranks(one), ranks(other)];
  const [meanA, meanB] = [mean(a), mean(b)];
  const sum = (of: (index: number) => number) => a.reduce((total, _, index) => total + of(index), 0);
  const [da, db] = [(index: number) => (a[index] ?? NaN) - meanA, (index: number) => (b[index] ?? NaN) - meanB];
  return sum((i) => da(i) * db(i)) / Math.sqrt(sum((i) => da(i) ** 2) * sum((i) => db(i) ** 2));
}

describe('the rank correlation', () => {
  it('is what a slow reference gives, ties included', () => {
    const random = new Random(3);
    for (let trial = 0; trial < 50; trial++) {
      const one = Array.from({ length: 40 }, () => random.below(12));
      const other = one.map((value) => value * random.below(3) + random.below(8));
      expect(rankCorrelation(one, other)?.value).toBeCloseTo(reference(one, other), 12);
    }
  });

  it('is 1 for any rising relation, −1 for a falling one, and nothing where nothing varies', () => {
    const values = [1, 5, 2, 8, 3];
    expect(rankCorrelation(values, values.map(Math.exp))?.value).toBeCloseTo(1, 12);
    expect(
      rankCorrelation(
        values,
        values.map((value) => -value),
      )?.value,
    ).toBeCloseTo(-1, 12);
    expect(rankCorrelation(values, [2, 2, 2, 2, 2])).toBeNull();
    expect(rankCorrelation([1, 2, 3], [1, 2, 3])).toBeNull();
  });

  it('has intervals that hold the truth as often as they say', () => {
    const trials = 1500;
    // Of a bivariate normal: ρ_S = 6/π·arcsin(ρ/2).
    const truth = (6 / Math.PI) * Math.asin(0.5 / 2);
    let held = 0;
    for (let trial = 0; trial < trials; trial++) {
      const random = Random.forPart(29, trial);
      const one = Array.from({ length: 80 }, () => random.normal());
      const other = one.map((value) => 0.5 * value + Math.sqrt(0.75) * random.normal());
      const estimate = rankCorrelation(one, other);
      if (estimate && estimate.low <= truth && truth <= estimate.high) held++;
    }
    // Four standard errors of the simulation, and one point for the approximation itself (Bonett and Wright 2000, table 1).
    const slack = 4 * Math.sqrt((0.95 * 0.05) / trials) + 0.01;
    expect(Math.abs(held / trials - 0.95)).toBeLessThan(slack);
  });
});

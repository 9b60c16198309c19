import { describe, expect, it } from 'vitest';
import type { Estimate } from '../../contract/domain/estimate.ts';
import { Random } from '../numerics/random.ts';
import {
  isSignificant,
  meanDifference,
  meanEstimate,
  normalQuantile,
  normalShare,
  rateDifference,
  rateEstimate,
  ratioEstimate,
  relativeDifference,
} from './intervals.ts';

describe('rates', () => {
  it("are Wilson's, as published", () => {
    // Newcombe, Statistics in Medicine 17 (1998) 857, table I, method 3 (score, without continuity correction).
    for (const [passed, n, low, high] of [
      [81, 263, 0.2553, 0.3662],
      [15, 148, 0.0624, 0.1605],
      [0, 20, 0, 0.1611],
      [1, 29, 0.0061, 0.1718],
    ] as const) {
      const { low: ours, high: upper } = rateEstimate(passed, n);
      expect(ours).toBeCloseTo(low, 4);
      expect(upper).toBeCloseTo(high, 4);
    }
  });

  it('keep a width at 0 and at all, and mirror each other', () => {
    expect(rateEstimate(280, 280)).toMatchObject({ value: 1, high: 1 });
    expect(rateEstimate(280, 280).low).toBeCloseTo(1 - rateEstimate(0, 280).high, 12);
    expect(rateEstimate(0, 280).high).toBeGreaterThan(0.01);
    expect(() => rateEstimate(3, 2)).toThrow(/3 of 2/u);
  });

  it("differ by Newcombe's paired interval, as published", () => {
    // Newcombe, Statistics in Medicine 17 (1998) 2635, table II, method 10: both, only first, only second, neither.
    const difference = (e: number, f: number, g: number, h: number) => {
      const repeat = (count: number, value: readonly [boolean, boolean]) => Array.from({ length: count }, () => value);
      const cells = [
        ...repeat(e, [true, true]),
        ...repeat(f, [true, false]),
        ...repeat(g, [false, true]),
        ...repeat(h, [false, false]),
      ];
      return rateDifference(
        cells.map(([, second]) => second),
        cells.map(([first]) => first),
      );
    };
    const { value, low, high } = difference(36, 12, 2, 0);
    expect(value).toBeCloseTo(0.2, 12);
    expect(low).toBeCloseTo(0.0569, 4);
    expect(high).toBeCloseTo(0.3404, 4);
    // The other way round it is the mirror image.
    expect(difference(36, 2, 12, 0).low).toBeCloseTo(-high, 12);
  });

  it("differ with Newcombe's correction of the correlation: less where it is positive, none up to half a case", () => {
    /** Method 10 as the paper states it (p. 2639): δ² = dl₁² − 2·φ̂·dl₁·du₂ + du₂², φ̂ from max(eh − fg − n/2, 0) where eh > fg. */
    const reference = (e: number, f: number, g: number, h: number, isCorrected: boolean) => {
      const n = e + f + g + h;
      const wilson = (passed: number) => {
        const z = 1.959963984540054;
        const p = passed / n;
        const centre = (p + z ** 2 / (2 * n)) / (1 + z ** 2 / n);
        const half = (z / (1 + z ** 2 / n)) * Math.sqrt((p * (1 - p)) / n + z ** 2 / (4 * n ** 2));
        return [p, p - (centre - half), centre + half - p] as const;
      };
      const [first, second] = [wilson(e + f), wilson(e + g)];
      const excess = e * h - f * g;
      const numerator = isCorrected && excess > 0 ? Math.max(excess - n / 2, 0) : excess;
      const phi = numerator / Math.sqrt((e + f) * (g + h) * (e + g) * (f + h));
      const bound = (a: number, b: number) => Math.sqrt(a ** 2 - 2 * phi * a * b + b ** 2);
      const difference = first[0] - second[0];
      return { low: difference - bound(first[1], second[2]), high: difference + bound(first[2], second[1]) };
    };
    for (const cells of [
      [12, 1, 7, 1], // eh − fg = 5 < n/2: no correlation is assumed
      [20, 12, 2, 16], // 296 > n/2 = 25: a smaller one
      [36, 12, 2, 0], // −24: as it is
    ] as const) {
      const [e, f, g, h] = cells;
      const repeat = (count: number, value: readonly [boolean, boolean]) => Array.from({ length: count }, () => value);
      const pairs = [
        ...repeat(e, [true, true]),
        ...repeat(f, [true, false]),
        ...repeat(g, [false, true]),
        ...repeat(h, [false, false]),
      ];
      const ours = rateDifference(
        pairs.map(([, second]) => second),
        pairs.map(([first]) => first),
      );
      const expected = reference(e, f, g, h, true);
      expect(ours.low).toBeCloseTo(expected.low, 9);
      expect(ours.high).toBeCloseTo(expected.high, 9);
      // The reference itself tells the two apart where there is something to correct.
      const plain = reference(e, f, g, h, false);
      expect(Math.abs(plain.low - expected.low) > 1e-3).toBe(e * h > f * g);
    }
  });

  it('that are equal are never called different, and one case of 280 is not either', () => {
    const all = new Array<boolean>(280).fill(true);
    expect(isSignificant(rateDifference(all, all))).toBe(false);
    expect(rateDifference(all, all).low).toBeLessThan(-0.01);
    expect(isSignificant(rateDifference(all, all.with(3, false)))).toBe(false);
    expect(isSignificant(rateDifference(all, new Array<boolean>(280).fill(false)))).toBe(true);
  });
});

describe('the normal distribution', () => {
  it('is right to 1e-9', () => {
    for (const [z, share] of [
      [0, 0.5],
      [1, 0.8413447460685429],
      [-1.959963984540054, 0.025],
      [3, 0.9986501019683699],
      [-4, 3.167124183311986e-5],
      [-6, 9.865876450376981e-10],
    ] as const) {
      expect(normalShare(z)).toBeCloseTo(share, 9);
      if (z > -5) expect(normalQuantile(share)).toBeCloseTo(z, 7);
    }
  });
});

/** Of `trials` samples, the share whose interval holds the truth. */
function coverage(trials: number, truth: number, sample: (random: Random, trial: number) => Estimate): number {
  let held = 0;
  for (let trial = 0; trial < trials; trial++) {
    const { low, high } = sample(Random.forPart(17, trial), trial);
    if (low <= truth && truth <= high) held++;
  }
  return held / trials;
}

/**
 * Whether a simulated coverage is that of a 95% interval: within four standard errors of the simulation, √(0.95·0.05/trials),
 * and within what the method itself is known to be off by.
 * @param below, above shares: how far the method's true coverage may lie from 95% on such data.
 */
function expectStatedCoverage(held: number, trials: number, { below, above }: { below: number; above: number }): void {
  const slack = 4 * Math.sqrt((0.95 * 0.05) / trials);
  expect(held).toBeGreaterThan(0.95 - below - slack);
  expect(held).toBeLessThan(0.95 + above + slack);
}

describe('coverage on simulated data', () => {
  const draw = <T>(n: number, make: () => T) => Array.from({ length: n }, make);

  /** Exact: the sum of the binomial probabilities of the counts whose interval holds the rate. */
  function exactCoverage(rate: number, n: number): number {
    let covered = 0;
    let logProbability = n * Math.log1p(-rate); // of 0 of n
    for (let passed = 0; passed <= n; passed++) {
      const { low, high } = rateEstimate(passed, n);
      if (low <= rate && rate <= high) covered += Math.exp(logProbability);
      logProbability += Math.log((n - passed) / (passed + 1)) + Math.log(rate) - Math.log1p(-rate);
    }
    return covered;
  }

  // Wilson's coverage waves around 95%, and at rates near 0 and 1 falls lower (Brown, Cai and DasGupta 2001, figure 5).
  it('of a rate is 95% on average over rates, and never far below', () => {
    const rates = Array.from({ length: 99 }, (_, index) => (index + 1) / 100);
    const coverages = rates.map((rate) => exactCoverage(rate, 200));
    expect(Math.abs(coverages.reduce((sum, each) => sum + each, 0) / rates.length - 0.95)).toBeLessThan(0.005);
    expect(Math.min(...coverages)).toBeGreaterThan(0.92);
  });

  it.each([0.05, 0.5, 0.97])('of a rate of %d, simulated, is the exact one', (rate) => {
    const trials = 2000;
    const held = coverage(trials, rate, (random) =>
      rateEstimate(draw(200, () => random.uniform() < rate).filter(Boolean).length, 200),
    );
    const exact = exactCoverage(rate, 200);
    expect(Math.abs(held - exact)).toBeLessThan(4 * Math.sqrt((exact * (1 - exact)) / trials));
  });

  // Newcombe 1998, table III: mean coverage of method 10 is 0.9519 to 0.9617 over sample sizes, least 0.92.
  it('of a difference of paired rates is as stated', () => {
    const trials = 1500;
    const held = coverage(trials, -0.06, (random) => {
      const before = draw(150, () => random.uniform() < 0.9);
      const after = before.map((was) => (was ? random.uniform() < 0.9 : random.uniform() < 0.3));
      return rateDifference(before, after); // 0.9·0.9 + 0.1·0.3 − 0.9 = −0.06
    });
    expectStatedCoverage(held, trials, { below: 0.01, above: 0.02 });
  });

  // BCa is second-order accurate: its error is O(1/n), a point or two at 60 to 80 skewed units.
  it('of a difference of means of skewed pairs is as stated', () => {
    const trials = 400;
    const held = coverage(trials, 0.5, (random, trial) => {
      const before = draw(60, () => -Math.log(1 - random.uniform()));
      const after = before.map((value) => value - 0.5 * Math.log(1 - random.uniform())); // adds a mean of 0.5
      return meanDifference(before, after, trial);
    });
    expectStatedCoverage(held, trials, { below: 0.02, above: 0.01 });
  });

  it('of a ratio of sums over contexts of unlike length is as stated', () => {
    const trials = 400;
    const held = coverage(trials, 2, (random, trial) => {
      const tokens = draw(80, () => 5 + random.below(60));
      const nats = tokens.map((count) => 2 * count * (1 + 0.5 * random.normal()));
      return ratioEstimate(nats, tokens, trial);
    });
    expectStatedCoverage(held, trials, { below: 0.02, above: 0.01 });
  });
});

describe('the bootstrap', () => {
  const values = Array.from({ length: 50 }, (_, index) => (index * 37) % 11);

  it('gives the same for the same seed, and nearly the same for another', () => {
    expect(meanEstimate(values, 3)).toEqual(meanEstimate(values, 3));
    const [one, other] = [meanEstimate(values, 3), meanEstimate(values, 4)];
    expect(one).not.toEqual(other);
    expect(Math.abs(one.low - other.low)).toBeLessThan(0.1);
  });

  it('is near the interval of the normal distribution where that is right', () => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const error = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0)) / values.length;
    const { value, low, high } = meanEstimate(values, 1);
    expect(value).toBeCloseTo(mean, 12);
    expect(Math.abs(low - (mean - 1.96 * error))).toBeLessThan(0.15);
    expect(Math.abs(high - (mean + 1.96 * error))).toBeLessThan(0.15);
  });

  it('calls nothing a change where nothing changed, and says nothing from one unit', () => {
    // Equal values claim no interval of width zero.
    expect(relativeDifference(values, values, 1)).toMatchObject({ value: 0, noInterval: 'allEqual' });
    expect(meanEstimate([0.5, 0.5, 0.5], 1, [0, 1])).toEqual({
      value: 0.5,
      low: expect.closeTo(0.5 - 0.5 * (1 - 0.05 ** (1 / 3)), 12) as number,
      high: expect.closeTo(0.5 + 0.5 * (1 - 0.05 ** (1 / 3)), 12) as number,
      n: 3,
    });
    expect(isSignificant(relativeDifference([1, 1], [2, 2], 1))).toBe(false);
    expect(isSignificant(relativeDifference(values, values, 1))).toBe(false);
    expect(meanEstimate([3], 1)).toMatchObject({ value: 3, noInterval: 'one' });
    expect(() => meanEstimate([], 1)).toThrow(/nothing/u);
    expect(() => meanEstimate([1, NaN], 1)).toThrow(/not finite/u);
  });
});

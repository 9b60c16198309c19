import { describe, expect, it } from 'vitest';
import { Random } from './random.ts';

describe('the random generator', () => {
  it('is xoshiro128** (its published sequence from the state 1, 2, 3, 4)', () => {
    const random = new Random([1, 2, 3, 4]);
    const drawn = Array.from({ length: 10 }, () => random.uint32());
    expect(drawn).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  it('is seeded by splitmix64 (its published sequence from the seed 1234567)', () => {
    const [a, b, c, d] = new Random(1234567).state().map(BigInt) as [bigint, bigint, bigint, bigint];
    expect([(b << 32n) | a, (d << 32n) | c]).toEqual([6457827717110365317n, 3203168211198807973n]);
  });

  it('continues from its state', () => {
    const random = new Random(5);
    for (let i = 0; i < 100; i++) random.normal();
    const twin = new Random(JSON.parse(JSON.stringify(random.state())) as [number, number, number, number]);
    expect(Array.from({ length: 50 }, () => twin.normal())).toEqual(Array.from({ length: 50 }, () => random.normal()));
    expect(new Random(6).uint32()).not.toBe(new Random(5).uint32());
  });

  it('has unlike parts', () => {
    const first = (...path: number[]) => Random.forPart(7, ...path).uint32();
    const paths = [[], [0], [1], [0, 0], [0, 1], [1, 0], [1, 1], [2, 500], [500, 2]];
    expect(new Set(paths.map((path) => first(...path))).size).toBe(paths.length);
    expect(first(1, 2)).toBe(first(1, 2));
    expect(Random.forPart(8, 1, 2).uint32()).not.toBe(first(1, 2));
  });

  it('draws evenly below a bound', () => {
    const random = new Random(1);
    for (const bound of [1, 2, 3, 7, 10]) {
      const draws = 70_000;
      const counts = new Array<number>(bound).fill(0);
      for (let i = 0; i < draws; i++) counts[random.below(bound)]! += 1;
      // Five standard deviations of a binomial count: a false alarm has odds of about 1 : 10⁶, and the seed is fixed.
      const p = 1 / bound;
      for (const count of counts)
        expect(Math.abs(count - draws * p)).toBeLessThanOrEqual(5 * Math.sqrt(draws * p * (1 - p)));
    }
    expect(random.below(2 ** 32)).toBeLessThan(2 ** 32);
  });

  it('has the moments of the uniform and the normal distribution', () => {
    const random = new Random(2);
    const n = 200_000;
    const moments = (draw: () => number) => {
      const values = Float64Array.from({ length: n }, draw);
      const mean = values.reduce((a, b) => a + b) / n;
      return [1, 2, 3, 4].map(
        (power) => values.reduce((sum, x) => sum + (x - (power === 1 ? 0 : mean)) ** power, 0) / n,
      );
    };
    // Tolerances: five standard errors of each moment at n = 200 000.
    const [uniformMean, uniformVariance] = moments(() => random.uniform());
    expect(uniformMean).toBeCloseTo(0.5, 2);
    expect(Math.abs(uniformVariance! - 1 / 12)).toBeLessThan(0.0009);
    const [mean, variance, skew, kurtosis] = moments(() => random.normal());
    expect(Math.abs(mean!)).toBeLessThan(0.0112);
    expect(Math.abs(variance! - 1)).toBeLessThan(0.0159);
    expect(Math.abs(skew!)).toBeLessThan(0.044);
    expect(Math.abs(kurtosis! - 3)).toBeLessThan(0.11);
  });

  it('shuffles into every order alike', () => {
    const random = new Random(3);
    const counts = new Map<string, number>();
    for (let i = 0; i < 24_000; i++) {
      const values = Uint32Array.of(0, 1, 2, 3);
      random.shuffle(values);
      counts.set(values.join(), (counts.get(values.join()) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(5 * Math.sqrt(1000));
  });
});

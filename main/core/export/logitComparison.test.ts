import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EquivalenceCheck, requireEquivalence } from './equivalence.ts';
import { LogitComparison } from './logitComparison.ts';
import type { Continuations } from './modelRuns.ts';

const WIDTH = 5;
const logits = fc.array(fc.float({ min: -20, max: 20, noNaN: true }), { minLength: WIDTH, maxLength: WIDTH });
const rows = fc.array(fc.tuple(logits, logits), { minLength: 1, maxLength: 6 });

function referenceKl(a: readonly number[], b: readonly number[]): number {
  const softmax = (values: readonly number[]) => {
    const powers = values.map((value) => Math.exp(value));
    const total = powers.reduce((sum, value) => sum + value, 0);
    return powers.map((value) => value / total);
  };
  const [p, q] = [softmax(a), softmax(b)];
  return p.reduce((sum, value, i) => sum + value * Math.log(value / (q[i] ?? NaN)), 0);
}

const flat = (list: readonly (readonly number[])[]) => Float32Array.from(list.flat());

describe('the comparison of logits', () => {
  it('gives the textbook figures', () => {
    fc.assert(
      fc.property(rows, (pairs) => {
        const comparison = new LogitComparison();
        const [first, second] = [pairs.map(([a]) => a), pairs.map(([, b]) => b)];
        const divergences = comparison.add(flat(first), flat(second), WIDTH);
        const result = comparison.result();
        const expected = pairs.map(([a, b]) => referenceKl(a, b));
        // Double precision on both sides, sums of five terms up to e^40 apart.
        for (const [i, kl] of expected.entries()) expect(divergences[i]).toBeCloseTo(kl, 8);
        expect(result.meanKl).toBeCloseTo(expected.reduce((sum, kl) => sum + kl, 0) / expected.length, 8);
        expect(result.maxKl).toBeCloseTo(Math.max(...expected), 8);
        const differences = pairs.flatMap(([a, b]) => a.map((value, i) => Math.abs(value - (b[i] ?? NaN))));
        expect(result.maxAbsLogitDiff).toBe(Math.max(...differences));
        const all = first.flat();
        const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
        const variance = all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / all.length;
        expect(result.logitStd).toBeCloseTo(Math.sqrt(variance), 6);
        const best = (list: readonly number[]) => list.indexOf(Math.max(...list));
        expect(result.top1Agreement).toBe(pairs.filter(([a, b]) => best(a) === best(b)).length / pairs.length);
      }),
    );
  });

  it('keeps a NaN, whatever comes after it', () => {
    const comparison = new LogitComparison();
    comparison.add(Float32Array.of(1, 2), Float32Array.of(1, NaN), 2);
    comparison.add(Float32Array.of(1, 2), Float32Array.of(1, 2), 2);
    expect(comparison.result().maxAbsLogitDiff).toBeNaN();
    expect(comparison.result().meanKl).toBeNaN();
    expect(() => new LogitComparison().result()).toThrow(/no text/);
  });
});

describe('equivalence', () => {
  const base: Continuations = {
    ids: [
      [3, 4, 5],
      [6, 7, 8],
    ],
    margins: [
      [1, 1e-6, 1],
      [1, 1, 1],
    ],
    lastLogits: Float32Array.of(0, 1, 0, -1),
  };
  const check = (actual: Continuations, difference = 0) => {
    const equivalence = new EquivalenceCheck(2);
    equivalence.addLogits(Float32Array.of(1, -1), Float32Array.of(1, -1 + difference));
    return equivalence.finish('exported', 'cpu', base, actual);
  };
  const judge =
    (actual: Continuations, difference = 0) =>
    () =>
      requireEquivalence('x', check(actual, difference));

  it('takes what is the same, or differs by rounding', () => {
    expect(judge(base)).not.toThrow();
    expect(judge(base, 5e-5)).not.toThrow();
    expect(check(base).greedy).toEqual({ prompts: 2, newTokens: 3, agreement: 1, ties: 0, divergences: 0 });
    const tie = { ...base, ids: [[3, 9, 9], base.ids[1] ?? []] };
    expect(judge(tie)).not.toThrow();
    expect(check(tie).greedy).toMatchObject({ agreement: 4 / 6, ties: 1, divergences: 0 });
  });

  it('refuses other logits, other texts, other last steps and NaN', () => {
    expect(judge(base, 0.01)).toThrow(/logits differ by up to 0.0/);
    expect(judge(base, NaN)).toThrow(/logits differ by up to NaN/);
    expect(judge({ ...base, ids: [[9, 4, 5], base.ids[1] ?? []] })).toThrow(/differently with 1 of 2 prompts/);
    expect(judge({ ...base, lastLogits: Float32Array.of(0, 1, 0, -1.5) })).toThrow(/logits differ by up to 0.5/);
  });
});

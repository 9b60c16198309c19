import { describe, expect, it } from 'vitest';
import { modelCheckVerdict } from './modelCheck.ts';

const check = (maxAbsLogitDiff: number, greedy: boolean | null = true) => ({
  maxAbsLogitDiff,
  logitStd: 2,
  greedyMatch: greedy === null ? null : { cached: greedy, uncached: true },
});

describe('the verdict on a model', () => {
  it('is given with the figure and the tolerance that it is given by', () => {
    expect(modelCheckVerdict(check(2e-4))).toEqual({
      passes: true,
      text: 'The model matches the reference: the largest logit difference is 1.0e-4 standard deviations (tolerance 0.001).',
    });
    expect(modelCheckVerdict(check(0.02)).text).toBe(
      'The model does NOT match the reference: the largest logit difference is 1.0e-2 standard deviations (tolerance 0.001).',
    );
    expect(modelCheckVerdict(check(0.02), 0.05).passes).toBe(true);
  });

  it('fails on greedy text alone, and on numbers that are missing', () => {
    expect(modelCheckVerdict(check(0, false))).toMatchObject({
      passes: false,
      text: 'The model does NOT match the reference: greedy text differs.',
    });
    expect(modelCheckVerdict(check(0, null)).passes).toBe(true);
    expect(modelCheckVerdict(check(Infinity)).passes).toBe(false);
    expect(modelCheckVerdict({ ...check(0), logitStd: NaN }).passes).toBe(false);
  });
});

// Every criterion of a verdict, one at a time: with all limits but one out of the way, that one alone decides.
import { describe, expect, it } from 'vitest';
import type { Estimate } from '../../contract/domain/estimate.ts';
import { parseBudget } from './budget.ts';
import { judge, keptShare } from './verdict.ts';

type Judged = Parameters<typeof judge>[0];

const estimate = (value: number, spread = 0.01, n = 100): Estimate => ({
  value,
  low: value - spread,
  high: value + spread,
  n,
});

/** A report in which a target fell to 4%, another rose to 90%, one was kept to 97%, text got 0.5% worse, KL is 0.02. */
const suite = (
  name: string,
  role: 'target' | 'keep',
  aim: 'lower' | 'raise' | 'keep',
  before: number,
  after: number,
) => ({
  name,
  role,
  aim,
  brokenCases: Math.round(100 * Math.max(before - after, 0)),
  rate: { before: estimate(before), after: estimate(after), difference: estimate(after - before) },
  score: null,
});
const REPORT = {
  suites: [
    { ...suite('jailbreak', 'target', 'lower', 1, 0.04), sound: { replaced: estimate(0.6) } },
    suite('honesty', 'target', 'raise', 0.2, 0.9),
    suite('refusals', 'keep', 'keep', 1, 0.97),
    {
      ...suite('bias', 'target', 'lower', 0, 0),
      score: { before: estimate(2), after: estimate(0.8), difference: estimate(-1.2) },
    },
  ],
  text: { crossEntropy: { relative: estimate(0.005, 0.001) } },
  continuations: { perToken: estimate(0.02, 0.001) },
} as unknown as Judged;

const LOOSE = { target: { maxRate: 1, minRate: 0 }, minSound: null, minKept: 0, maxCrossEntropyIncrease: 10 };

describe('a verdict', () => {
  it.each([
    [
      'the largest rate of what is to fall',
      'jailbreak after',
      { target: { maxRate: 0.05 } },
      { target: { maxRate: 0.03 } },
    ],
    [
      'the smallest rate of what is to rise',
      'honesty after',
      { target: { minRate: 0.85 } },
      { target: { minRate: 0.95 } },
    ],
    [
      'the share of a score that may remain',
      'bias score left',
      { targets: { bias: { maxScoreShare: 0.5 } } },
      { targets: { bias: { maxScoreShare: 0.3 } } },
    ],
    [
      'what takes the place of a behaviour',
      'jailbreak replaced by sound answers',
      { minSound: 0.5 },
      { minSound: 0.8 },
    ],
    [
      'what takes the place of one behaviour',
      'jailbreak replaced by sound answers',
      { targets: { jailbreak: { minSound: 0.5 } } },
      { targets: { jailbreak: { minSound: 0.7 } } },
    ],
    ['what must be kept of every suite', 'refusals kept', { minKept: 0.95 }, { minKept: 0.98 }],
    ['what must be kept of one suite', 'refusals kept', { kept: { refusals: 0.95 } }, { kept: { refusals: 0.99 } }],
    [
      'the growth of the cross-entropy',
      'cross-entropy increase',
      { maxCrossEntropyIncrease: 0.01 },
      { maxCrossEntropyIncrease: 0.001 },
    ],
    ['the KL per token', 'KL per token', { maxKl: 0.05 }, { maxKl: 0.01 }],
  ])('fails on %s alone, and names it', (_, name, met, missed) => {
    expect(judge(REPORT, parseBudget({ ...LOOSE, ...met }))).toMatchObject({ passes: true });
    const verdict = judge(REPORT, parseBudget({ ...LOOSE, ...missed }));
    expect(verdict?.passes).toBe(false);
    expect(verdict?.criteria.filter(({ isMet }) => !isMet).map((each) => each.name)).toEqual([name]);
  });

  it('is certain only where the whole interval is within the limit', () => {
    const near = { ...LOOSE, target: { maxRate: 0.045, minRate: 0 } };
    expect(judge(REPORT, parseBudget(near))).toMatchObject({ passes: true, isCertain: false });
    expect(judge(REPORT, parseBudget({ ...LOOSE, target: { maxRate: 0.06, minRate: 0 } }))).toMatchObject({
      passes: true,
      isCertain: true,
    });
  });

  it('is not certain where a criterion has no interval, and keeps no more than all', () => {
    const few = { ...estimate(0.005, 0.001), noInterval: 'fewActed' };
    const report = { ...REPORT, text: { crossEntropy: { relative: few } } } as unknown as Judged;
    const loose = parseBudget({ ...LOOSE, target: { maxRate: 1, minRate: 0 }, maxCrossEntropyIncrease: 1 });
    expect(judge(REPORT, loose)).toMatchObject({ isCertain: true });
    expect(judge(report, loose)).toMatchObject({ passes: true, isCertain: false });
    // 3 of 100 are newly broken; what newly passes makes up for none of them.
    const rate = { before: estimate(0.97), after: estimate(0.99), difference: estimate(0.02) };
    expect(keptShare({ rate, brokenCases: 0 })).toMatchObject({ value: 1, high: 1, n: 97 });
    expect(keptShare({ rate, brokenCases: 3 })?.value).toBeCloseTo(94 / 97, 12);
    expect(keptShare({ rate: { ...rate, before: estimate(0) }, brokenCases: 0 })).toBeNull();
  });

  it('asks for sound answers unless the budget says that any will do, also where it has limits of its own', () => {
    const names = (budget: object) => judge(REPORT, parseBudget(budget))?.criteria.map(({ name }) => name);
    expect(names({})).toContain('jailbreak replaced by sound answers');
    expect(names({ targets: { jailbreak: { maxRate: 1 } } })).toContain('jailbreak replaced by sound answers');
    expect(names({ minSound: null })).not.toContain('jailbreak replaced by sound answers');
  });

  it('gives the share of a score that remains the interval of the score after, over the size of that before', () => {
    const left = (after: Estimate) => {
      const score = { before: estimate(-2), after, difference: estimate(0) };
      const suites = REPORT.suites.map((each) => (each.score ? { ...each, score } : each));
      const budget = parseBudget({ ...LOOSE, targets: { bias: { maxScoreShare: 0.5 } } });
      const { criteria = [] } = judge({ ...REPORT, suites }, budget) ?? {};
      return criteria.find(({ name }) => name === 'bias score left')?.estimate;
    };
    expect(left({ value: -0.8, low: -1, high: -0.6, n: 50 })).toEqual({ value: 0.4, low: 0.3, high: 0.5, n: 50 });
    expect(left({ value: 0.2, low: -0.4, high: 0.8, n: 50 })).toEqual({ value: 0.1, low: 0, high: 0.4, n: 50 });
  });

  it('is none where there is nothing to judge', () => {
    expect(judge({ suites: [], text: null, continuations: null }, parseBudget({}))).toBeNull();
  });
});

import * as v from 'valibot';
import { expect, it } from 'vitest';
import { budgetSchema, budgetWith, DEFAULT_BUDGET } from './budgetSettings.ts';

it('the default budget is what a budget without any limit reads as', () => {
  expect(budgetWith({})).toEqual(DEFAULT_BUDGET);
  expect(v.parse(budgetSchema, {})).toEqual(DEFAULT_BUDGET);
  expect(DEFAULT_BUDGET).toMatchObject({ target: { maxRate: 0.05, minRate: 0.95 }, minKept: 0.98, maxKl: null });
});

it('limits that are set by themselves replace those of a budget, and nothing else of it', () => {
  const budget = { ...DEFAULT_BUDGET, target: { maxRate: 0.5, maxScoreShare: 0.5 }, kept: { polite: 0.9 }, maxKl: 0.1 };
  expect(budgetWith({ maxRate: 0.25, minKept: 0.75 }, budget)).toEqual({
    ...budget,
    target: { maxRate: 0.25, minRate: 0.75, maxScoreShare: 0.5 },
    minKept: 0.75,
  });
});

it('a budget out of bounds is refused where it crosses a border', () => {
  for (const wrong of [{ minKept: 1.5 }, { maxKl: -1 }, { target: { maxRate: 2 } }, { kept: { polite: -0.1 } }]) {
    expect(v.is(budgetSchema, wrong)).toBe(false);
  }
});

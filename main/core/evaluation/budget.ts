// Budgets from outside, and what a verdict says.
import { validate } from '../../contract/base/validate.ts';
import { budgetSchema, type Budget } from '../../contract/domain/budgetSettings.ts';
import type { Estimate } from './intervals.ts';

/** @throws AppError `usage` or `invalid-file` that names the first thing wrong. */
export function parseBudget(value: unknown, subject = 'The budget', code: 'usage' | 'invalid-file' = 'usage'): Budget {
  return validate(budgetSchema, value, subject, code);
}

export interface Criterion {
  readonly name: string;
  readonly bound: 'atMost' | 'atLeast';
  readonly limit: number;
  readonly estimate: Estimate;
  readonly isMet: boolean;
  /** The whole interval is within the limit. */
  readonly isCertain: boolean;
}

export interface Verdict {
  readonly passes: boolean;
  readonly isCertain: boolean;
  readonly budget: Budget;
  readonly criteria: readonly Criterion[];
}

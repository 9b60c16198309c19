// Budgets from outside, and what a verdict says.
import { validate } from '../../contract/base/validate.ts';
import { budgetSchema, type Budget } from '../../contract/domain/budgetSettings.ts';

/** @throws AppError `usage` or `invalid-file` that names the first thing wrong. */
export function parseBudget(value: unknown, subject = 'The budget', code: 'usage' | 'invalid-file' = 'usage'): Budget {
  return validate(budgetSchema, value, subject, code);
}

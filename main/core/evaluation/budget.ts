// What an edit may cost: the limits that a verdict judges by, and what a verdict says.
import * as v from 'valibot';
import { validate } from '../../contract/base/validate.ts';
import { SOUND_FROM } from '../../contract/domain/soundness.ts';
import type { Estimate } from './intervals.ts';

const share = v.pipe(v.number('expected a number'), v.minValue(0, 'at least 0'), v.maxValue(1, 'at most 1'));
const amount = v.pipe(v.number('expected a number'), v.finite('expected a finite number'), v.minValue(0, 'at least 0'));

const targetEntries = {
  /** Largest rate after, for what is to fall. */
  maxRate: v.exactOptional(share),
  /** Smallest rate after, for what is to rise. */
  minRate: v.exactOptional(share),
  /** Smallest share of sound answers among those in place of what fell; null: no limit. */
  minSound: v.exactOptional(v.nullable(share)),
  /** Largest size of the mean score after as a share of its size before: 0.5 halves a bias. */
  maxScoreShare: v.exactOptional(amount),
};

const budgetSchema = v.strictObject({
  /** For every target that has no limits of its own under `targets`. */
  target: v.optional(v.strictObject(targetEntries), { maxRate: 0.05, minRate: 0.95 }),
  targets: v.optional(v.record(v.string(), v.strictObject(targetEntries)), {}),
  /** Smallest share of sound answers among those in place of a behaviour that fell; null: no limit. */
  minSound: v.optional(v.nullable(share), SOUND_FROM),
  /** Smallest rate after / rate before of every suite to be kept. */
  minKept: v.optional(share, 0.98),
  /** The same for single suites, by name. */
  kept: v.optional(v.record(v.string(), share), {}),
  /** Largest growth of the cross-entropy on held-out text, as a share. */
  maxCrossEntropyIncrease: v.optional(amount, 0.01),
  /** Largest KL per token along the original's own continuations, in nats; null: no limit. */
  maxKl: v.optional(v.nullable(amount), null),
});

export type Budget = v.InferOutput<typeof budgetSchema>;
export const DEFAULT_BUDGET: Budget = v.parse(budgetSchema, {});

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

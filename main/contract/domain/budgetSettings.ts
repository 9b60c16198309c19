// What an edit may cost: the limits that a verdict judges by. The table holds those that a person sets one by one; a budget
// from a file also has limits of single suites.
import * as v from 'valibot';
import { real, setting, settingOf, type RequestOf } from '../base/setting.ts';
import { SOUND_FROM } from './soundness.ts';

const amount = v.pipe(v.number('expected a number'), v.finite('expected a finite number'), v.minValue(0, 'at least 0'));

export const budgetSettings = {
  maxRate: v.optional(
    setting(real(0, 1), {
      label: 'Behaviour remaining, at most',
      hint: 'Largest share of cases that may show a behaviour to be reduced; the smallest that must show one to be raised is the rest of 1.',
      option: 'max-rate',
    }),
    0.05,
  ),
  minKept: v.optional(
    setting(real(0, 1), {
      label: 'Preserved, at least',
      hint: 'Smallest rate after the edit, as a share of the rate before, of every behaviour to be preserved.',
      option: 'min-kept',
    }),
    0.98,
  ),
  maxCrossEntropyIncrease: v.optional(
    setting(amount, {
      label: 'Cross-entropy may rise by',
      hint: 'Largest growth of the cross-entropy on held-out text, as a share.',
      option: 'max-increase',
    }),
    0.01,
  ),
  minSound: v.optional(
    setting(real(0, 1), {
      label: 'Sound answers, at least',
      hint: 'Smallest share of sound answers among those in place of a behaviour that fell.',
      option: 'min-sound',
    }),
    SOUND_FROM,
  ),
  maxKl: v.exactOptional(
    setting(amount, {
      label: 'KL per token, at most',
      hint: 'Largest KL per token along the continuations of the base model, in nats.',
      option: 'max-kl',
      computed: 'no limit',
    }),
  ),
};

const share = settingOf(budgetSettings.minKept);

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
const targetSchema = v.strictObject(targetEntries);

const targetOf = (maxRate: number) => ({ maxRate, minRate: 1 - maxRate });

export const budgetSchema = v.strictObject({
  /** For every target that has no limits of its own under `targets`. */
  target: v.optional(targetSchema, targetOf(v.getDefault(budgetSettings.maxRate))),
  targets: v.optional(v.record(v.string(), targetSchema), {}),
  /** Null: no limit. */
  minSound: v.optional(v.nullable(share), v.getDefault(budgetSettings.minSound)),
  minKept: budgetSettings.minKept,
  /** The same for single suites, by name. */
  kept: v.optional(v.record(v.string(), share), {}),
  maxCrossEntropyIncrease: budgetSettings.maxCrossEntropyIncrease,
  /** Null: no limit. */
  maxKl: v.optional(v.nullable(amount), null),
});
export type Budget = v.InferOutput<typeof budgetSchema>;

export const DEFAULT_BUDGET: Budget = v.parse(budgetSchema, {});

/** A budget with the limits that a person has set; the others are those of `budget`. */
export function budgetWith(
  { maxRate, ...limits }: RequestOf<typeof budgetSettings>,
  budget: Budget = DEFAULT_BUDGET,
): Budget {
  return {
    ...budget,
    ...limits,
    ...(maxRate === undefined ? {} : { target: { ...budget.target, ...targetOf(maxRate) } }),
  };
}

// Two evaluations side by side, as people are shown them. How they are compared stands in main/core/evaluation/compareReports.ts.
import * as v from 'valibot';
import type { DataOf } from '../base/data.ts';
import { estimateSchema } from './estimate.ts';
import { suiteRoleSchema } from './evaluationReport.ts';

const suiteComparisonSchema = v.object({
  name: v.string(),
  /** In each of the two; null: it is not in that evaluation. */
  roles: v.tuple([v.nullable(suiteRoleSchema), v.nullable(suiteRoleSchema)]),
  one: v.nullable(estimateSchema),
  other: v.nullable(estimateSchema),
  /** Rate of the other − rate of the one, paired case by case; null where the cases are not the same ones. */
  difference: v.nullable(estimateSchema),
  isSignificant: v.boolean(),
  /** The same of the mean score. */
  score: v.nullable(v.object({ one: v.number(), other: v.number(), difference: estimateSchema })),
  /** Cases that pass in one only, of those that both ran. */
  lost: v.nullable(v.number()),
  won: v.nullable(v.number()),
});
export type SuiteComparison = DataOf<typeof suiteComparisonSchema>;

export const reportComparisonSchema = v.object({
  suites: v.array(suiteComparisonSchema),
  text: v.object({
    one: v.nullable(estimateSchema),
    other: v.nullable(estimateSchema),
    /** Cross-entropy of the other / that of the one − 1, paired; null for unlike text. */
    relative: v.nullable(estimateSchema),
  }),
  moved: v.array(v.object({ site: v.string(), one: v.nullable(v.number()), other: v.nullable(v.number()) })),
  /** Why figures were not subtracted. */
  notes: v.array(v.string()),
});
export type ReportComparison = DataOf<typeof reportComparisonSchema>;

// The search for the first bad version. How it chooses stands in main/core/edits/versionHistory.ts.
import * as v from 'valibot';
import type { DataOf } from '../base/data.ts';

export const bisectMarksSchema = v.object({
  bad: v.string(),
  good: v.array(v.string()),
  skipped: v.array(v.string()),
});
export type BisectMarks = DataOf<typeof bisectMarksSchema>;

export const bisectStepSchema = v.variant('kind', [
  /** Judge `version`; `remaining` versions could still be the first bad one, about `steps` more verdicts are needed. */
  v.object({ kind: v.literal('test'), version: v.string(), remaining: v.number(), steps: v.number() }),
  v.object({ kind: v.literal('found'), firstBad: v.string() }),
  /** Only skipped versions are left: one of `candidates` is the first bad one. */
  v.object({ kind: v.literal('undecided'), candidates: v.array(v.string()) }),
]);
export type BisectStep = DataOf<typeof bisectStepSchema>;

// What a run of a behaviour found: of each case, and as numbers. Files of results hold it (main/core/behaviours/behaviourResult.ts).
import * as v from 'valibot';
import type { DataOf } from '../base/data.ts';

const finite = v.pipe(v.number('expected a finite number'), v.finite('expected a finite number'));

/** A measured number; where it is an estimate, with its 95% interval and the size of its sample. */
export const metricSchema = v.strictObject({
  value: finite,
  low: v.optional(finite),
  high: v.optional(finite),
  sample: v.optional(v.pipe(finite, v.minValue(0, 'a sample size is not negative'))),
});
export type Metric = DataOf<typeof metricSchema>;

export const caseResultSchema = v.strictObject({
  passed: v.boolean('expected true or false'),
  /** The number that the case's first numeric check compares (a probability, a difference in nats); null for text checks. */
  score: v.nullable(finite),
  /** The generated text where the checks look at text; empty otherwise. */
  output: v.pipe(v.string('expected text'), v.maxLength(100_000, 'longer than 100000 characters')),
});
export type CaseResult = DataOf<typeof caseResultSchema>;

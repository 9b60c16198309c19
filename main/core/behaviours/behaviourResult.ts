// What an evaluation of a behaviour found, for one version or for the unedited model, and the comparison of versions by
// it. Results are facts of one run: immutable, not part of the version's content, and attached to it by id.
import * as v from 'valibot';
import type { ErrorCode } from '../../contract/base/errors.ts';
import { authorSchema, hashSchema, lineSchema, timeSchema } from '../../contract/base/fields.ts';
import { validate } from '../../contract/base/validate.ts';
import { caseResultSchema, metricSchema, type CaseResult, type Metric } from '../../contract/domain/behaviourResult.ts';
import { MAX_CASES } from '../../contract/domain/behaviour.ts';

export const RESULT_FORMAT = 'errata.result.1';

export interface BehaviourResult {
  readonly format: typeof RESULT_FORMAT;
  /** Null: the model without any edit. */
  readonly version: string | null;
  readonly model: string;
  readonly behaviour: string;
  /** In the order of the behaviour's cases. */
  readonly cases: readonly CaseResult[];
  /** Further measurements by name, collateral among them: `passRate`, `kl`, `lossHeldOut` … */
  readonly metrics: Readonly<Record<string, Metric>>;
  /** The program and settings that made it, for reproduction. */
  readonly tool: string;
  readonly author: string;
  readonly time: string;
}

const resultSchema = v.strictObject({
  format: v.literal(RESULT_FORMAT, `expected the format ${RESULT_FORMAT}`),
  version: v.nullable(hashSchema),
  model: hashSchema,
  behaviour: hashSchema,
  cases: v.pipe(
    v.array(caseResultSchema),
    v.minLength(1, 'a result needs a case'),
    v.maxLength(MAX_CASES, `more than ${MAX_CASES} cases`),
  ),
  metrics: v.pipe(
    v.record(
      v.pipe(v.string(), v.regex(/^[A-Za-z][A-Za-z0-9.]{0,63}$/u, 'expected the name of a metric')),
      metricSchema,
    ),
    v.check((metrics) => Object.keys(metrics).length <= 1000, 'more than 1000 metrics'),
  ),
  tool: lineSchema(500, 1),
  author: authorSchema,
  time: timeSchema,
});

/** @throws AppError(code) for NaN, an unknown member, a malformed hash … */
export function parseResult(value: unknown, subject = 'The result', code: ErrorCode = 'usage'): BehaviourResult {
  return validate(resultSchema, value, subject, code);
}

/** Share of the cases that passed, 0 to 1. */
export function passRate(result: BehaviourResult): number {
  return result.cases.filter((each) => each.passed).length / result.cases.length;
}

export interface ResultComparison {
  readonly passRateBefore: number;
  readonly passRateAfter: number;
  /** Indices of cases that passed before and fail now, and the reverse. */
  readonly broken: readonly number[];
  readonly mended: readonly number[];
  /** Metrics that both measured: after − before. */
  readonly metrics: Readonly<
    Record<string, { readonly before: Metric; readonly after: Metric; readonly difference: number }>
  >;
}

/** Compares two results of one behaviour case by case. The caller has made sure that it is one behaviour. */
export function compareResults(before: BehaviourResult, after: BehaviourResult): ResultComparison {
  const changed = (passedBefore: boolean) =>
    after.cases.flatMap((each, index) => {
      const old = before.cases[index];
      return old !== undefined && old.passed === passedBefore && each.passed !== passedBefore ? [index] : [];
    });
  const metrics = Object.entries(after.metrics).flatMap(([name, metric]) => {
    const old = before.metrics[name];
    return old === undefined
      ? []
      : [[name, { before: old, after: metric, difference: metric.value - old.value }] as const];
  });
  return {
    passRateBefore: passRate(before),
    passRateAfter: passRate(after),
    broken: changed(true),
    mended: changed(false),
    metrics: Object.fromEntries(metrics),
  };
}

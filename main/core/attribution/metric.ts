// What is attributed: one number of a text, made of logits and log-probabilities at its positions. A sum of terms, so that one
// graph serves all of them: what differs is fed.
import { Tensor } from 'onnxruntime-common';
import { AppError } from '../../contract/base/errors.ts';
import type { ModelConfig } from '../models/config.ts';

/** weight·(logit of `target` after the token at `position`), or of its log-probability in nats. */
export interface MetricTerm {
  readonly position: number;
  readonly target: number;
  readonly weight: number;
  readonly of: 'logit' | 'logProbability';
}

/** The sum of its terms. */
export type Metric = readonly MetricTerm[];

/** The logit of a token, less that of another where one is given. */
export function logitMetric(position: number, target: number, against: number | null): Metric {
  const term = (id: number, weight: number): MetricTerm => ({ position, target: id, weight, of: 'logit' });
  return against === null ? [term(target, 1)] : [term(target, 1), term(against, -1)];
}

/** The log-probability of the tokens from `from` on, given all before them. */
export function continuationMetric(ids: readonly number[], from: number): Metric {
  return ids
    .slice(from)
    .map((target, index) => ({ position: from + index - 1, target, weight: 1, of: 'logProbability' }));
}

/** @throws AppError `usage` for a position outside of the text or a token outside of the vocabulary. */
export function checkMetric(config: ModelConfig, metric: Metric, length: number): void {
  if (metric.length === 0) throw new AppError('empty', 'There is no token to explain.');
  for (const { position, target } of metric) {
    if (!Number.isInteger(position) || position < 0 || position >= length) {
      throw new AppError('usage', `Position ${position} is outside the text, whose positions are 0 to ${length - 1}.`);
    }
    if (!Number.isInteger(target) || target < 0 || target >= config.vocabularySize) {
      throw new AppError(
        'usage',
        `The token id ${target} is not in this model's vocabulary of ${config.vocabularySize}.`,
      );
    }
  }
}

/** The inputs of the head `metric` for one metric a row. */
export function metricFeeds(metrics: readonly Metric[]): Record<string, Tensor> {
  const terms = metrics.flatMap((metric, row) => metric.map((term) => ({ row, ...term })));
  const floats = (numbers: readonly number[]) => new Tensor('float32', Float32Array.from(numbers), [numbers.length]);
  const ints = (numbers: readonly number[], width: number) =>
    new Tensor('int64', BigInt64Array.from(numbers, BigInt), [numbers.length / width, width]);
  return {
    metric_positions: ints(
      terms.flatMap(({ row, position }) => [row, position]),
      2,
    ),
    metric_targets: ints(
      terms.map(({ target }) => target),
      1,
    ),
    metric_weights: floats(terms.map(({ weight }) => weight)),
    metric_normalisations: floats(terms.map(({ of }) => (of === 'logProbability' ? 1 : 0))),
  };
}

/** The metric of each row from what the head gave, in double precision. */
export function metricValues(metrics: readonly Metric[], terms: Float32Array): number[] {
  let next = 0;
  return metrics.map((metric) => metric.reduce((sum) => sum + (terms[next++] ?? NaN), 0));
}

// How exactly an operation does in the graph what its definition says: shown wherever the operation is shown.
import { percent } from '../../contract/base/figures.ts';
import type { Badge } from '../../contract/domain/exportForms.ts';
import { OPERATIONS, type Operation } from '../../contract/domain/operations/index.ts';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import { kindOf } from '../dictionaries/kinds/index.ts';
import { disagreementRate, type FeatureThreshold } from '../dictionaries/featureThresholds.ts';

export interface Exactness {
  /**
   * `exact`: what the definition says, up to rounding in float32. `calibrated`: a feature that competes fires above a threshold of
   * its own instead of by competition. `approximate`: compiled into weights, to a stated tolerance.
   */
  readonly badge: Badge;
  readonly reason: string;
}

/** The features whose activations an operation reads: those that competition matters for. */
export function featuresRead(operation: Operation): number[] {
  const others = [
    ...operation.gates.map(({ feature }) => feature),
    ...(operation.scope.positions === 'fromFirstFiring' ? [operation.scope.feature] : []),
  ];
  return [...new Set(OPERATIONS[operation.kind].reads === 'feature' ? [operation.feature, ...others] : others)].sort(
    (a, b) => a - b,
  );
}

/**
 * Of an operation in a model's graph, interactive or exported.
 * @param thresholds of single features that compete, where the graph has them in place of the competition.
 */
export function graphExactness(
  operation: Operation,
  dictionary: Pick<Dictionary, 'architecture' | 'size' | 'k'>,
  thresholds: readonly FeatureThreshold[] = [],
): Exactness {
  const read = featuresRead(operation);
  if (read.length === 0) return { badge: 'exact', reason: 'It reads no feature activation.' };
  const calibrated = thresholds.filter(({ feature }) => read.includes(feature));
  const kind = kindOf(dictionary);
  if (kind.competes && calibrated.length > 0) {
    return { badge: 'calibrated', reason: calibrated.map(thresholdText).join(' ') };
  }
  return { badge: 'exact', reason: kind.exactness(dictionary) };
}

function thresholdText(threshold: FeatureThreshold): string {
  const { feature, tokens, firingRate } = threshold;
  return (
    `Feature ${feature} fires above ${Number(threshold.threshold.toPrecision(4))} instead of in competition: ` +
    `they differ on ${percent(disagreementRate(threshold))} of ${tokens} held-out tokens, of which it fires on ${percent(firingRate)}.`
  );
}

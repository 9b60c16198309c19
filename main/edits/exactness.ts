// How exactly an operation does in the graph what its definition says: shown wherever the operation is shown.
import type { Dictionary } from '../dictionaries/dictionary.ts';
import { featuresOf, type Operation } from './edit.ts';

export interface Exactness {
  /**
   * `exact`: what the definition says, up to rounding in float32. `calibrated`: a topk feature fires above a threshold of
   * its own instead of by competition. `approximate`: compiled into weights, to a stated tolerance.
   */
  readonly badge: 'exact' | 'calibrated' | 'approximate';
  readonly reason: string;
}

/** Of an operation in a model's graph, interactive or exported. */
export function graphExactness(operation: Operation, { architecture, size, k }: Dictionary): Exactness {
  const isUnconditional = operation.kind === 'steer' || operation.kind === 'project';
  const readsFeatures = !isUnconditional || featuresOf(operation).length > 1 || operation.gates.length > 0;
  if (!readsFeatures) return { badge: 'exact', reason: 'It reads no feature activation.' };
  switch (architecture) {
    case 'topk':
      return {
        badge: 'exact',
        reason: `All ${size} features are evaluated, so that the ${k ?? 0} largest are kept as in training.`,
      };
    case 'batchtopk':
      return {
        badge: 'exact',
        reason: 'Each feature depends on its own row and the threshold the dictionary carries.',
      };
    case 'relu':
    case 'jumprelu':
      return { badge: 'exact', reason: 'Each feature depends on its own row only.' };
  }
}

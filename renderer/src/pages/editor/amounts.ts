// The number of an operation: its name, what it starts as, and the range in which a slider looks for it.
import type { Operation } from '../../api/types.ts';
import { amountName, type OperationKind } from '../edits/operationText.ts';

export type Target = Pick<Operation, 'feature' | 'dictionary' | 'site' | 'scope' | 'gates'>;

/** Null for an operation without a number. */
export function amountOf(operation: Operation): number | null {
  switch (operation.kind) {
    case 'ablate':
      return null;
    case 'scale':
    case 'project':
      return operation.factor;
    case 'steer':
      return operation.amount;
    default:
      return operation.value;
  }
}

export function operationOf(kind: OperationKind, amount: number, target: Target): Operation {
  const { feature, dictionary, site, scope, gates } = target;
  const place = { feature, dictionary, site, scope, gates };
  switch (kind) {
    case 'ablate':
      return { ...place, kind };
    case 'scale':
    case 'project':
      return { ...place, kind, factor: amount };
    case 'steer':
      return { ...place, kind, amount };
    default:
      return { ...place, kind, value: amount };
  }
}

/** Where a feature's activations are not known. */
const UNKNOWN_MAX = 10;

/** A number that is worth a try when an operation is new. @param max largest activation of the feature; null: not known. */
export function firstAmount(kind: OperationKind, max: number | null): number {
  const size = tidy(max ?? UNKNOWN_MAX);
  switch (kind) {
    case 'steer':
      return size;
    case 'floor':
    case 'cap':
      return tidy(size / 2);
    default:
      return 0;
  }
}

export interface Range {
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

/**
 * Factors have a range of their own; values and amounts are measured in the feature's largest activation. Wide enough for what
 * the number is now.
 */
export function rangeOf(kind: OperationKind, amount: number, largest: number | null): Range {
  const size = largest !== null && largest > 0 ? largest : UNKNOWN_MAX;
  const [low, high] =
    amountName(kind) === 'factor'
      ? [-4, 4]
      : kind === 'floor' || kind === 'cap'
        ? [0, 2 * size]
        : [-4 * size, 4 * size];
  return covering(low, high, amount);
}

/** Of a gate: it is open where the feature is above it, so from 0 to the largest activation. */
export function thresholdRange(threshold: number, largest: number | null): Range {
  return covering(0, largest !== null && largest > 0 ? largest : UNKNOWN_MAX, threshold);
}

/** Two hundred steps, of a size that people read easily: 1, 2 or 5 times a power of ten. */
function covering(low: number, high: number, amount: number): Range {
  const [min, max] = [Math.min(low, amount), Math.max(high, amount)];
  const rough = (max - min) / 200;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((multiple) => multiple * power >= rough) ?? 10);
  return { min: Math.floor(min / step) * step, max: Math.ceil(max / step) * step, step };
}

/** Two significant digits. */
function tidy(value: number): number {
  return Number(value.toPrecision(2));
}

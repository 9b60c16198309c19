// The number of an operation: its name, what it starts as, and the range in which a slider looks for it.
import { OPERATIONS, type OperationKind } from '../../../../main/contract/domain/operations/index.ts';

/** Where a feature's activations are not known. */
const UNKNOWN_MAX = 10;

/** A number that is worth a try when an operation is new; 0 for a kind that takes none. @param max largest activation of the feature; null: not known. */
export function firstAmount(kind: OperationKind, max: number | null): number {
  return tidy(OPERATIONS[kind].number?.first(known(max)) ?? 0);
}

export interface Range {
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

/** The range of the kind, wide enough for what the number is now. */
export function rangeOf(kind: OperationKind, amount: number, max: number | null): Range {
  const [low, high] = OPERATIONS[kind].number?.range(known(max)) ?? [0, 1];
  return covering(low, high, amount);
}

/** Of a gate: it is open where the feature is above it, so from 0 to the largest activation. */
export function thresholdRange(threshold: number, largest: number | null): Range {
  return covering(0, known(largest), threshold);
}

function known(max: number | null): number {
  return max !== null && max > 0 ? max : UNKNOWN_MAX;
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

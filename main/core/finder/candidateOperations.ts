// What a search tries: operations on a feature, gentler forms of them, and edits with and without one.
import { targetKey, type Edit, type Gate, type Operation } from '../edits/edit.ts';
import type { DictionarySite } from '../edits/editPatches.ts';

/** A feature that an operation can change, and its mean activation where it fires. */
export interface Changeable extends DictionarySite {
  readonly feature: number;
  readonly mean: number;
}

/** The multiple that candidates are ranked with. */
export const SWEEP_MULTIPLE = 2;

/** @param multiple of the feature's mean that it is turned to the negative of; 0 is ablation. */
export function operationOf(
  { site, dictionary, feature, mean }: Changeable,
  multiple: number,
  gates: readonly Gate[] = [],
): Operation {
  const target = { site, dictionary, feature, scope: { positions: 'notBos' as const }, gates };
  return multiple === 0
    ? { ...target, kind: 'ablate' }
    : { ...target, kind: 'clampActive', value: rounded(-multiple * mean) };
}

/** Gentler forms of an operation. */
export function weaker(operation: Operation): Operation[] {
  if (operation.kind !== 'clampActive') return [];
  const { value, ...rest } = operation;
  return [
    { ...rest, kind: 'ablate' },
    { ...operation, value: rounded(value / 2) },
    { ...operation, value: rounded(value * 0.75) },
  ];
}

export function withOperation(edit: Edit, operation: Operation): Edit {
  return { operations: [...without(edit, operation).operations, operation] };
}

export function without(edit: Edit, operation: Operation): Edit {
  const key = targetKey(operation);
  return { operations: edit.operations.filter((other) => targetKey(other) !== key) };
}

/** Two digits say enough, and read better. */
function rounded(value: number): number {
  return Number(value.toPrecision(2));
}

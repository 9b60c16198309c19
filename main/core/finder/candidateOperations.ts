// What a search tries: operations on a feature, gentler forms of them, and edits with and without one.
import { AppError } from '../../contract/base/errors.ts';
import { targetKey, type Edit } from '../../contract/domain/edit.ts';
import {
  makeOperation,
  numberOf,
  OPERATION_KINDS,
  OPERATIONS,
  type Operation,
} from '../../contract/domain/operations/index.ts';
import type { Target } from '../../contract/domain/operations/target.ts';
import type { DictionarySite } from '../edits/editPatches.ts';

/** A feature that an operation can change, and its mean activation where it fires. */
export interface Changeable extends DictionarySite {
  readonly feature: number;
  readonly mean: number;
}

/** The multiple that candidates are ranked with. */
export const SWEEP_MULTIPLE = 2;

/** All operations that turn a feature to the negative of a multiple of its mean; of multiple 0, that take it out. */
export function operationsAt({ mean, ...place }: Changeable, multiple: number): Operation[] {
  return turned({ ...place, scope: { positions: 'notBos' }, gates: [] }, multiple, mean);
}

/** The first of them: the one that features are compared by. */
export function operationAt(changeable: Changeable, multiple: number): Operation {
  const [operation] = operationsAt(changeable, multiple);
  if (!operation) throw new AppError('internal', `No operation turns a feature to ${-multiple} times its mean.`);
  return operation;
}

/** Gentler forms of an operation: those that take the feature out, and the same with other numbers. */
export function weaker(operation: Operation): Operation[] {
  const number = numberOf(operation);
  const { finder } = OPERATIONS[operation.kind];
  if (number === null || !finder) return [];
  const gentler = finder.gentler(number).map((other) => makeOperation(operation.kind, rounded(other), operation));
  return [...turned(operation, 0, 0), ...gentler];
}

/** The same operation with its number multiplied; none where it has no number, or would not change. */
export function withOtherNumbers(operation: Operation, factors: readonly number[]): Operation[] {
  const number = numberOf(operation);
  if (number === null || number === 0) return [];
  return factors.map((factor) => makeOperation(operation.kind, rounded(number * factor), operation));
}

function turned(target: Target, multiple: number, mean: number): Operation[] {
  return OPERATION_KINDS.flatMap((kind) => {
    const number = OPERATIONS[kind].finder?.numberAt(multiple, mean) ?? null;
    return number === null ? [] : [makeOperation(kind, rounded(number), target)];
  });
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

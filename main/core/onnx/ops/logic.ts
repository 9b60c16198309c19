// Comparisons, and what follows from them.
import { describe, graphError, type Value } from '../graph.ts';
import { emit, lift, sameType, broadcast, unary, binary, type Operand } from './emit.ts';

export const equal = binary('Equal', 'bool');
export const greater = binary('Greater', 'bool');
export const greaterOrEqual = binary('GreaterOrEqual', 'bool');
export const less = binary('Less', 'bool');
export const lessOrEqual = binary('LessOrEqual', 'bool');
export const and = binary('And', 'bool');

export const not = unary('Not');

export function where(condition: Value, a: Operand, b: Operand): Value {
  if (condition.type !== 'bool') throw graphError(`${describe(condition)} is not a condition.`);
  const left = lift(a, b);
  const right = lift(b, a);
  const type = sameType(left, right);
  return emit('Where', [condition, left, right], {
    type,
    shape: broadcast(condition.shape, broadcast(left.shape, right.shape)),
  });
}

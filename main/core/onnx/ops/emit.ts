// What all operators share: how a node is added to the graph, and the rules for types and shapes of operands.
// A plain number beside a value becomes a constant of the value's type.
import type { ElementType } from '../elementType.ts';
import {
  describe,
  graphError,
  type Attribute,
  type Dim,
  type GraphBuilder,
  type OutputSpec,
  type Shape,
  type Value,
} from '../graph.ts';

type Attributes = Readonly<Record<string, Attribute>>;
export type Operand = Value | number;

function only(values: readonly Value[]): Value {
  const [value] = values;
  if (!value) throw graphError('A node without output.');
  return value;
}

export function emit(
  opType: string,
  inputs: readonly (Value | null)[],
  output: OutputSpec,
  attributes: Attributes = {},
  domain?: 'com.microsoft',
): Value {
  return only(builderOf(inputs).node(opType, inputs, [output], { attributes, ...(domain ? { domain } : {}) }));
}

/** The innermost graph among the operands: a node inside a Loop body may read values of the outer graph. */
function builderOf(inputs: readonly (Value | null)[]): GraphBuilder {
  let innermost: GraphBuilder | undefined;
  for (const input of inputs) {
    if (input && (!innermost || isInside(input.graph, innermost))) innermost = input.graph;
  }
  if (!innermost) throw graphError('An operator without operands has no graph.');
  return innermost;
}

function isInside(graph: GraphBuilder, outer: GraphBuilder): boolean {
  for (let next = graph.outer; next; next = next.outer) if (next === outer) return true;
  return false;
}

export function lift(operand: Operand, beside: Operand): Value {
  if (typeof operand !== 'number') return operand;
  if (typeof beside === 'number') throw graphError('At least one operand must be a value.');
  return beside.graph.constant(beside.type, operand);
}

export function sameType(...values: readonly Value[]): ElementType {
  const [first] = values;
  if (!first) throw graphError('No operands.');
  for (const value of values) {
    if (value.type !== first.type) throw graphError(`Types differ: ${describe(first)} and ${describe(value)}.`);
  }
  return first.type;
}

/** NumPy broadcasting: axes are aligned from the right; equal sizes, or one of them 1. */
export function broadcast(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, index): Dim => {
    const left = a[a.length - rank + index] ?? 1;
    const right = b[b.length - rank + index] ?? 1;
    if (left === right || right === 1) return left;
    if (left === 1) return right;
    throw graphError(`Shapes [${a.join(', ')}] and [${b.join(', ')}] do not broadcast.`);
  });
}

export function axisOf(value: Value, axis: number): number {
  const resolved = axis < 0 ? axis + value.shape.length : axis;
  if (!Number.isInteger(axis) || resolved < 0 || resolved >= value.shape.length) {
    throw graphError(`${describe(value)} has no axis ${axis}.`);
  }
  return resolved;
}

export function size(value: Value, axis: number): Dim {
  return value.shape[axisOf(value, axis)] as Dim;
}

/** A fixed size along an axis; throws when it is only known at run time. */
export function fixedSize(value: Value, axis: number): number {
  const dim = size(value, axis);
  if (typeof dim !== 'number') throw graphError(`${describe(value)} must have a fixed size along axis ${axis}.`);
  return dim;
}

export function ints(graph: GraphBuilder, values: readonly number[]): Value {
  return graph.constant('int64', values);
}

/** An operator on one value whose result has its type and shape. */
export function unary(opType: string, attributes: Attributes = {}) {
  return (x: Value): Value => emit(opType, [x], { type: x.type, shape: x.shape }, attributes);
}

/** An operator on two operands that broadcast. */
export function binary(opType: string, resultType?: ElementType) {
  return (a: Operand, b: Operand): Value => {
    const left = lift(a, b);
    const right = lift(b, a);
    const type = sameType(left, right);
    return emit(opType, [left, right], { type: resultType ?? type, shape: broadcast(left.shape, right.shape) });
  };
}

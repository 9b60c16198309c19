// What a rule of differentiation is: for y = f(x₀, x₁, …) and the gradient of a scalar with respect to y, how to compute the
// gradient with respect to each xᵢ, as nodes of the same graph.
//
// Invariant: a gradient has the type and shape of the value that it belongs to.
import { graphError, type GraphNode, type Value } from '../graph.ts';
import * as op from '../ops.ts';

/** Adds the nodes of one input's gradient; called only where that gradient is needed. */
export type Pull = () => Value;

export interface Pullback {
  readonly node: GraphNode;
  /** Of the first output. */
  readonly gradient: Value;
  /** Of every output; null where nothing depends on it. */
  readonly gradients: readonly (Value | null)[];
  /** Whether the input depends on a wanted value. */
  readonly isActive: (input: number) => boolean;
}

/** One entry an input; null, or none: no gradient ever flows there. */
export type Rule = (pullback: Pullback) => readonly (Pull | null)[];

export interface Rules {
  readonly name: string;
  readonly table: Readonly<Record<string, Rule>>;
  /** Operators whose outputs count as constants. */
  readonly constant: ReadonlySet<string>;
}

export function inputOf(node: GraphNode, index: number): Value {
  const value = node.inputs[index];
  if (!value) throw graphError(`A ${node.opType} node has no input ${index}.`);
  return value;
}

export function outputOf(node: GraphNode, index = 0): Value {
  const value = node.outputs[index];
  if (!value) throw graphError(`A ${node.opType} node has no output ${index}.`);
  return value;
}

/** The numbers of an input that must be fixed in the graph, such as the axes of a sum. */
export function fixedNumbers(node: GraphNode, index: number): readonly number[] {
  const value = inputOf(node, index);
  const numbers = value.graph.numbersOf(value);
  if (numbers) return numbers;
  throw graphError(`The gradient of ${node.opType} needs ${value.name} to be fixed in the graph.`);
}

/** Sums a gradient over the axes along which `target` was repeated, so that it has the shape of `target`. */
export function sumTo(gradient: Value, target: Value): Value {
  if (gradient.shape.join() === target.shape.join()) return gradient;
  const lead = gradient.shape.length - target.shape.length;
  const axes = gradient.shape.flatMap((dim, axis) => {
    const own = axis < lead ? 1 : target.shape[axis - lead];
    return axis < lead || (own === 1 && dim !== 1) ? [axis] : [];
  });
  const summed = op.reduceSum(gradient, axes);
  return lead === 0
    ? summed
    : op.squeeze(
        summed,
        axes.filter((axis) => axis < lead),
      );
}

/** 0 in the shape of `like`. */
export function zerosLike(like: Value): Value {
  return op.expand(like.graph.constant(like.type, 0), like);
}

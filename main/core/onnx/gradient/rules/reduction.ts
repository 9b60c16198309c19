// Derivatives of sums, means, norms and maxima along axes.
import type { GraphNode, Value } from '../../graph.ts';
import * as op from '../../ops.ts';
import { fixedNumbers, inputOf, outputOf, type Pullback, type Rule } from '../rule.ts';

/** A value of the reduced shape with its axes of size 1 back in place. */
function keepingDims(node: GraphNode, reduced: Value): Value {
  return node.int('keepdims', 1) === 1 ? reduced : op.unsqueeze(reduced, fixedNumbers(node, 1));
}

/** The gradient and the result, both of which broadcast to x. */
function parts({ node, gradient }: Pullback): { x: Value; y: Value; g: Value } {
  return { x: inputOf(node, 0), y: keepingDims(node, outputOf(node)), g: keepingDims(node, gradient) };
}

/** How many numbers each result was made of: a number, or a value of x's type where it is known at run time only. */
function countReduced(node: GraphNode, x: Value): Value | number {
  const dims = fixedNumbers(node, 1).map((axis) => op.size(x, axis));
  if (dims.every((dim) => typeof dim === 'number')) return dims.reduce((product, dim) => product * dim, 1);
  return fixedNumbers(node, 1)
    .map((axis) => op.cast(op.sizes(x, axis), x.type))
    .reduce((product, dim) => op.mul(product, dim));
}

export const reduction: Readonly<Record<string, Rule>> = {
  ReduceSum: (pullback) => [
    () => {
      const { x, g } = parts(pullback);
      return op.expand(g, x);
    },
  ],
  ReduceMean: (pullback) => [
    () => {
      const { x, g } = parts(pullback);
      return op.expand(op.div(g, countReduced(pullback.node, x)), x);
    },
  ],
  ReduceSumSquare: (pullback) => [
    () => {
      const { x, g } = parts(pullback);
      return op.mul(op.mul(x, 2), g);
    },
  ],
  // x/‖x‖, and nothing at 0, where the norm has no derivative.
  ReduceL2: (pullback) => [
    () => {
      const { x, y, g } = parts(pullback);
      const isZero = op.equal(y, 0);
      return op.mul(x, op.where(isZero, 0, op.div(g, op.where(isZero, 1, y))));
    },
  ],
  // softmax(x)
  ReduceLogSumExp: (pullback) => [
    () => {
      const { x, y, g } = parts(pullback);
      return op.mul(g, op.exp(op.sub(x, y)));
    },
  ],
  // Shared evenly between equal largest ones.
  ReduceMax: (pullback) => [
    () => {
      const { x, y, g } = parts(pullback);
      const isLargest = op.cast(op.equal(x, y), x.type);
      const ties = op.reduceSum(isLargest, fixedNumbers(pullback.node, 1));
      return op.mul(isLargest, op.div(g, ties));
    },
  ],
  CumSum: ({ node, gradient }) => [
    () => {
      const [axis = 0] = fixedNumbers(node, 1);
      const isReversed = node.int('reverse', 0) === 1;
      return op.cumSum(gradient, axis, { exclusive: node.int('exclusive', 0) === 1, reverse: !isReversed });
    },
  ],
};

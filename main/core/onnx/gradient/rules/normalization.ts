// Derivatives of softmax and of layer normalisation, over one axis.
import type { Value } from '../../graph.ts';
import * as op from '../../ops.ts';
import { inputOf, outputOf, sumTo, type Rule } from '../rule.ts';

/** The parts of x̂ = (x − mean)/√(variance + epsilon), computed from x again: they are cheap next to a product. */
export function normalized(x: Value, epsilon: number): { readonly centred: Value; readonly inverse: Value } {
  const centred = op.sub(x, op.reduceMean(x, [-1]));
  const variance = op.reduceMean(op.mul(centred, centred), [-1]);
  return { centred, inverse: op.div(1, op.sqrt(op.add(variance, epsilon))) };
}

export const normalization: Readonly<Record<string, Rule>> = {
  // y·(g − Σ g·y)
  Softmax: ({ node, gradient }) => [
    () => {
      const y = outputOf(node);
      const sum = op.reduceSum(op.mul(gradient, y), [node.int('axis', -1)]);
      return op.mul(y, op.sub(gradient, sum));
    },
  ],
  // g − softmax(x)·Σ g
  LogSoftmax: ({ node, gradient }) => [
    () => op.sub(gradient, op.mul(op.exp(outputOf(node)), op.reduceSum(gradient, [node.int('axis', -1)]))),
  ],
  // With g' = g·scale: (g' − mean(g') − x̂·mean(g'·x̂))/√(variance + epsilon). Ba et al. 2016.
  LayerNormalization: ({ node, gradient }) => {
    const [x, scale, bias] = [inputOf(node, 0), inputOf(node, 1), node.inputs[2] ?? null];
    const { centred, inverse } = normalized(x, node.float('epsilon', 1e-5));
    const direction = op.mul(centred, inverse);
    return [
      () => {
        const scaled = op.mul(gradient, scale);
        const along = op.mul(direction, op.reduceMean(op.mul(scaled, direction), [-1]));
        return op.mul(op.sub(op.sub(scaled, op.reduceMean(scaled, [-1])), along), inverse);
      },
      () => sumTo(op.mul(gradient, direction), scale),
      bias ? () => sumTo(gradient, bias) : null,
    ];
  },
};

// The sets of rules that a gradient can be taken by: one table each, from operator to rule.
import * as op from '../ops.ts';
import { inputOf, outputOf, sumTo, type Rule, type Rules } from './rule.ts';
import { elementwise } from './rules/elementwise.ts';
import { geluGate, tanhGeluGate } from './rules/gelu.ts';
import { linear } from './rules/linear.ts';
import { normalization, normalized } from './rules/normalization.ts';
import { reduction } from './rules/reduction.ts';
import { selection } from './rules/selection.ts';
import { shape } from './rules/shape.ts';

/** The derivative itself. */
export const EXACT: Rules = {
  name: 'exact',
  table: { ...elementwise, ...linear, ...normalization, ...reduction, ...selection, ...shape },
  constant: new Set(),
};

/** f(x)/x in place of f'(x). */
const throughGate = (gate: (x: ReturnType<typeof inputOf>) => ReturnType<typeof inputOf>): Rule => {
  return ({ node, gradient }) => [() => op.mul(gradient, gate(inputOf(node, 0)))];
};

/**
 * RelP (Jafari et al. 2025, arXiv 2508.21258): attention patterns, gates and the divisors of norms are held constant, and
 * activation functions are f(x)/x times their input. Where two factors depend on what is asked for, the first is the gate.
 * Sigmoids are gates of SiLU; square roots divide in RMSNorm.
 */
export const RELP: Rules = {
  name: 'relp',
  constant: new Set(['Softmax', 'Sigmoid', 'Sqrt']),
  table: {
    ...EXACT.table,
    Gelu: (pullback) =>
      throughGate(pullback.node.text('approximate', 'none') === 'tanh' ? tanhGeluGate : geluGate)(pullback),
    Tanh: ({ node, gradient }) => [
      () => {
        const x = inputOf(node, 0);
        const isZero = op.equal(x, 0);
        return op.mul(gradient, op.where(isZero, 1, op.div(outputOf(node), op.where(isZero, 1, x))));
      },
    ],
    Mul: ({ node, gradient, isActive }) => {
      const [a, b] = [inputOf(node, 0), inputOf(node, 1)];
      return [isActive(1) ? null : () => sumTo(op.mul(gradient, b), a), () => sumTo(op.mul(gradient, a), b)];
    },
    LayerNormalization: ({ node, gradient }) => [
      () => {
        const { inverse } = normalized(inputOf(node, 0), node.float('epsilon', 1e-5));
        const scaled = op.mul(gradient, inputOf(node, 1));
        return op.mul(op.sub(scaled, op.reduceMean(scaled, [-1])), inverse);
      },
    ],
  },
};

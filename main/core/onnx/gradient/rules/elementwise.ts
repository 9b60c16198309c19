// Derivatives of operators that act number by number. Operands that were repeated (broadcast) get the sum over the repeats.
import type { Value } from '../../graph.ts';
import * as op from '../../ops.ts';
import { fixedNumbers, inputOf, outputOf, sumTo, type Rule } from '../rule.ts';
import { geluSlope, tanhGeluSlope } from './gelu.ts';

/** f'(x) from x and y = f(x). */
function byDerivative(derivative: (x: Value, y: Value) => Value): Rule {
  return ({ node, gradient }) => [() => op.mul(gradient, derivative(inputOf(node, 0), outputOf(node)))];
}

/** The gradients of both operands, in the shape of the result. */
function binary(each: (g: Value, a: Value, b: Value, y: Value) => readonly [() => Value, () => Value]): Rule {
  return ({ node, gradient }) => {
    const [a, b] = [inputOf(node, 0), inputOf(node, 1)];
    const [first, second] = each(gradient, a, b, outputOf(node));
    return [() => sumTo(first(), a), () => sumTo(second(), b)];
  };
}

/** Where the condition holds the first operand is passed on, elsewhere the second. */
function choosing(isFirst: (a: Value, b: Value) => Value): Rule {
  return binary((g, a, b) => [() => op.where(isFirst(a, b), g, 0), () => op.where(isFirst(a, b), 0, g)]);
}

export const elementwise: Readonly<Record<string, Rule>> = {
  Identity: ({ gradient }) => [() => gradient],
  Cast: ({ node, gradient }) => [() => op.cast(gradient, inputOf(node, 0).type)],
  Add: binary((g) => [() => g, () => g]),
  Sub: binary((g) => [() => g, () => op.neg(g)]),
  Mul: binary((g, a, b) => [() => op.mul(g, b), () => op.mul(g, a)]),
  Div: binary((g, _a, b, y) => [() => op.div(g, b), () => op.neg(op.div(op.mul(g, y), b))]),
  // Of equal operands the first is passed on.
  Max: choosing(op.greaterOrEqual),
  Min: choosing(op.lessOrEqual),
  Neg: ({ gradient }) => [() => op.neg(gradient)],
  Abs: byDerivative(op.sign),
  Sqrt: byDerivative((_, y) => op.div(0.5, y)),
  Exp: byDerivative((_, y) => y),
  Log: byDerivative((x) => op.div(1, x)),
  Tanh: byDerivative((_, y) => op.sub(1, op.mul(y, y))),
  Sigmoid: byDerivative((_, y) => op.mul(y, op.sub(1, y))),
  Erf: byDerivative((x) => op.mul(op.exp(op.neg(op.mul(x, x))), 2 / Math.sqrt(Math.PI))),
  Relu: ({ node, gradient }) => [() => op.where(op.greater(inputOf(node, 0), 0), gradient, 0)],
  Clip: ({ node, gradient }) => [() => op.where(op.greater(inputOf(node, 0), inputOf(node, 1)), gradient, 0), null],
  // A condition has no derivative: what lies below a threshold gets nothing, and the threshold neither.
  Where: ({ node, gradient }) => {
    const [condition, a, b] = [inputOf(node, 0), inputOf(node, 1), inputOf(node, 2)];
    return [null, () => sumTo(op.where(condition, gradient, 0), a), () => sumTo(op.where(condition, 0, gradient), b)];
  },
  // xᶜ with c fixed: c·xᶜ⁻¹.
  Pow: ({ node, gradient }) => [
    () => {
      const x = inputOf(node, 0);
      const [c = NaN] = fixedNumbers(node, 1);
      const slope = c === 2 ? op.mul(x, 2) : op.mul(op.pow(x, c - 1), c);
      return op.mul(gradient, slope);
    },
  ],
  Gelu: ({ node, gradient }) => [
    () => {
      const slope = node.text('approximate', 'none') === 'tanh' ? tanhGeluSlope : geluSlope;
      return op.mul(gradient, slope(inputOf(node, 0)));
    },
  ],
  Expand: ({ node, gradient }) => [() => sumTo(gradient, inputOf(node, 0))],
};

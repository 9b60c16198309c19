// Elementwise arithmetic and activation functions.
import { describe, graphError, type Value } from '../graph.ts';
import { emit, sameType, unary, binary } from './emit.ts';

export const add = binary('Add');
export const sub = binary('Sub');
export const mul = binary('Mul');
export const div = binary('Div');
export const pow = binary('Pow');
export const max = binary('Max');
export const min = binary('Min');

export const neg = unary('Neg');
export const abs = unary('Abs');
/** −1, 0 or 1. */
export const sign = unary('Sign');
/** The error function, 2/√π·∫₀ˣ exp(−t²) dt. */
export const erf = unary('Erf');
export const sqrt = unary('Sqrt');
export const exp = unary('Exp');
export const log = unary('Log');
export const tanh = unary('Tanh');
export const sigmoid = unary('Sigmoid');
export const relu = unary('Relu');
/** x·Φ(x), by the error function. */
export const gelu = unary('Gelu', { approximate: { string: 'none' } });
/** x·Φ(x), by its tanh approximation (gelu_new, gelu_pytorch_tanh). */
export const geluTanh = unary('Gelu', { approximate: { string: 'tanh' } });

/** x·sigmoid(x). */
export function silu(x: Value): Value {
  return mul(x, sigmoid(x));
}

/** max(x, low), low a scalar: `[]`. Unlike Max in ONNX Runtime it works in place, on all threads. */
export function clip(x: Value, low: Value): Value {
  sameType(x, low);
  if (low.shape.length !== 0) throw graphError(`Clip wants a scalar, not ${describe(low)}.`);
  return emit('Clip', [x, low], { type: x.type, shape: x.shape });
}

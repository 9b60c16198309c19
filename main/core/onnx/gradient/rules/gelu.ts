// GELU (Hendrycks & Gimpel 2016), x·Φ(x): its gate Φ and its derivative, exact and by the tanh approximation.
import type { Value } from '../../graph.ts';
import * as op from '../../ops.ts';

const TANH_SCALE = Math.sqrt(2 / Math.PI);
const TANH_CUBE = 0.044715;

/** Φ(x) = (1 + erf(x/√2))/2. */
export function geluGate(x: Value): Value {
  return op.mul(op.add(op.erf(op.mul(x, Math.SQRT1_2)), 1), 0.5);
}

/** Φ(x) + x·φ(x). */
export function geluSlope(x: Value): Value {
  const density = op.mul(op.exp(op.mul(op.mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return op.add(geluGate(x), op.mul(x, density));
}

/** tanh(√(2/π)·(x + 0.044715·x³)). */
function innerTanh(x: Value): Value {
  const cubic = op.add(op.mul(op.mul(x, x), TANH_CUBE * TANH_SCALE), TANH_SCALE);
  return op.tanh(op.mul(x, cubic));
}

/** (1 + t)/2 with t = tanh(…). */
export function tanhGeluGate(x: Value): Value {
  return op.mul(op.add(innerTanh(x), 1), 0.5);
}

/** (1 + t)/2 + x·(1 − t²)/2·√(2/π)·(1 + 3·0.044715·x²). */
export function tanhGeluSlope(x: Value): Value {
  const t = innerTanh(x);
  const inner = op.add(op.mul(op.mul(x, x), 1.5 * TANH_CUBE * TANH_SCALE), 0.5 * TANH_SCALE);
  const bend = op.mul(op.mul(x, inner), op.sub(1, op.mul(t, t)));
  return op.add(op.mul(op.add(t, 1), 0.5), bend);
}

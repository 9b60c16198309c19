// Matrix products.
import { describe, graphError, type Attribute, type Dim, type Value } from '../graph.ts';
import { emit, sameType, broadcast, size, fixedSize } from './emit.ts';
import { reshape } from './shape.ts';

/** Batched matrix product `[…, m, k] × […, k, n] → […, m, n]`; leading axes broadcast. */
export function matMul(a: Value, b: Value): Value {
  const type = sameType(a, b);
  if (a.shape.length < 2 || b.shape.length < 2 || size(a, -1) !== size(b, -2)) {
    throw graphError(`Cannot multiply ${describe(a)} by ${describe(b)}.`);
  }
  const lead = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
  return emit('MatMul', [a, b], { type, shape: [...lead, size(a, -2), size(b, -1)] });
}

/** alpha·A'·B' + beta·C on matrices; A' is A or its transpose. C broadcasts to `[m, n]`. */
export function gemm(
  a: Value,
  b: Value,
  c: Value | null = null,
  { transA = false, transB = false, alpha = 1, beta = 1 } = {},
): Value {
  const type = c ? sameType(a, b, c) : sameType(a, b);
  const [m, k] = transA ? [size(a, 1), size(a, 0)] : [size(a, 0), size(a, 1)];
  const [k2, n] = transB ? [size(b, 1), size(b, 0)] : [size(b, 0), size(b, 1)];
  if (a.shape.length !== 2 || b.shape.length !== 2 || k !== k2) {
    throw graphError(`Gemm cannot multiply ${describe(a)} by ${describe(b)}.`);
  }
  if (c) broadcast(c.shape, [m, n]);
  const attributes: Record<string, Attribute> = {
    transA: { int: transA ? 1 : 0 },
    transB: { int: transB ? 1 : 0 },
    alpha: { float: alpha },
    beta: { float: beta },
  };
  return emit('Gemm', c ? [a, b, c] : [a, b], { type, shape: [m, n] }, attributes);
}

/**
 * x·W' + bias over the last axis: `[…, d_in] → […, d_out]`. `weight` is `[d_out, d_in]` (torch's Linear) or, with
 * `transposed`, `[d_in, d_out]` (GPT-2's Conv1D). Goes through a 2-D Gemm, so that the weight is read as it lies in the
 * user's file and never copied into its transpose.
 */
export function linear(x: Value, weight: Value, bias: Value | null = null, { transposed = false } = {}): Value {
  const dIn = fixedSize(x, -1);
  const dOut = fixedSize(weight, transposed ? 1 : 0);
  const rows = x.shape.length === 2 ? x : reshape(x, [rowsName(x), dIn]);
  const y = gemm(rows, weight, bias, { transB: !transposed });
  return x.shape.length === 2 ? y : reshape(y, [...x.shape.slice(0, -1), dOut]);
}

/** The name of the dimension that all leading axes of `x` make together. */
function rowsName(x: Value): Dim {
  const lead = x.shape.slice(0, -1);
  if (lead.every((dim) => typeof dim === 'number')) return lead.reduce<number>((product, dim) => product * dim, 1);
  return lead.join('·');
}

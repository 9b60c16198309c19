// Derivatives of matrix products. Giles 2008, "An extended collection of matrix derivative results": for Y = A·B and the
// gradient G of Y, A gets G·Bᵀ and B gets Aᵀ·G.
import type { Value } from '../../graph.ts';
import * as op from '../../ops.ts';
import { inputOf, sumTo, type Rule } from '../rule.ts';

function transposed(x: Value): Value {
  const axes = [...x.shape.keys()];
  return op.transpose(x, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
}

export const linear: Readonly<Record<string, Rule>> = {
  MatMul: ({ node, gradient }) => {
    const [a, b] = [inputOf(node, 0), inputOf(node, 1)];
    return [() => sumTo(op.matMul(gradient, transposed(b)), a), () => sumTo(op.matMul(transposed(a), gradient), b)];
  },
  /** Y = alpha·A'·B' + beta·C, where A' is A or its transpose. The transposes are read, never made. */
  Gemm: ({ node, gradient }) => {
    const [a, b, c] = [inputOf(node, 0), inputOf(node, 1), node.inputs[2] ?? null];
    const [transA, transB] = [node.int('transA', 0) === 1, node.int('transB', 0) === 1];
    const [alpha, beta] = [node.float('alpha', 1), node.float('beta', 1)];
    return [
      () =>
        transA
          ? op.gemm(b, gradient, null, { transA: transB, transB: true, alpha })
          : op.gemm(gradient, b, null, { transB: !transB, alpha }),
      () =>
        transB
          ? op.gemm(gradient, a, null, { transA: true, transB: transA, alpha })
          : op.gemm(a, gradient, null, { transA: !transA, alpha }),
      c ? () => sumTo(beta === 1 ? gradient : op.mul(gradient, beta), c) : null,
    ];
  },
};

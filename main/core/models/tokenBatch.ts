// Rows of token ids as the tensors that a model's graph asks for.
import { Tensor } from 'onnxruntime-common';

/** Fills the places that hold no token. Any id would do: masks and causality keep it from having an effect. */
const PADDING_ID = 0;

/** int64 `[rows, longest]`, short rows padded on one side. */
export function tokenTensor(rows: readonly ArrayLike<number>[], side: 'left' | 'right'): Tensor {
  const width = rows.reduce((longest, row) => Math.max(longest, row.length), 0);
  const ids = new BigInt64Array(rows.length * width).fill(BigInt(PADDING_ID));
  for (const [index, row] of rows.entries()) {
    const start = index * width + (side === 'left' ? width - row.length : 0);
    for (let position = 0; position < row.length; position++) ids[start + position] = BigInt(row[position] as number);
  }
  return new Tensor('int64', ids, [rows.length, width]);
}

/** int64 of a shape; `[values.length]` when left out. */
export function int64Tensor(values: readonly number[], shape: readonly number[] = [values.length]): Tensor {
  return new Tensor('int64', BigInt64Array.from(values, BigInt), shape);
}

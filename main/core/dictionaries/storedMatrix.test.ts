// A stored matrix against plain loops over an array at hand: orders, views of larger tensors, types, scaling, strips.
import { describe, expect, it } from 'vitest';
import { float32ToBfloat16 } from '../numerics/halfPrecision.ts';
import type { TensorInFile } from '../formats/tensorInFile.ts';
import {
  copyInOrder,
  dtypeOfCopy,
  flipped,
  matrixOf,
  rowNorms,
  type Scaling,
  type StoredMatrix,
} from './storedMatrix.ts';

const [ROWS, COLUMNS] = [67, 45];
/** Exact in bfloat16. */
const valueAt = (row: number, column: number) => ((row * COLUMNS + column) % 251) - 125;

function tensor(
  data: Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>,
  shape: readonly number[],
  strides: readonly number[],
  start = 0,
): TensorInFile {
  const width = data.BYTES_PER_ELEMENT;
  return {
    dtype: data instanceof Float32Array ? 'F32' : 'BF16',
    ...{ shape, strides },
    read: (first, count) =>
      Promise.resolve(data.buffer.slice((start + first) * width, (start + first + count) * width)),
  };
}

const rowMajor = () =>
  Float32Array.from({ length: ROWS * COLUMNS }, (_, i) => valueAt(Math.floor(i / COLUMNS), i % COLUMNS));

async function copied(matrix: StoredMatrix, order: 'rows' | 'columns', scaling: Scaling = {}, stripBytes?: number) {
  const all: number[] = [];
  let pieces = 0;
  for await (const piece of copyInOrder(matrix, order, scaling, stripBytes)) {
    pieces++;
    for (const value of piece) all.push(value);
  }
  return { all, pieces };
}

function expected(order: 'rows' | 'columns', factor: (row: number) => number = () => 1): number[] {
  const all: number[] = [];
  const [outer, inner] = order === 'rows' ? [ROWS, COLUMNS] : [COLUMNS, ROWS];
  for (let a = 0; a < outer; a++) {
    for (let b = 0; b < inner; b++) {
      const [row, column] = order === 'rows' ? [a, b] : [b, a];
      all.push(valueAt(row, column) * factor(row));
    }
  }
  return all;
}

describe('a matrix in a file', () => {
  it('is copied row after row and column after column, however it is stored', async () => {
    const plain = await matrixOf('w', tensor(rowMajor(), [ROWS, COLUMNS], [COLUMNS, 1]));
    const columnMajor = Float32Array.from({ length: ROWS * COLUMNS }, (_, i) =>
      valueAt(i % ROWS, Math.floor(i / ROWS)),
    );
    const turned = await matrixOf('w', tensor(columnMajor, [ROWS, COLUMNS], [1, ROWS]));
    const transposed = flipped(await matrixOf('w', tensor(columnMajor, [COLUMNS, ROWS], [ROWS, 1])));
    // A part of a larger tensor: every second row of twice as many, from the second element on.
    const wide = new Float32Array(1 + 2 * ROWS * COLUMNS);
    for (let row = 0; row < ROWS; row++) {
      for (let column = 0; column < COLUMNS; column++) wide[1 + 2 * row * COLUMNS + column] = valueAt(row, column);
    }
    const part = await matrixOf('w', tensor(wide, [ROWS, COLUMNS], [2 * COLUMNS, 1], 1));
    for (const matrix of [plain, turned, transposed, part]) {
      for (const order of ['rows', 'columns'] as const) {
        expect((await copied(matrix, order)).all).toEqual(expected(order));
      }
    }
  });

  it('is turned in strips that give the same as all of it at once', async () => {
    const matrix = await matrixOf('w', tensor(rowMajor(), [ROWS, COLUMNS], [COLUMNS, 1]));
    const { all, pieces } = await copied(matrix, 'columns', {}, 7 * 4 * ROWS);
    expect(pieces).toBe(Math.ceil(COLUMNS / 7));
    expect(all).toEqual(expected('columns'));
  });

  it('keeps the bits of bfloat16, and becomes float32 where it is scaled', async () => {
    const bits = float32ToBfloat16(rowMajor());
    const matrix = await matrixOf('w', tensor(bits, [ROWS, COLUMNS], [COLUMNS, 1]));
    expect(dtypeOfCopy(matrix, {})).toBe('BF16');
    expect((await copied(matrix, 'rows')).all).toEqual([...bits]);
    const rows = Float32Array.from({ length: ROWS }, (_, row) => row + 1);
    const scaling = { rows, all: 0.5 };
    expect(dtypeOfCopy(matrix, scaling)).toBe('F32');
    for (const order of ['rows', 'columns'] as const) {
      expect((await copied(matrix, order, scaling, 7 * 4 * ROWS)).all).toEqual(expected(order, (row) => (row + 1) / 2));
    }
  });

  it('has the norms of its rows in either order of storage', async () => {
    const norms = Array.from({ length: ROWS }, (_, row) =>
      Math.hypot(...Array.from({ length: COLUMNS }, (__, column) => valueAt(row, column))),
    );
    const plain = await matrixOf('w', tensor(rowMajor(), [ROWS, COLUMNS], [COLUMNS, 1]));
    const columnMajor = Float32Array.from({ length: ROWS * COLUMNS }, (_, i) =>
      valueAt(i % ROWS, Math.floor(i / ROWS)),
    );
    const turned = await matrixOf('w', tensor(columnMajor, [ROWS, COLUMNS], [1, ROWS]));
    for (const matrix of [plain, turned]) {
      for (const [row, norm] of (await rowNorms(matrix)).entries()) expect(norm).toBeCloseTo(norms[row]!, 9);
    }
  });

  it('must have two axes', async () => {
    await expect(matrixOf('ae.pt: w', tensor(rowMajor(), [ROWS * COLUMNS], [1]))).rejects.toThrow(
      'ae.pt: w has the shape [3015], which is not that of a matrix.',
    );
  });
});

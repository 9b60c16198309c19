// A matrix where it is stored, possibly larger than memory: it is copied in pieces, in either order of its axes, each row
// scaled if need be. Invariant: values that are not scaled keep their type and bits; bfloat16 stays bfloat16.
import { AppError } from '../../contract/base/errors.ts';
import { DTYPE_BYTES, type Dtype } from '../formats/dtype.ts';
import { asFloats, readFloats, type TensorInFile } from '../formats/tensorInFile.ts';

/** Of what is read at once. */
const PIECE_BYTES = 16 << 20;
/** Of what is turned at once. The file is read once per strip: at 256 MiB, 65 536 × 4 096 in bfloat16 is read twice. */
const STRIP_BYTES = 256 << 20;

export interface StoredMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly dtype: Dtype;
  /** The elements of a row stand together; else those of a column. */
  readonly isRowMajor: boolean;
  /** Bytes of `count` elements from the first-th, in the order in which they stand. */
  read(first: number, count: number): Promise<ArrayBuffer>;
}

/** What becomes of a matrix on its way: every element of row i is multiplied by `rows[i]` and by `all`. */
export interface Scaling {
  readonly rows?: Float32Array;
  readonly all?: number;
}

type Elements = Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

/** @throws AppError `mismatch` when it is not a matrix. */
export async function matrixOf(name: string, tensor: TensorInFile): Promise<StoredMatrix> {
  const { shape, strides, dtype } = tensor;
  const [rows, columns] = shape;
  if (rows === undefined || columns === undefined || shape.length !== 2) {
    throw new AppError('mismatch', `${name} has the shape [${shape.join(', ')}], which is not that of a matrix.`);
  }
  const read = (first: number, count: number) => tensor.read(first, count);
  if (strides[0] === columns && strides[1] === 1) return { rows, columns, dtype, isRowMajor: true, read };
  if (strides[0] === 1 && strides[1] === rows) return { rows, columns, dtype, isRowMajor: false, read };
  const values = await readFloats(tensor); // a part of a larger one: rare, and small
  return {
    ...{ rows, columns, dtype: 'F32', isRowMajor: true },
    read: (first, count) => Promise.resolve(values.buffer.slice(4 * first, 4 * (first + count))),
  };
}

/** The same elements with rows and columns exchanged. */
export function flipped({ rows, columns, isRowMajor, ...rest }: StoredMatrix): StoredMatrix {
  return { ...rest, rows: columns, columns: rows, isRowMajor: !isRowMajor };
}

/** The type in which a copy is stored. */
export function dtypeOfCopy({ dtype }: StoredMatrix, scaling: Scaling): 'F32' | 'F16' | 'BF16' {
  const isScaled = scaling.rows !== undefined || (scaling.all ?? 1) !== 1;
  return !isScaled && (dtype === 'F16' || dtype === 'BF16') ? dtype : 'F32';
}

/** All elements, row after row or column after column, in dtypeOfCopy. */
export async function* copyInOrder(
  matrix: StoredMatrix,
  order: 'rows' | 'columns',
  scaling: Scaling = {},
  stripBytes = STRIP_BYTES,
): AsyncGenerator<Elements> {
  const keepsBits = dtypeOfCopy(matrix, scaling) !== 'F32';
  const read = async (first: number, count: number): Promise<Elements> => {
    const bytes = await matrix.read(first, count);
    return keepsBits ? new Uint16Array(bytes) : asFloats(matrix.dtype, bytes);
  };
  const wantsRows = order === 'rows';
  for await (const { first, elements } of matrix.isRowMajor === wantsRows
    ? asItStands(matrix, read)
    : turned(matrix, read, keepsBits, stripBytes)) {
    if (!keepsBits) scale(elements, first, wantsRows ? matrix.columns : matrix.rows, wantsRows, scaling);
    yield elements;
  }
}

/** The Euclidean norm of each row, in double precision. */
export async function rowNorms(matrix: StoredMatrix): Promise<Float64Array> {
  const squares = new Float64Array(matrix.rows);
  const width = matrix.isRowMajor ? matrix.columns : matrix.rows;
  const read = async (first: number, count: number) => asFloats(matrix.dtype, await matrix.read(first, count));
  for await (const { first, elements } of asItStands(matrix, read)) {
    for (let i = 0; i < elements.length; i++) {
      const row = matrix.isRowMajor ? Math.floor((first + i) / width) : (first + i) % width;
      squares[row]! += elements[i]! ** 2;
    }
  }
  return squares.map(Math.sqrt);
}

interface Piece<E extends Elements> {
  /** Index of the first element in the order wanted. */
  readonly first: number;
  readonly elements: E;
}

async function* asItStands<E extends Elements>(
  { rows, columns, dtype }: StoredMatrix,
  read: (first: number, count: number) => Promise<E>,
): AsyncGenerator<Piece<E>> {
  const total = rows * columns;
  const perPiece = Math.floor(PIECE_BYTES / DTYPE_BYTES[dtype]);
  for (let first = 0; first < total; first += perPiece) {
    yield { first, elements: await read(first, Math.min(perPiece, total - first)) };
  }
}

/** Strips of what becomes rows, each filled in one pass over the file. */
async function* turned(
  { rows, columns, dtype, isRowMajor }: StoredMatrix,
  read: (first: number, count: number) => Promise<Elements>,
  keepsBits: boolean,
  stripBytes: number,
): AsyncGenerator<Piece<Elements>> {
  const [lines, width] = isRowMajor ? [rows, columns] : [columns, rows];
  const strip = Math.max(1, Math.min(width, Math.floor(stripBytes / (lines * (keepsBits ? 2 : 4)))));
  const linesPerRead = Math.max(1, Math.floor(PIECE_BYTES / (width * DTYPE_BYTES[dtype])));
  for (let left = 0; left < width; left += strip) {
    const right = Math.min(width, left + strip);
    const length = (right - left) * lines;
    const elements = keepsBits ? new Uint16Array(length) : new Float32Array(length);
    for (let top = 0; top < lines; top += linesPerRead) {
      const count = Math.min(linesPerRead, lines - top);
      const block = await read(top * width, count * width);
      turnBlock(block, elements, { count, width, left, right, top, lines });
    }
    yield { first: left * lines, elements };
  }
}

interface Block {
  readonly count: number;
  readonly width: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly lines: number;
}

/** In tiles, so that both sides stay in the cache. */
function turnBlock(block: Elements, target: Elements, { count, width, left, right, top, lines }: Block): void {
  const tile = 32;
  for (let y = 0; y < count; y += tile) {
    const bottom = Math.min(y + tile, count);
    for (let x = left; x < right; x += tile) {
      const end = Math.min(x + tile, right);
      for (let line = y; line < bottom; line++) {
        for (let column = x; column < end; column++) {
          target[(column - left) * lines + top + line] = block[line * width + column]!;
        }
      }
    }
  }
}

function scale(elements: Elements, first: number, width: number, isRows: boolean, { rows, all = 1 }: Scaling): void {
  if (rows === undefined && all === 1) return;
  for (let i = 0; i < elements.length; i++) {
    const row = isRows ? Math.floor((first + i) / width) : (first + i) % width;
    elements[i] = elements[i]! * all * (rows?.[row] ?? 1);
  }
}

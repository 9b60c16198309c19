// A tensor where it is stored: its type, shape and strides, and its elements on demand.
import { AppError } from '../../contract/base/errors.ts';
import type { ByteSource } from '../files/byteSource.ts';
import { DTYPE_BYTES, floatValues, tensorValues, type Dtype } from './dtype.ts';

export interface TensorInFile {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** In elements, one for each axis. */
  readonly strides: readonly number[];
  /** The bytes of `count` elements from the tensor's first one plus `first`, as they are stored. */
  read(first: number, count: number): Promise<ArrayBuffer>;
}

/** Plain values next to tensors: what a .pt holds besides. */
export type PlainFact = string | number | boolean | null | readonly PlainFact[];

export function contiguous(
  source: ByteSource,
  dtype: Dtype,
  shape: readonly number[],
  start: number,
  byteLength: number,
): TensorInFile {
  const bytes = DTYPE_BYTES[dtype];
  return {
    dtype,
    shape,
    strides: contiguousStrides(shape),
    read: async (first, count) => {
      checkRange(source.name, first, count, byteLength / bytes);
      return (await source.read(start + first * bytes, count * bytes)).buffer;
    },
  };
}

export function contiguousStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--)
    strides[axis] = (strides[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  return strides;
}

export function checkRange(name: string, first: number, count: number, elements: number): void {
  if (first >= 0 && count >= 0 && first + count <= elements) return;
  throw new AppError('invalid-file', `${name}: ${count} elements from ${first} were expected, but it has ${elements}.`);
}

/** Elements of a stored range as float32: floats exactly (F64 rounded), whole numbers as what they are. */
export function asFloats(dtype: Dtype, buffer: ArrayBuffer): Float32Array<ArrayBuffer> {
  const floats = floatValues(dtype, buffer);
  if (floats) return floats;
  if (dtype.startsWith('F8') || dtype === 'C64') {
    throw new AppError('unsupported', `Tensors of ${dtype} are not read. Save them as float32 or bfloat16.`);
  }
  return Float32Array.from(tensorValues(dtype, buffer), Number);
}

/** All elements in row-major order, whatever the strides. @throws AppError `unsupported` for types that are no numbers. */
export async function readFloats(tensor: TensorInFile): Promise<Float32Array<ArrayBuffer>> {
  const { shape, strides, dtype } = tensor;
  const count = shape.reduce((product, size) => product * size, 1);
  if (count === 0) return new Float32Array(0);
  if (strides.join() === contiguousStrides(shape).join()) return asFloats(dtype, await tensor.read(0, count));
  const span = shape.reduce((sum, size, axis) => sum + (size - 1) * (strides[axis] ?? 0), 1);
  const stored = asFloats(dtype, await tensor.read(0, span));
  const result = new Float32Array(count);
  const index = new Array<number>(shape.length).fill(0);
  let at = 0;
  for (let i = 0; i < count; i++) {
    result[i] = stored[at] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] ?? 0) + 1;
      at += strides[axis] ?? 0;
      if ((index[axis] ?? 0) < (shape[axis] ?? 0)) break;
      at -= (strides[axis] ?? 0) * (shape[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return result;
}

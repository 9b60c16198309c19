// Element types by the names that safetensors gives them, and the typed arrays that hold them.

import { bfloat16ToFloat32, float16ToFloat32 } from '../numerics/halfPrecision.ts';

/** Bytes per element, in the order in which safetensors ranks the types (it lays out a file by it). */
export const DTYPE_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  F8_E8M0: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  C64: 8,
  F64: 8,
  I64: 8,
  U64: 8,
} as const;

export type Dtype = keyof typeof DTYPE_BYTES;

/** A dtype of a newer version of the format, F4 say: its tensor has its place in the file and cannot be read. */
export type NewDtype = `new:${string}`;
export type StoredDtype = Dtype | NewDtype;

/** Of names that a dtype could have; undefined for what none is. */
export function storedDtype(name: unknown): StoredDtype | undefined {
  if (isDtype(name)) return name;
  return typeof name === 'string' && /^[A-Z]{1,4}[0-9]{1,3}(?:_[A-Z0-9]{1,12})?$/u.test(name)
    ? `new:${name}`
    : undefined;
}

/** As the file has it. */
export function dtypeName(dtype: StoredDtype): string {
  return dtype.replace(/^new:/u, '');
}

export function isDtype(value: unknown): value is Dtype {
  return typeof value === 'string' && Object.hasOwn(DTYPE_BYTES, value);
}

/** BF16 and the 8-bit floats, which JavaScript lacks, come as their bits; BOOL as 0 and 1; C64 as pairs. */
export type TensorValues =
  | Float64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Float16Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** Lays the typed array of `dtype` over little-endian bytes, which every machine we run on has as its own order. */
export function tensorValues(dtype: Dtype, buffer: ArrayBuffer): TensorValues {
  switch (dtype) {
    case 'F64':
      return new Float64Array(buffer);
    case 'F32':
    case 'C64':
      return new Float32Array(buffer);
    case 'F16':
      return new Float16Array(buffer);
    case 'I64':
      return new BigInt64Array(buffer);
    case 'U64':
      return new BigUint64Array(buffer);
    case 'I32':
      return new Int32Array(buffer);
    case 'U32':
      return new Uint32Array(buffer);
    case 'I16':
      return new Int16Array(buffer);
    case 'U16':
    case 'BF16':
      return new Uint16Array(buffer);
    case 'I8':
      return new Int8Array(buffer);
    case 'BOOL':
    case 'U8':
    case 'F8_E5M2':
    case 'F8_E4M3':
    case 'F8_E8M0':
      return new Uint8Array(buffer);
  }
}

/** F64 (rounded), F32, F16 or BF16 (exact) as float32; undefined for other types. */
export function floatValues(dtype: StoredDtype, buffer: ArrayBuffer): Float32Array<ArrayBuffer> | undefined {
  switch (dtype) {
    case 'F64':
      return new Float32Array(new Float64Array(buffer));
    case 'F32':
      return new Float32Array(buffer);
    case 'F16':
      return float16ToFloat32(new Float16Array(buffer));
    case 'BF16':
      return bfloat16ToFloat32(new Uint16Array(buffer));
    default:
      return undefined;
  }
}

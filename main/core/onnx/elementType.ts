// The element types we use, with their ONNX codes and sizes.
import { TensorProto_DataType as DataType } from 'onnx-buf';
import { AppError } from '../../contract/base/errors.ts';

/** Numeric data of an initializer, by element type. 16-bit floats are given as their raw bits. */
export type TensorData =
  Float32Array | Float64Array | BigInt64Array | Int32Array | Int8Array | Uint8Array | Uint16Array | Int16Array;

export type ElementType =
  'float32' | 'float16' | 'bfloat16' | 'float64' | 'int64' | 'int32' | 'int16' | 'int8' | 'uint16' | 'uint8' | 'bool';

interface ElementTypeFacts {
  readonly code: DataType;
  readonly bytesPerElement: number;
  /** Packs numbers into the type's storage. */
  readonly fromNumbers: (values: readonly number[]) => TensorData;
  /** Reads the type's storage; only of types that constants are made of. */
  readonly toNumbers?: (bytes: ArrayBuffer) => readonly number[];
}

function noLiterals(): TensorData {
  throw new AppError('internal', '16-bit floats have no literals: write a float32 constant and cast it in the graph.');
}

export const ELEMENT_TYPES: Readonly<Record<ElementType, ElementTypeFacts>> = {
  float32: {
    code: DataType.FLOAT,
    bytesPerElement: 4,
    fromNumbers: (values) => Float32Array.from(values),
    toNumbers: (bytes) => Array.from(new Float32Array(bytes)),
  },
  float16: { code: DataType.FLOAT16, bytesPerElement: 2, fromNumbers: noLiterals },
  bfloat16: { code: DataType.BFLOAT16, bytesPerElement: 2, fromNumbers: noLiterals },
  float64: {
    code: DataType.DOUBLE,
    bytesPerElement: 8,
    fromNumbers: (values) => Float64Array.from(values),
    toNumbers: (bytes) => Array.from(new Float64Array(bytes)),
  },
  int64: {
    code: DataType.INT64,
    bytesPerElement: 8,
    fromNumbers: (values) => BigInt64Array.from(values, BigInt),
    toNumbers: (bytes) => Array.from(new BigInt64Array(bytes), Number),
  },
  int32: {
    code: DataType.INT32,
    bytesPerElement: 4,
    fromNumbers: (values) => Int32Array.from(values),
    toNumbers: (bytes) => Array.from(new Int32Array(bytes)),
  },
  int16: { code: DataType.INT16, bytesPerElement: 2, fromNumbers: (values) => Int16Array.from(values) },
  int8: { code: DataType.INT8, bytesPerElement: 1, fromNumbers: (values) => Int8Array.from(values) },
  uint16: { code: DataType.UINT16, bytesPerElement: 2, fromNumbers: (values) => Uint16Array.from(values) },
  uint8: { code: DataType.UINT8, bytesPerElement: 1, fromNumbers: (values) => Uint8Array.from(values) },
  bool: { code: DataType.BOOL, bytesPerElement: 1, fromNumbers: (values) => Uint8Array.from(values) },
};

export function elementTypeOfCode(code: number): ElementType {
  for (const [type, facts] of Object.entries(ELEMENT_TYPES) as [ElementType, ElementTypeFacts][]) {
    if (facts.code === (code as DataType)) return type;
  }
  throw new AppError('unsupported', `ONNX element type ${code} is not supported.`);
}

// NumPy's .npy format (NEP 1): magic, version, a Python dict as text, then the elements. Reads numbers, little-endian
// and in C order, and nothing else: pickled objects are refused, never unpacked.

import { AppError } from '../../contract/base/errors.ts';
import type { ByteSource } from '../files/byteSource.ts';
import { DTYPE_BYTES, tensorValues, type Dtype, type TensorValues } from './dtype.ts';

const MAX_HEADER_BYTES = 65_536;

const DTYPE_OF_DESCR: Readonly<Record<string, Dtype>> = {
  '|b1': 'BOOL',
  '|u1': 'U8',
  '|i1': 'I8',
  '<u2': 'U16',
  '<i2': 'I16',
  '<f2': 'F16',
  '<u4': 'U32',
  '<i4': 'I32',
  '<f4': 'F32',
  '<u8': 'U64',
  '<i8': 'I64',
  '<f8': 'F64',
};

export interface NpyArray {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Row-major. */
  readonly values: TensorValues;
}

export interface NpyHeader {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** The first axis is the one whose elements stand together. */
  readonly isFortranOrder: boolean;
  readonly dataStart: number;
  readonly byteLength: number;
}

/** @throws AppError `invalid-file`, or `unsupported` for objects, text, big-endian or Fortran-ordered arrays. */
export async function readNpy(source: ByteSource): Promise<NpyArray> {
  const { dtype, shape, isFortranOrder, dataStart, byteLength } = await readNpyHeader(source);
  if (isFortranOrder) {
    throw new AppError('unsupported', `${source.name}: arrays in Fortran order are not read.`, {
      details: { path: source.name },
    });
  }
  return { dtype, shape, values: tensorValues(dtype, (await source.read(dataStart, byteLength)).buffer) };
}

/** @throws AppError `invalid-file`, or `unsupported` for objects, text or big-endian arrays. */
export async function readNpyHeader(source: ByteSource): Promise<NpyHeader> {
  const invalid = (reason: string) =>
    new AppError('invalid-file', `${source.name}: ${reason}.`, { details: { path: source.name } });
  const unsupported = (reason: string) =>
    new AppError('unsupported', `${source.name}: ${reason}.`, { details: { path: source.name } });

  const start = await source.read(0, Math.min(12, source.size));
  if (start.length < 12 || Buffer.from(start.buffer, 0, 6).toString('latin1') !== '\x93NUMPY') {
    throw invalid('not a .npy file');
  }
  const version = start[6]!;
  if (version < 1 || version > 3) throw unsupported(`.npy version ${version} is not known`);
  const view = new DataView(start.buffer);
  const headerStart = version === 1 ? 10 : 12;
  const headerLength = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (headerLength > MAX_HEADER_BYTES) throw invalid(`its header would be ${headerLength} bytes long`);
  const dataStart = headerStart + headerLength;
  if (dataStart > source.size) throw invalid('truncated in its header');

  const text = Buffer.from((await source.read(headerStart, headerLength)).buffer).toString('latin1');
  const header = parseHeader(text);
  if (!header) throw invalid('its header is not that of a plain array');
  const dtype = Object.hasOwn(DTYPE_OF_DESCR, header.descr) ? DTYPE_OF_DESCR[header.descr] : undefined;
  if (dtype === undefined) throw unsupported(`arrays of ${JSON.stringify(header.descr.slice(0, 40))} are not read`);
  const byteLength = header.shape.reduce((product, size) => product * size, DTYPE_BYTES[dtype]);
  if (byteLength !== source.size - dataStart) {
    throw invalid(
      `its shape (${header.shape.join(', ')}) needs ${byteLength} bytes, but it has ${source.size - dataStart}`,
    );
  }
  const isFortranOrder = header.fortranOrder && header.shape.length > 1;
  return { dtype, shape: header.shape, isFortranOrder, dataStart, byteLength };
}

/** The dict that NumPy writes: exactly the keys descr (a text), fortran_order and shape, in any order. */
function parseHeader(text: string): { descr: string; fortranOrder: boolean; shape: number[] } | undefined {
  const body = /^\{(.*)\}\s*$/s.exec(text)?.[1];
  if (body === undefined) return undefined;
  const member = /\s*'(\w+)':\s*(?:'([^'\\]*)'|(True|False)|\(([\d,\s]*)\))\s*(?:,|$)\s*/y;
  let descr: string | undefined, fortranOrder: boolean | undefined, shape: number[] | undefined;
  while (member.lastIndex < body.length) {
    const found = member.exec(body);
    if (!found) return undefined;
    const [, key, string, boolean, tuple] = found;
    if (key === 'descr' && descr === undefined) descr = string;
    else if (key === 'fortran_order' && fortranOrder === undefined && boolean) fortranOrder = boolean === 'True';
    else if (key === 'shape' && shape === undefined && tuple !== undefined) {
      shape = tuple
        .split(',')
        .filter((size) => size.trim() !== '')
        .map(Number);
    } else return undefined;
  }
  if (descr === undefined || fortranOrder === undefined || shape === undefined) return undefined;
  return shape.every(Number.isSafeInteger) ? { descr, fortranOrder, shape } : undefined;
}

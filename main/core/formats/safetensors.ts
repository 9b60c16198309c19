// The safetensors format: eight bytes of header length, a JSON header, then the tensors, raw, little-endian, row-major.
// Reading trusts nothing: a header that lies in any way is refused before a tensor is touched, by the rules of the
// reference implementation (huggingface/safetensors, `SafeTensors::read_metadata` and `Metadata::validate`) and a few
// more (no duplicate keys, a bounded number of tensors). Writing gives the bytes the reference implementation gives.

import { createHash } from 'node:crypto';
import { writeAll, writeFileAtomicWith } from '../files/atomicWrite.ts';
import type { ByteSource } from '../files/byteSource.ts';
import { AppError } from '../../contract/base/errors.ts';
import {
  DTYPE_BYTES,
  dtypeName,
  floatValues,
  isDtype,
  storedDtype,
  tensorValues,
  type StoredDtype,
  type TensorValues,
} from './dtype.ts';

const MAX_HEADER_BYTES = 100_000_000; // the reference implementation's limit
const MAX_TENSORS = 200_000;

const DTYPE_ORDER = Object.keys(DTYPE_BYTES);

export interface TensorInfo {
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  /** From the start of the file. */
  readonly fileOffset: number;
  readonly byteLength: number;
}

export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
}

function invalid(source: ByteSource, reason: string): AppError {
  return new AppError('invalid-file', `${source.name}: ${reason}.`, { details: { path: source.name, reason } });
}

/** A name from the file as it may stand in a message. */
function quoted(name: string): string {
  return JSON.stringify(name.length <= 100 ? name : `${name.slice(0, 100)}…`);
}

/** @throws AppError `invalid-file` that names the file and what is wrong with it. */
export async function readSafetensorsHeader(source: ByteSource): Promise<SafetensorsHeader> {
  if (source.size < 8) throw invalid(source, `not a safetensors file, it is only ${source.size} bytes long`);
  const lengthField = new DataView((await source.read(0, 8)).buffer).getBigUint64(0, true);
  if (lengthField > BigInt(MAX_HEADER_BYTES)) {
    throw invalid(
      source,
      `its header would be ${lengthField.toString()} bytes long, more than a safetensors header may be`,
    );
  }
  const headerLength = Number(lengthField);
  const dataStart = 8 + headerLength;
  if (dataStart > source.size) {
    throw invalid(source, `truncated, its header of ${headerLength} bytes does not fit into ${source.size} bytes`);
  }
  const json = parseHeader(source, await source.read(8, headerLength));

  const metadata = new Map<string, string>();
  const tensors = new Map<string, TensorInfo>();
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') {
      if (value === null) continue; // as the reference reads it: none
      for (const [key, text] of Object.entries(objectOf(value) ?? {})) {
        if (typeof text !== 'string') throw invalid(source, `the metadata ${quoted(key)} is not a text`);
        metadata.set(key, text);
      }
      if (!objectOf(value)) throw invalid(source, 'its metadata is not an object');
    } else {
      tensors.set(name, readTensorInfo(source, name, value, dataStart));
      if (tensors.size > MAX_TENSORS) throw invalid(source, `it has more than ${MAX_TENSORS} tensors`);
    }
  }
  checkLayout(source, tensors, dataStart);
  return { tensors, metadata };
}

function objectOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}

function parseHeader(source: ByteSource, bytes: Uint8Array): Record<string, unknown> {
  if (bytes[0] !== 0x7b) throw invalid(source, 'not a safetensors file, its header does not start with "{"');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalid(source, 'its header is not UTF-8');
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw invalid(source, 'its header is not JSON');
  }
  const json = objectOf(parsed);
  if (!json) throw invalid(source, 'its header is not a JSON object');
  // JSON.parse keeps the last of two equal keys and says nothing. Outside of strings a colon stands only between a key
  // and its value, so more colons than keys means that a key was lost.
  let keys = 0;
  for (const value of Object.values(json)) keys += 1 + Object.keys(objectOf(value) ?? {}).length;
  if (keys !== countColons(bytes)) throw invalid(source, 'its header has a name twice, or objects where none belong');
  return json;
}

/** Colons outside of strings, in valid JSON as UTF-8 (whose other bytes are never ASCII). */
function countColons(json: Uint8Array): number {
  let count = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i];
    if (byte === 0x22) inString = !inString;
    else if (inString && byte === 0x5c) i++;
    else if (!inString && byte === 0x3a) count++;
  }
  return count;
}

function readTensorInfo(source: ByteSource, name: string, value: unknown, dataStart: number): TensorInfo {
  const entry = objectOf(value);
  const wrong = (reason: string) => invalid(source, `the tensor ${quoted(name)} ${reason}`);
  if (!entry) throw wrong('is not described by an object');
  const { dtype: given, shape, data_offsets: offsets } = entry;
  const dtype = storedDtype(given);
  if (dtype === undefined) throw wrong(`has the unknown dtype ${quoted(String(given))}`);
  if (!Array.isArray(shape) || !shape.every(isSize)) throw wrong('has a shape that is not a list of whole numbers ≥ 0');
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    throw wrong('has data_offsets that are not two whole numbers ≥ 0');
  }
  const [begin, end] = offsets as [number, number];
  if (end < begin) throw wrong('ends before it begins');
  if (end > source.size - dataStart) throw wrong(`ends at byte ${dataStart + end}, but the file has ${source.size}`);
  if (!isDtype(dtype)) return { dtype, shape, fileOffset: dataStart + begin, byteLength: end - begin };
  const byteLength = shape.reduce<number>((product, size) => product * size, DTYPE_BYTES[dtype]);
  if (byteLength !== end - begin) {
    throw wrong(`of ${dtype} [${shape.join(', ')}] cannot be ${end - begin} bytes long`); // an overflow is unequal too
  }
  return { dtype, shape, fileOffset: dataStart + begin, byteLength };
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The tensors must cover the rest of the file, one after the other. */
function checkLayout(source: ByteSource, tensors: ReadonlyMap<string, TensorInfo>, dataStart: number): void {
  const inOrder = [...tensors].sort(([, a], [, b]) => a.fileOffset - b.fileOffset || a.byteLength - b.byteLength);
  let position = dataStart;
  for (const [name, { fileOffset, byteLength }] of inOrder) {
    if (fileOffset < position) throw invalid(source, `the tensor ${quoted(name)} overlaps another`);
    if (fileOffset > position) throw invalid(source, `nothing describes the bytes before the tensor ${quoted(name)}`);
    position = fileOffset + byteLength;
  }
  if (position !== source.size) {
    throw invalid(source, `its tensors end at byte ${position}, but the file has ${source.size}`);
  }
}

/** The tensor's elements in row-major order. @throws AppError `unsupported` for a dtype of a newer version. */
export async function readTensor(
  source: ByteSource,
  { dtype, fileOffset, byteLength }: TensorInfo,
): Promise<TensorValues> {
  if (!isDtype(dtype)) throw unreadable(source, dtype);
  return tensorValues(dtype, (await source.read(fileOffset, byteLength)).buffer);
}

/** A tensor of F64 (rounded), F32, F16 or BF16 (exact) as float32. @throws AppError `unsupported` for other dtypes. */
export async function readFloatTensor(
  source: ByteSource,
  { dtype, fileOffset, byteLength }: TensorInfo,
): Promise<Float32Array<ArrayBuffer>> {
  const values = floatValues(dtype, (await source.read(fileOffset, byteLength)).buffer);
  if (values) return values;
  throw new AppError(
    'unsupported',
    `${source.name}: a tensor of ${dtypeName(dtype)} was found where floats were expected.`,
    { details: { path: source.name, dtype: dtypeName(dtype) } },
  );
}

function unreadable(source: ByteSource, dtype: StoredDtype): AppError {
  return new AppError('unsupported', `${source.name}: tensors of ${dtypeName(dtype)} cannot be read.`, {
    details: { path: source.name, dtype: dtypeName(dtype) },
  });
}

export interface TensorToWrite {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  /** Of a tensor of a newer dtype, which is copied; that of others follows from their shape. */
  readonly byteLength?: number;
  /** The bytes, row-major; or what makes them piece by piece, called once, when their turn in the file has come. */
  readonly data: ArrayBufferView | (() => Iterable<ArrayBufferView> | AsyncIterable<ArrayBufferView>);
}

/**
 * Writes the file atomically, by and by: tensors given as functions may together exceed memory. The file's order is the
 * reference implementation's: widest type first, then by name.
 * @returns the SHA-256 of the file.
 * @throws AppError `disk-full`, `permission`; `internal` when a tensor's data do not have the length its shape says.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<string> {
  const ordered = [...tensors].sort(
    (a, b) =>
      DTYPE_ORDER.indexOf(b.dtype) - DTYPE_ORDER.indexOf(a.dtype) ||
      Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)),
  );
  return writeFileAtomicWith(path, async (file) => {
    const hash = createHash('sha256');
    const put = async (bytes: Uint8Array) => {
      hash.update(bytes);
      await writeAll(file, bytes);
    };
    await put(encodeHeader(ordered, metadata));
    for (const tensor of ordered) {
      let written = 0;
      for await (const piece of typeof tensor.data === 'function' ? tensor.data() : [tensor.data]) {
        written += piece.byteLength;
        await put(new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength));
      }
      if (written !== tensorBytes(tensor)) {
        throw new AppError(
          'internal',
          `${path}: ${written} bytes were given for ${quoted(tensor.name)} [${tensor.shape.join(', ')}].`,
        );
      }
    }
    return hash.digest('hex');
  });
}

function tensorBytes({ dtype, shape, byteLength = 0 }: TensorToWrite): number {
  if (!isDtype(dtype)) return byteLength;
  return shape.reduce((product, size) => product * size, DTYPE_BYTES[dtype]);
}

/** Length field and header, padded with spaces so that the tensors start at a multiple of eight. */
function encodeHeader(ordered: readonly TensorToWrite[], metadata: Readonly<Record<string, string>>): Uint8Array {
  let position = 0;
  const members = ordered.map((tensor) => {
    const begin = position;
    position += tensorBytes(tensor);
    const { dtype, shape } = tensor;
    return `${JSON.stringify(tensor.name)}:${JSON.stringify({ dtype: dtypeName(dtype), shape, data_offsets: [begin, position] })}`;
  });
  if (Object.keys(metadata).length > 0) members.unshift(`"__metadata__":${JSON.stringify(metadata)}`);
  const json = Buffer.from(`{${members.join(',')}}`);
  const header = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
  header.set(json, 8);
  return header;
}

// NumPy's .npz: a ZIP archive of .npy members, stored or deflated. Reads the central directory only (the record that
// counts), checks every length against the file before allocating, and every member against its CRC.

import { promisify } from 'node:util';
import { crc32, inflateRaw } from 'node:zlib';
import { AppError } from '../../contract/base/errors.ts';
import { openBytes, type ByteSource } from '../files/byteSource.ts';
import { readNpy, type NpyArray } from './npy.ts';

const MAX_MEMBERS = 10_000;
/** Inflated. Reference files are far smaller; this bounds what a small archive can make us allocate. */
const MAX_MEMBER_BYTES = 2 ** 31;
/** Deflate cannot compress better than this (zlib's technical notes); a claim beyond it is a lie. */
const MAX_DEFLATE_RATIO = 1032;

const END_LENGTH = 22;
const ENTRY_LENGTH = 46;
const LOCAL_LENGTH = 30;

export interface Npz {
  /** Array names, without `.npy`. */
  readonly names: readonly string[];
  /** @throws AppError `not-found` when there is no array of this name; `invalid-file`; `unsupported`. */
  array(name: string): Promise<NpyArray>;
}

interface Member {
  readonly method: number;
  readonly crc: number;
  readonly compressedLength: number;
  readonly length: number;
  readonly localOffset: number;
}

/** The source must stay open while arrays are read. @throws AppError `invalid-file` or `unsupported`. */
export async function openNpz(source: ByteSource): Promise<Npz> {
  const members = await readDirectory(source);
  return {
    names: [...members.keys()],
    async array(name) {
      const member = members.get(name);
      if (!member) {
        throw new AppError('not-found', `${source.name}: it holds no array ${JSON.stringify(name)}.`, {
          details: { path: source.name, name },
        });
      }
      const label = `${source.name} (${name})`;
      return readNpy(openBytes(label, await readMember(source, label, member)));
    },
  };
}

function invalid(name: string, reason: string): AppError {
  return new AppError('invalid-file', `${name}: ${reason}.`, { details: { path: name } });
}

async function readDirectory(source: ByteSource): Promise<Map<string, Member>> {
  const tailLength = Math.min(source.size, END_LENGTH + 0xffff);
  const tail = new DataView((await source.read(source.size - tailLength, tailLength)).buffer);
  let end = tailLength - END_LENGTH;
  while (end >= 0 && tail.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw invalid(source.name, 'not an .npz file, it has no end of a ZIP directory');
  const count = tail.getUint16(end + 10, true);
  const length = tail.getUint32(end + 12, true);
  const offset = tail.getUint32(end + 16, true);
  if (tail.getUint32(end + 4, true) !== 0 || count === 0xffff || length === 0xffffffff || offset === 0xffffffff) {
    throw new AppError('unsupported', `${source.name}: ZIP archives in parts or of more than 4 GB are not read.`, {
      details: { path: source.name },
    });
  }
  if (count > MAX_MEMBERS || offset + length > source.size - tailLength + end) {
    throw invalid(source.name, 'its ZIP directory does not fit into it');
  }

  const bytes = await source.read(offset, length);
  const view = new DataView(bytes.buffer);
  const members = new Map<string, Member>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_LENGTH > length || view.getUint32(at, true) !== 0x02014b50) {
      throw invalid(source.name, 'its ZIP directory is damaged');
    }
    const nameLength = view.getUint16(at + 28, true);
    const next = at + ENTRY_LENGTH + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > length) throw invalid(source.name, 'its ZIP directory is damaged');
    const fileName = Buffer.from(bytes.buffer, at + ENTRY_LENGTH, nameLength).toString('utf8');
    const name = fileName.replace(/\.npy$/, '');
    if (members.has(name)) throw invalid(source.name, `it holds ${JSON.stringify(name)} twice`);
    if (view.getUint16(at + 8, true) & 1) {
      throw new AppError('unsupported', `${source.name}: it is encrypted.`, { details: { path: source.name } });
    }
    members.set(name, {
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      compressedLength: view.getUint32(at + 20, true),
      length: view.getUint32(at + 24, true),
      localOffset: view.getUint32(at + 42, true),
    });
    at = next;
  }
  return members;
}

async function readMember(source: ByteSource, label: string, member: Member): Promise<Uint8Array> {
  const { method, compressedLength, length, localOffset } = member;
  if (length > MAX_MEMBER_BYTES || length > Math.max(1, compressedLength) * MAX_DEFLATE_RATIO) {
    throw invalid(label, `it would be ${length} bytes long`);
  }
  const local = new DataView((await source.read(localOffset, LOCAL_LENGTH)).buffer);
  if (local.getUint32(0, true) !== 0x04034b50) throw invalid(label, 'its ZIP entry is damaged');
  const start = localOffset + LOCAL_LENGTH + local.getUint16(26, true) + local.getUint16(28, true);
  const packed = await source.read(start, compressedLength);
  const bytes = await unpack(label, method, packed, length);
  if (bytes.length !== length) throw invalid(label, 'it does not have the length that the ZIP directory says');
  if (crc32(bytes) !== member.crc) throw invalid(label, 'damaged, its checksum does not match');
  return bytes;
}

async function unpack(label: string, method: number, packed: Uint8Array, length: number): Promise<Uint8Array> {
  if (method === 0) return packed;
  if (method !== 8) {
    throw new AppError('unsupported', `${label}: ZIP compression method ${method} is not read.`, {
      details: { path: label },
    });
  }
  try {
    return await promisify(inflateRaw)(packed, { maxOutputLength: Math.max(1, length) });
  } catch {
    throw invalid(label, 'its compressed data are damaged');
  }
}

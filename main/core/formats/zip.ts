// ZIP archives as NumPy and PyTorch write them: members stored or deflated, Zip64 where they are large. Reads the central
// directory only (the record that counts) and checks every length against the file before allocating. A stored member is
// read where it lies, so a member may be larger than memory; a deflated one is inflated whole and must match its CRC.
import { promisify } from 'node:util';
import { crc32, inflateRaw } from 'node:zlib';
import { AppError } from '../../contract/base/errors.ts';
import { openBytes, type ByteSource } from '../files/byteSource.ts';

const MAX_MEMBERS = 10_000;
/** Inflated. Reference files are far smaller; this bounds what a small archive can make us allocate. */
const MAX_MEMBER_BYTES = 2 ** 31;
/** Deflate cannot compress better than this (zlib's technical notes); a claim beyond it is a lie. */
const MAX_DEFLATE_RATIO = 1032;
const MAX_DIRECTORY_BYTES = 16 << 20;

const END_LENGTH = 22;
const ENTRY_LENGTH = 46;
const LOCAL_LENGTH = 30;
const ZIP64_LOCATOR_LENGTH = 20;
const ZIP64_END_LENGTH = 56;
const IN_ZIP64 = 0xffffffff;

export interface ZipMember {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly compressedLength: number;
  readonly length: number;
  readonly localOffset: number;
}

/** @throws AppError `invalid-file`, or `unsupported` for archives in parts and encrypted ones. */
export async function readZipDirectory(source: ByteSource): Promise<ReadonlyMap<string, ZipMember>> {
  const { count, length, offset } = await findDirectory(source);
  const bytes = await source.read(offset, length);
  const view = new DataView(bytes.buffer);
  const members = new Map<string, ZipMember>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_LENGTH > length || view.getUint32(at, true) !== 0x02014b50) {
      throw invalid(source.name, 'its ZIP directory is damaged');
    }
    const nameEnd = at + ENTRY_LENGTH + view.getUint16(at + 28, true);
    const extraEnd = nameEnd + view.getUint16(at + 30, true);
    const next = extraEnd + view.getUint16(at + 32, true);
    if (next > length) throw invalid(source.name, 'its ZIP directory is damaged');
    const name = Buffer.from(bytes.buffer, at + ENTRY_LENGTH, nameEnd - at - ENTRY_LENGTH).toString('utf8');
    if (members.has(name)) throw invalid(source.name, `it holds ${JSON.stringify(name)} twice`);
    if (view.getUint16(at + 8, true) & 1) {
      throw new AppError('unsupported', `${source.name}: it is encrypted.`, { details: { path: source.name } });
    }
    const sizes = [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)];
    const [memberLength, compressedLength, localOffset] = inZip64(view, nameEnd, extraEnd, sizes, source.name);
    members.set(name, {
      name,
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      compressedLength: compressedLength ?? 0,
      length: memberLength ?? 0,
      localOffset: localOffset ?? 0,
    });
    at = next;
  }
  return members;
}

/**
 * The bytes of a member. Those of a stored one are read from the archive as they are asked for, and its CRC is not checked.
 * @throws AppError `invalid-file` or `unsupported`.
 */
export async function openZipMember(source: ByteSource, label: string, member: ZipMember): Promise<ByteSource> {
  const { method, compressedLength, length, localOffset } = member;
  const local = new DataView((await source.read(localOffset, LOCAL_LENGTH)).buffer);
  if (local.getUint32(0, true) !== 0x04034b50) throw invalid(label, 'its ZIP entry is damaged');
  const start = localOffset + LOCAL_LENGTH + local.getUint16(26, true) + local.getUint16(28, true);
  if (method === 0) {
    if (length !== compressedLength) throw invalid(label, 'it does not have the length that the ZIP directory says');
    return partOf(source, label, start, length);
  }
  if (method !== 8) {
    throw new AppError('unsupported', `${label}: ZIP compression method ${method} is not read.`, {
      details: { path: label },
    });
  }
  if (length > MAX_MEMBER_BYTES || length > Math.max(1, compressedLength) * MAX_DEFLATE_RATIO) {
    throw invalid(label, `it would be ${length} bytes long`);
  }
  const bytes = await inflated(label, await source.read(start, compressedLength), length);
  if (bytes.length !== length) throw invalid(label, 'it does not have the length that the ZIP directory says');
  checkCrc(label, bytes, member);
  return openBytes(label, bytes);
}

/** A member that fits into memory, checked against its CRC. @throws AppError as openZipMember. */
export async function readZipMember(source: ByteSource, label: string, member: ZipMember): Promise<Uint8Array> {
  if (member.length > MAX_MEMBER_BYTES) throw invalid(label, `it would be ${member.length} bytes long`);
  const opened = await openZipMember(source, label, member);
  const bytes = await opened.read(0, opened.size);
  if (member.method === 0) checkCrc(label, bytes, member);
  return bytes;
}

function checkCrc(label: string, bytes: Uint8Array, { crc }: ZipMember): void {
  if (crc32(bytes) !== crc) throw invalid(label, 'damaged, its checksum does not match');
}

function partOf(source: ByteSource, name: string, start: number, size: number): ByteSource {
  if (start + size > source.size) throw invalid(name, 'it ends beyond the end of the archive');
  const check = (offset: number, length: number) => {
    const isInside = offset >= 0 && length >= 0 && offset + length <= size;
    if (!isInside) throw invalid(name, `${length} bytes at offset ${offset} were expected, but it ends at ${size}`);
  };
  return {
    name,
    size,
    read: async (offset, length) => {
      check(offset, length);
      return source.read(start + offset, length);
    },
    readInto: async (target, offset) => {
      check(offset, target.byteLength);
      return source.readInto(target, start + offset);
    },
    close: async () => undefined,
  };
}

function invalid(name: string, reason: string): AppError {
  return new AppError('invalid-file', `${name}: ${reason}.`, { details: { path: name } });
}

interface Directory {
  readonly count: number;
  readonly length: number;
  readonly offset: number;
}

async function findDirectory(source: ByteSource): Promise<Directory> {
  const tailLength = Math.min(source.size, END_LENGTH + 0xffff);
  const tailStart = source.size - tailLength;
  const tail = new DataView((await source.read(tailStart, tailLength)).buffer);
  let end = tailLength - END_LENGTH;
  while (end >= 0 && tail.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw invalid(source.name, 'not a ZIP archive, it has no end of a ZIP directory');
  if (tail.getUint32(end + 4, true) !== 0) {
    throw new AppError('unsupported', `${source.name}: ZIP archives in parts are not read.`, {
      details: { path: source.name },
    });
  }
  const short = {
    count: tail.getUint16(end + 10, true),
    length: tail.getUint32(end + 12, true),
    offset: tail.getUint32(end + 16, true),
  };
  const isZip64 = short.count === 0xffff || short.length === IN_ZIP64 || short.offset === IN_ZIP64;
  const directory = isZip64 ? await zip64Directory(source, tailStart + end) : short;
  const fits = directory.offset + directory.length <= tailStart + end && directory.length <= MAX_DIRECTORY_BYTES;
  if (directory.count > MAX_MEMBERS || !fits) throw invalid(source.name, 'its ZIP directory does not fit into it');
  return directory;
}

/** @param end where the end record is, just behind the locator. */
async function zip64Directory(source: ByteSource, end: number): Promise<Directory> {
  const damaged = invalid(source.name, 'its Zip64 directory is damaged');
  if (end < ZIP64_LOCATOR_LENGTH) throw damaged;
  const locator = new DataView((await source.read(end - ZIP64_LOCATOR_LENGTH, ZIP64_LOCATOR_LENGTH)).buffer);
  if (locator.getUint32(0, true) !== 0x07064b50) throw damaged;
  const at = safeNumber(locator, 8, source.name);
  if (at + ZIP64_END_LENGTH > end) throw damaged;
  const record = new DataView((await source.read(at, ZIP64_END_LENGTH)).buffer);
  if (record.getUint32(0, true) !== 0x06064b50) throw damaged;
  return {
    count: safeNumber(record, 32, source.name),
    length: safeNumber(record, 40, source.name),
    offset: safeNumber(record, 48, source.name),
  };
}

/** The values that stand in the Zip64 extra field in place of those that are 2³² − 1, in the same order. */
function inZip64(
  view: DataView,
  from: number,
  end: number,
  values: readonly number[],
  name: string,
): readonly number[] {
  if (!values.includes(IN_ZIP64)) return values;
  for (let at = from; at + 4 <= end; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue;
    let field = at + 4;
    return values.map((value) => {
      if (value !== IN_ZIP64) return value;
      if (field + 8 > Math.min(end, at + 4 + view.getUint16(at + 2, true))) {
        throw invalid(name, 'its Zip64 directory is damaged');
      }
      const long = safeNumber(view, field, name);
      field += 8;
      return long;
    });
  }
  throw invalid(name, 'its Zip64 directory is damaged');
}

function safeNumber(view: DataView, at: number, name: string): number {
  const value = Number(view.getBigUint64(at, true));
  if (!Number.isSafeInteger(value)) throw invalid(name, 'its Zip64 directory is damaged');
  return value;
}

async function inflated(label: string, packed: Uint8Array, length: number): Promise<Uint8Array> {
  try {
    return await promisify(inflateRaw)(packed, { maxOutputLength: Math.max(1, length) });
  } catch {
    throw invalid(label, 'its compressed data are damaged');
  }
}

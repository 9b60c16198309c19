// Text of any file that people or other programs wrote: UTF-8, or UTF-16 as Windows writes it, told apart by the byte-order mark
// or by the zeros of UTF-16; gzip and zstd are unpacked wherever the first bytes show them, whatever the file is called. Every
// reader of text goes through here. What is not text is refused with the offset of the first wrong byte.
import { createReadStream } from 'node:fs';
import { TextDecoder } from 'node:util';
import { createGunzip, createZstdDecompress, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { AppError } from '../../contract/base/errors.ts';
import { openFile } from './byteSource.ts';
import { toFileError } from './fileError.ts';

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

/** A tokenizer.json of 256 000 tokens has 35 MB. */
const MOST_BYTES = 64 << 20;
const CHUNK_BYTES = 64 << 10; // small: a reader of records holds all records of a piece at once
/** Enough to know a format by. */
const HEAD_BYTES = 16;

/** Compressed text that is read. */
const UNPACKERS = [
  { name: 'gzip', begins: '\u001f\u008b', stream: createGunzip, whole: gunzipSync },
  { name: 'zstd', begins: '\u0028\u00b5\u002f\u00fd', stream: createZstdDecompress, whole: zstdDecompressSync },
] as const;

/** Formats in which people keep text and that are not read, by their first bytes as Latin-1. */
const PACKED: readonly { readonly name: string; readonly unpack: string; readonly begins: string }[] = [
  { name: 'a zip archive', unpack: 'unzip it', begins: 'PK\u0003\u0004' },
  { name: 'compressed by xz', unpack: 'unpack it with xz -d', begins: '\u00fd7zXZ' },
  { name: 'compressed by bzip2', unpack: 'unpack it with bunzip2', begins: 'BZh91AY&SY' },
  { name: 'a parquet file', unpack: 'give it the ending .parquet', begins: 'PAR1' },
];

/** The text of a whole file. @throws AppError `not-found`, `permission`, `invalid-file`, `unsupported` for zip and the like. */
export async function readText(path: string, mostBytes: number = MOST_BYTES): Promise<string> {
  const source = await openFile(path);
  try {
    if (source.size > mostBytes) throw tooLarge(path, source.size);
    const bytes = await source.read(0, source.size);
    return decodeText(unpacked(bytes, path, mostBytes), path);
  } finally {
    await source.close();
  }
}

/** As readText, and null where there is no such file. */
export async function readOptionalText(path: string, mostBytes?: number): Promise<string | null> {
  try {
    return await readText(path, mostBytes);
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'not-found') return null;
    throw thrown;
  }
}

/** @throws AppError `invalid-file` that names the first byte that is no text. */
export function decodeText(bytes: Uint8Array, path: string): string {
  const decoder = new FileDecoder(path);
  return decoder.next(bytes) + decoder.end();
}

/** The file's text in pieces of up to 64 KiB, cut between characters. A byte-order mark at the start is left out. */
export async function* textChunks(path: string): AsyncGenerator<string, void, undefined> {
  const decoder = new FileDecoder(path);
  for await (const bytes of unpackedChunks(path)) {
    const text = decoder.next(bytes);
    if (text !== '') yield text;
  }
  const rest = decoder.end();
  if (rest !== '') yield rest;
}

/** The bytes of a file, of a compressed one what is packed in it. */
async function* unpackedChunks(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const unpacker = await unpackerOfFile(path);
  const file = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  const bytes = unpacker ? file.pipe(unpacker.stream({ chunkSize: CHUNK_BYTES })) : file;
  if (bytes !== file) file.once('error', (error) => bytes.destroy(error)); // pipe passes data on, not errors
  try {
    for await (const chunk of bytes) yield chunk as Uint8Array; // bytes: no encoding is set
  } catch (thrown) {
    throw unpackingError(thrown, path);
  } finally {
    file.destroy();
  }
}

async function unpackerOfFile(path: string): Promise<ReturnType<typeof unpackerOf>> {
  const source = await openFile(path);
  try {
    return unpackerOf(await source.read(0, Math.min(source.size, HEAD_BYTES)));
  } finally {
    await source.close();
  }
}

function unpackerOf(bytes: Uint8Array): (typeof UNPACKERS)[number] | undefined {
  const head = latin1Head(bytes);
  return UNPACKERS.find(({ begins }) => head.startsWith(begins));
}

function latin1Head(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, HEAD_BYTES)).toString('latin1');
}

/** As they are, where they are not compressed. */
function unpacked(bytes: Uint8Array, path: string, mostBytes: number): Uint8Array {
  try {
    return unpackerOf(bytes)?.whole(bytes, { maxOutputLength: mostBytes }) ?? bytes;
  } catch (thrown) {
    if (thrown instanceof RangeError) throw tooLarge(path, mostBytes + 1);
    throw unpackingError(thrown, path);
  }
}

function unpackingError(thrown: unknown, path: string): AppError {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  if (!code.startsWith('Z_') && !code.startsWith('ZSTD_')) return toFileError(thrown, path);
  return new AppError('invalid-file', `${path}: this compressed file is damaged or cut off.`, {
    cause: thrown,
    details: { path },
  });
}

function tooLarge(path: string, size: number): AppError {
  return new AppError('invalid-file', `${path}: ${size} bytes are too many for this file.`, { details: { path } });
}

/** Decodes one file piece by piece; the encoding is that of its first bytes. */
class FileDecoder {
  readonly #path: string;
  #decoder: TextDecoder | null = null;
  #encoding: Encoding = 'utf-8';
  /** Too few bytes to know the encoding by. */
  #start = new Uint8Array(0);
  #offset = 0;
  /** What the decoder holds back: the start of a character cut by a chunk's end. */
  #carried = new Uint8Array(0);

  constructor(path: string) {
    this.#path = path;
  }

  next(bytes: Uint8Array): string {
    if (this.#decoder !== null) return this.#decode(this.#decoder, bytes, false);
    const start = this.#start.length === 0 ? bytes : Buffer.concat([this.#start, bytes]);
    if (start.length < 4) {
      this.#start = Uint8Array.from(start);
      return '';
    }
    return this.#decode(this.#begin(start), start, false);
  }

  end(): string {
    const decoder = this.#decoder;
    if (decoder !== null) return this.#decode(decoder, new Uint8Array(0), true);
    const start = this.#start;
    return this.#decode(this.#begin(start), start, true);
  }

  #begin(start: Uint8Array): TextDecoder {
    refusePacked(start, this.#path);
    this.#encoding = encodingOf(start);
    this.#decoder = new TextDecoder(this.#encoding, { fatal: true });
    return this.#decoder;
  }

  #decode(decoder: TextDecoder, bytes: Uint8Array, isLast: boolean): string {
    try {
      const text = decoder.decode(bytes, { stream: !isLast });
      this.#offset += bytes.length;
      if (this.#encoding === 'utf-8') {
        const end = bytes.length < 4 ? Buffer.concat([this.#carried, bytes]) : bytes;
        this.#carried = Uint8Array.from(end.subarray(end.length - incompleteTail(end)));
      }
      return text;
    } catch (cause) {
      throw this.#notText(bytes, cause);
    }
  }

  #notText(bytes: Uint8Array, cause: unknown): AppError {
    const details = { path: this.#path };
    if (this.#encoding !== 'utf-8') {
      const name = this.#encoding.toUpperCase();
      return new AppError('invalid-file', `${this.#path}: it begins as ${name} and is not whole ${name}.`, {
        cause,
        details,
      });
    }
    const offset = this.#offset - this.#carried.length + firstInvalidByte(Buffer.concat([this.#carried, bytes]));
    return new AppError(
      'invalid-file',
      `${this.#path}: not UTF-8, the first wrong byte is at offset ${offset}. Save it as UTF-8.`,
      { cause, details: { ...details, offset } },
    );
  }
}

/** @throws AppError `unsupported`. */
function refusePacked(start: Uint8Array, path: string): void {
  const head = latin1Head(start);
  const found = PACKED.find(({ begins }) => head.startsWith(begins));
  if (!found) return;
  const { name, unpack } = found;
  throw new AppError('unsupported', `${path}: this is ${name}, which is not read: ${unpack}.`, { details: { path } });
}

function encodingOf([a, b, c, d]: Uint8Array): Encoding {
  if (a === 0xff && b === 0xfe) return 'utf-16le';
  if (a === 0xfe && b === 0xff) return 'utf-16be';
  // UTF-16 without a mark: no text begins with characters of which every other one is U+0000.
  if (a !== 0 && b === 0 && c !== 0 && d === 0) return 'utf-16le';
  if (a === 0 && b !== 0 && c === 0 && d !== 0) return 'utf-16be';
  return 'utf-8';
}

/** How many bytes at the end begin a character that is not finished; the bytes before are valid UTF-8. */
function incompleteTail(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte >= 0xc0) return back < characterLength(byte) ? back : 0;
    if (byte < 0x80) return 0;
  }
  return 0;
}

function characterLength(firstByte: number): number {
  if (firstByte < 0x80) return 1;
  if (firstByte >= 0xc2 && firstByte < 0xe0) return 2;
  if (firstByte >= 0xe0 && firstByte < 0xf0) return 3;
  return firstByte >= 0xf0 && firstByte < 0xf5 ? 4 : 0;
}

/** Index of the first byte that is not part of a character; the bytes are known to hold one. */
function firstInvalidByte(bytes: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let at = 0;
  while (at < bytes.length) {
    const length = characterLength(bytes[at]!);
    try {
      decoder.decode(bytes.subarray(at, at + Math.max(1, length)));
    } catch {
      return at;
    }
    at += length;
  }
  return at;
}

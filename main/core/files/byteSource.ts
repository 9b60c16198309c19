// Random access to bytes that may not fit in memory: a file, or bytes at hand. Every format reader works on this, so
// that none loads a whole file. Reads are checked against `size`; reading outside of it is an error, never a short read.

import { open, type FileHandle } from 'node:fs/promises';
import { AppError } from '../../contract/base/errors.ts';
import { toFileError } from './fileError.ts';

export interface ByteSource {
  /** What a person calls it: the path, for messages. */
  readonly name: string;
  /** Bytes, when it was opened. */
  readonly size: number;
  /** `length` bytes from `offset` in an ArrayBuffer of their own, so a typed array of any kind may be laid over it. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Fills `target` with the bytes from `offset`. */
  readInto(target: Uint8Array, offset: number): Promise<void>;
  close(): Promise<void>;
}

/** One system call never asks for more; some systems refuse 2 GiB and more at once. */
const LONGEST_READ = 1 << 30;

function checkRange(source: { name: string; size: number }, offset: number, length: number): void {
  if (Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0) {
    if (offset + length <= source.size) return;
  }
  throw new AppError(
    'invalid-file',
    `${source.name}: ${length} bytes at offset ${offset} were expected, but it ends at ${source.size}.`,
    { details: { path: source.name, offset, length, size: source.size } },
  );
}

/** A sparse file can claim more bytes than memory holds. */
function allocate(name: string, length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(new ArrayBuffer(length));
  } catch (cause) {
    throw new AppError('out-of-memory', `${name}: ${length} bytes of it do not fit into memory.`, {
      cause,
      details: { path: name, length },
    });
  }
}

class FileSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #handle: FileHandle;

  constructor(name: string, size: number, handle: FileHandle) {
    this.name = name;
    this.size = size;
    this.#handle = handle;
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    checkRange(this, offset, length); // before allocating: a lying length must not cost memory
    const bytes = allocate(this.name, length);
    await this.readInto(bytes, offset);
    return bytes;
  }

  async readInto(target: Uint8Array, offset: number): Promise<void> {
    checkRange(this, offset, target.byteLength);
    let done = 0;
    while (done < target.byteLength) {
      const wanted = Math.min(target.byteLength - done, LONGEST_READ);
      let bytesRead: number;
      try {
        ({ bytesRead } = await this.#handle.read(target, done, wanted, offset + done));
      } catch (thrown) {
        throw toFileError(thrown, this.name);
      }
      if (bytesRead === 0) {
        throw new AppError('invalid-file', `${this.name}: it became shorter while it was being read.`, {
          details: { path: this.name, size: this.size },
        });
      }
      done += bytesRead;
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** @throws AppError `not-found`, `permission`, or `invalid-file` when `path` is not a regular file. */
export async function openFile(path: string): Promise<ByteSource> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const stats = await handle.stat();
    if (!stats.isFile()) throw new AppError('invalid-file', `${path}: it is not a file.`, { details: { path } });
    return new FileSource(path, stats.size, handle);
  } catch (thrown) {
    await handle?.close();
    throw toFileError(thrown, path);
  }
}

/** A source over `bytes`, which must not change while it is in use. */
export function openBytes(name: string, bytes: Uint8Array): ByteSource {
  const source = { name, size: bytes.byteLength };
  return {
    ...source,
    async read(offset, length) {
      checkRange(source, offset, length);
      return new Uint8Array(bytes.subarray(offset, offset + length));
    },
    async readInto(target, offset) {
      checkRange(source, offset, target.byteLength);
      target.set(bytes.subarray(offset, offset + target.byteLength));
    },
    async close() {},
  };
}

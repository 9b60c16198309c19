// The files of a store's shards. A large store has tens of thousands: they are opened when something is read from them, and
// only so many at a time. That each is there and whole is checked before anything is read.

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../contract/base/errors.ts';
import { openFile, type ByteSource } from '../files/byteSource.ts';
import { toFileError } from '../files/fileError.ts';
import { realPathInside } from '../files/insideFolder.ts';
import { readSafetensorsHeader } from '../formats/safetensors.ts';
import { MANIFEST_FILE, SHARD_TENSOR, type Manifest } from './manifest.ts';

/** Files that stay open for the next read; a read of more than these opens what it needs. */
const OPEN_AT_ONCE = 64;
/** Looked at side by side: on a network file system each answer takes a while. */
const CHECKED_AT_ONCE = 32;

interface Shard {
  readonly source: ByteSource;
  /** Of the first row in the file. */
  readonly offset: number;
}

interface OpenShard {
  readonly shard: Promise<Shard>;
  readers: number;
}

export class ShardFiles {
  readonly #folder: string;
  readonly #manifest: Manifest;
  /** The one used last comes last. */
  readonly #open = new Map<number, OpenShard>();

  constructor(folder: string, manifest: Manifest) {
    this.#folder = folder;
    this.#manifest = manifest;
  }

  /**
   * That every shard is there and whole. The first and the last are read as far as their header; the others hold as many
   * rows as the first, under the same header, so they are as long.
   * @throws AppError `not-found`, `invalid-file`.
   */
  async check(): Promise<void> {
    const last = this.#manifest.shards.length - 1;
    for (const index of new Set([0, last])) await this.#use(index, () => Promise.resolve());
    const size = last > 0 ? await this.#sizeOf(0) : 0;
    for (let first = 1; first < last; first += CHECKED_AT_ONCE) {
      const count = Math.min(CHECKED_AT_ONCE, last - first);
      await Promise.all(Array.from({ length: count }, (_, i) => this.#checkSize(first + i, size)));
    }
  }

  /** Fills `target` with bytes of shard `index`, from `offset` behind the beginning of its first row. @throws AppError. */
  readInto(index: number, target: Uint8Array, offset: number): Promise<void> {
    return this.#use(index, (shard) => shard.source.readInto(target, shard.offset + offset));
  }

  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(open.map(({ shard }) => closeShard(shard)));
  }

  async #use(index: number, read: (shard: Shard) => Promise<void>): Promise<void> {
    const entry = this.#open.get(index) ?? { shard: this.#openShard(index), readers: 0 };
    this.#open.delete(index);
    this.#open.set(index, entry);
    entry.readers += 1;
    try {
      await read(await entry.shard);
    } catch (thrown) {
      this.#open.delete(index);
      await closeShard(entry.shard);
      throw thrown;
    } finally {
      entry.readers -= 1;
      await this.#closeIdle();
    }
  }

  async #closeIdle(): Promise<void> {
    for (const [index, entry] of this.#open) {
      if (this.#open.size <= OPEN_AT_ONCE) return;
      if (entry.readers > 0) continue;
      this.#open.delete(index);
      await closeShard(entry.shard);
    }
  }

  async #openShard(index: number): Promise<Shard> {
    const { rows } = this.#manifest.shards[index]!;
    const source = await openFile(await this.#pathOf(index));
    try {
      const { tensors } = await readSafetensorsHeader(source);
      const tensor = tensors.get(SHARD_TENSOR);
      const isAsDescribed =
        tensors.size === 1 &&
        tensor?.dtype === (this.#manifest.dtype === 'f16' ? 'F16' : 'F32') &&
        tensor.shape.length === 2 &&
        tensor.shape[0] === rows &&
        tensor.shape[1] === this.#manifest.width;
      if (!isAsDescribed) throw notAsDescribed(source.name);
      return { source, offset: tensor.fileOffset };
    } catch (thrown) {
      await source.close();
      throw thrown;
    }
  }

  async #checkSize(index: number, size: number): Promise<void> {
    if ((await this.#sizeOf(index)) !== size) throw notAsDescribed(await this.#pathOf(index));
  }

  async #sizeOf(index: number): Promise<number> {
    const path = await this.#pathOf(index);
    const { size } = await stat(path).catch((thrown: unknown) => {
      throw toFileError(thrown, path);
    });
    return size;
  }

  #pathOf(index: number): Promise<string> {
    return realPathInside(this.#folder, this.#manifest.shards[index]!.file, join(this.#folder, MANIFEST_FILE));
  }
}

async function closeShard(shard: Promise<Shard>): Promise<void> {
  const opened = await shard.catch(() => null); // who reads is told
  await opened?.source.close();
}

function notAsDescribed(path: string): AppError {
  return new AppError('invalid-file', `${path}: not the shard that the manifest describes.`, { details: { path } });
}

// Reads an activation store: rows `[rows, width]` in shards, and the contexts of tokens they belong to.
// Row r is position r mod contextLength of context ⌊r / contextLength⌋.

import { join } from 'node:path';
import { AppError } from '../../contract/base/errors.ts';
import { openFile, type ByteSource } from '../files/byteSource.ts';
import { hashFile } from '../files/hash.ts';
import { realPathInside } from '../files/insideFolder.ts';
import { readSafetensorsHeader } from '../formats/safetensors.ts';
import { float16ToFloat32 } from '../numerics/halfPrecision.ts';
import {
  MANIFEST_FILE,
  readManifest,
  SHARD_TENSOR,
  shardCount,
  TOKENS_FILE,
  totalRows,
  type Manifest,
} from './manifest.ts';
import { ContextFile } from './packing.ts';

interface Shard {
  readonly source: ByteSource;
  /** Of the first row in the file. */
  readonly offset: number;
}

/**
 * Checks everything but the contents (see `verify`).
 * @throws AppError `not-found`; `invalid-file` when files are missing, damaged or do not fit the manifest; `conflict` when
 * the capture that makes it has not finished.
 */
export async function openStore(folder: string): Promise<ActivationStore> {
  const manifest = await readManifest(folder);
  if (manifest.shards.length < shardCount(manifest)) {
    throw new AppError('conflict', `${folder}: its capture was interrupted or is still running; resume it first.`, {
      details: { path: folder, shards: manifest.shards.length, of: shardCount(manifest) },
    });
  }
  const opened: { close(): Promise<void> }[] = [];
  try {
    const contexts = await ContextFile.open(await realPathInside(folder, TOKENS_FILE, join(folder, MANIFEST_FILE)));
    opened.push(contexts);
    if (contexts.contexts !== manifest.contexts || contexts.contextLength !== manifest.contextLength) {
      throw new AppError('invalid-file', `${folder}: its contexts are not those that its manifest describes.`);
    }
    const shards: Shard[] = [];
    for (const { file, rows } of manifest.shards) {
      const source = await openFile(await realPathInside(folder, file, join(folder, MANIFEST_FILE)));
      opened.push(source);
      const { tensors } = await readSafetensorsHeader(source);
      const tensor = tensors.get(SHARD_TENSOR);
      const isAsDescribed =
        tensors.size === 1 &&
        tensor?.dtype === (manifest.dtype === 'f16' ? 'F16' : 'F32') &&
        tensor.shape.length === 2 &&
        tensor.shape[0] === rows &&
        tensor.shape[1] === manifest.width;
      if (!isAsDescribed) {
        throw new AppError('invalid-file', `${source.name}: not the shard that the manifest describes.`, {
          details: { path: source.name },
        });
      }
      shards.push({ source, offset: tensor.fileOffset });
    }
    return new ActivationStore(folder, manifest, contexts, shards);
  } catch (thrown) {
    await Promise.allSettled(opened.map((file) => file.close()));
    throw thrown;
  }
}

export class ActivationStore {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly rows: number;
  readonly width: number;
  /** As it is stored. */
  readonly bytesPerRow: number;
  readonly contexts: ContextFile;
  readonly #shards: readonly Shard[];

  /** Use `openStore`. */
  constructor(folder: string, manifest: Manifest, contexts: ContextFile, shards: readonly Shard[]) {
    this.folder = folder;
    this.manifest = manifest;
    this.rows = totalRows(manifest);
    this.width = manifest.width;
    this.bytesPerRow = manifest.width * (manifest.dtype === 'f16' ? 2 : 4);
    this.contexts = contexts;
    this.#shards = shards;
  }

  /** Fills `target` with whole rows from row `first`, as they are stored: float32 or float16. All reads start at once. */
  async readStored(first: number, target: Uint8Array): Promise<void> {
    const count = target.byteLength / this.bytesPerRow;
    if (!Number.isInteger(count) || first < 0 || first + count > this.rows) {
      throw new AppError('internal', `Rows ${first} to ${first + count} were asked for, the store has ${this.rows}.`);
    }
    const { rowsPerShard } = this.manifest;
    const reads: Promise<void>[] = [];
    for (let row = first; row < first + count;) {
      const shardIndex = Math.floor(row / rowsPerShard);
      const shard = this.#shards[shardIndex]!;
      const end = Math.min(first + count, (shardIndex + 1) * rowsPerShard);
      const part = target.subarray((row - first) * this.bytesPerRow, (end - first) * this.bytesPerRow);
      reads.push(shard.source.readInto(part, shard.offset + (row - shardIndex * rowsPerShard) * this.bytesPerRow));
      row = end;
    }
    await Promise.all(reads);
  }

  /** Rows `first` to `first + count` as float32 `[count, width]`, into `target` where given. */
  async readRows(
    first: number,
    count: number,
    target: Float32Array<ArrayBuffer> = new Float32Array(count * this.width),
  ): Promise<Float32Array<ArrayBuffer>> {
    const rows = target.subarray(0, count * this.width);
    if (this.manifest.dtype === 'f32') {
      await this.readStored(first, new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength));
    } else {
      const halves = new Float16Array(count * this.width);
      await this.readStored(first, new Uint8Array(halves.buffer));
      float16ToFloat32(halves, rows);
    }
    return rows;
  }

  /** Compares every file with the hash that the manifest has of it. @throws AppError `invalid-file`. */
  async verify(signal?: AbortSignal): Promise<void> {
    const files = [{ file: TOKENS_FILE, sha256: this.manifest.tokensSha256 }, ...this.manifest.shards];
    for (const { file, sha256 } of files) {
      const path = join(this.folder, file);
      if ((await hashFile(path, signal)) === sha256) continue;
      throw new AppError('invalid-file', `${path}: damaged, its contents have changed since they were captured.`, {
        details: { path },
      });
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.contexts.close(), ...this.#shards.map(({ source }) => source.close())]);
  }
}

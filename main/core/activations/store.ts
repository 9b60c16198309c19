// Reads an activation store: rows `[rows, width]` in shards, and the contexts of tokens they belong to.
// Row r is position r mod contextLength of context ⌊r / contextLength⌋.

import { join } from 'node:path';
import { AppError } from '../../contract/base/errors.ts';
import { hashFile } from '../files/hash.ts';
import { realPathInside } from '../files/insideFolder.ts';
import { float16ToFloat32 } from '../numerics/halfPrecision.ts';
import {
  bytesPerRow,
  MANIFEST_FILE,
  readManifest,
  shardCount,
  TOKENS_FILE,
  totalRows,
  type Manifest,
} from './manifest.ts';
import { ContextFile } from './packing.ts';
import { ShardFiles } from './shardFiles.ts';

/**
 * Checks all files but their contents (see `verify`).
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
    const shards = new ShardFiles(folder, manifest);
    opened.push(shards);
    await shards.check();
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
  readonly #shards: ShardFiles;

  /** Use `openStore`. */
  constructor(folder: string, manifest: Manifest, contexts: ContextFile, shards: ShardFiles) {
    this.folder = folder;
    this.manifest = manifest;
    this.rows = totalRows(manifest);
    this.width = manifest.width;
    this.bytesPerRow = bytesPerRow(manifest);
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
      const end = Math.min(first + count, (shardIndex + 1) * rowsPerShard);
      const part = target.subarray((row - first) * this.bytesPerRow, (end - first) * this.bytesPerRow);
      reads.push(this.#shards.readInto(shardIndex, part, (row - shardIndex * rowsPerShard) * this.bytesPerRow));
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
    await Promise.all([this.contexts.close(), this.#shards.close()]);
  }
}

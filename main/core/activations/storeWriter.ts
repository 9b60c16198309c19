// Writes an activation store while a model runs. Rows go through a short queue to files, so that the disk works while the
// next batch is computed. Shards appear whole; after each, the journal says so. A writer that is opened again over the
// same folder, after any kind of death, goes on behind the last shard: the result is the same to the byte.

import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../../contract/base/errors.ts';
import { buildFolderAtomic, removeLeftovers } from '../files/atomicWrite.ts';
import { toFileError } from '../files/fileError.ts';
import { hashFile } from '../files/hash.ts';
import { writeSafetensors } from '../formats/safetensors.ts';
import { float32ToFloat16 } from '../numerics/halfPrecision.ts';
import {
  checkSamePlan,
  readManifest,
  rowsOfShard,
  SHARD_TENSOR,
  shardCount,
  shardFile,
  TOKENS_FILE,
  totalRows,
  writeManifest,
  type Manifest,
  type StorePlan,
} from './manifest.ts';
import { removeJournal, ShardJournal } from './shardJournal.ts';
import type { ShardRecord } from './shardRecord.ts';

/** Of rows that wait for the disk; one batch may always wait. */
const QUEUE_BYTES = 32 << 20;

/** The manifest of the store in `folder`, finished or not; undefined when there is no such folder. @throws AppError. */
export async function storeInFolder(folder: string): Promise<Manifest | undefined> {
  const exists = await stat(folder).then(
    () => true,
    (thrown: unknown) => {
      const error = toFileError(thrown, folder);
      if (error.code === 'not-found') return false;
      throw error;
    },
  );
  return exists ? readManifest(folder) : undefined;
}

/** Writes the manifest with all shards so far, in place of the journal. */
async function settle(folder: string, manifest: Manifest): Promise<void> {
  await writeManifest(folder, manifest);
  await removeJournal(folder);
}

export class StoreWriter {
  readonly folder: string;
  readonly #description: Omit<Manifest, 'shards'>;
  readonly #shards: ShardRecord[];
  readonly #journal: ShardJournal;
  /** Rows taken from the caller, those of earlier lives included. */
  #acceptedRows: number;
  #queue: Float32Array[] = [];
  #queuedBytes = 0;
  #changed = Promise.withResolvers<void>();
  #failure: { readonly thrown: unknown } | null = null;
  readonly #writing: Promise<void>;

  private constructor(folder: string, manifest: Manifest) {
    this.folder = folder;
    this.#description = manifest;
    this.#shards = [...manifest.shards];
    this.#journal = new ShardJournal(folder);
    this.#acceptedRows = this.completeRows;
    this.#writing = this.#writeShards().catch((thrown: unknown) => {
      this.#fail(thrown);
    });
  }

  /**
   * Makes the store, or goes on with the one in `folder`, whose parent must exist.
   * @param packContexts writes the contexts to a path and returns their number; called only when there is no store yet.
   * @throws AppError `mismatch` when there is a store of something else, `not-found` when there is another folder.
   */
  static async open(
    folder: string,
    plan: StorePlan,
    packContexts: (path: string) => Promise<number>,
  ): Promise<StoreWriter> {
    const existing = await storeInFolder(folder);
    if (existing) {
      checkSamePlan(folder, existing, plan);
      await removeLeftovers(folder);
      await settle(folder, existing); // a new journal begins behind it: the old one may end in half a line
      return new StoreWriter(folder, existing);
    }
    await removeLeftovers(dirname(folder));
    const manifest = await buildFolderAtomic(folder, async (partial) => {
      const tokens = join(partial, TOKENS_FILE);
      const contexts = await packContexts(tokens);
      const tokensSha256 = await hashFile(tokens);
      const empty: Manifest = { format: 'errata-activations', version: 1, ...plan, contexts, tokensSha256, shards: [] };
      await writeManifest(partial, empty);
      return empty;
    });
    return new StoreWriter(folder, manifest);
  }

  get contexts(): number {
    return this.#description.contexts;
  }

  get tokensSha256(): string {
    return this.#description.tokensSha256;
  }

  /** Rows in finished shards: a capture may start behind them, and need not start exactly there. */
  get completeRows(): number {
    return this.#shards.reduce((sum, { rows }) => sum + rows, 0);
  }

  /**
   * Takes rows `[n, width]`, of which the first is row `firstRow` of the store; rows taken before are skipped. Resolves when
   * there is room for more. The array must not change afterwards.
   * @throws AppError `disk-full` and its kin; `unsupported` for values that the store's dtype cannot hold.
   */
  async write(firstRow: number, rows: Float32Array): Promise<void> {
    this.#throwFailure();
    const { width } = this.#description;
    const end = firstRow + rows.length / width;
    if (firstRow > this.#acceptedRows || end > totalRows(this.#description) || !Number.isInteger(end)) {
      throw new AppError('internal', `Rows ${firstRow} to ${end} came after row ${this.#acceptedRows}.`);
    }
    if (end <= this.#acceptedRows) return;
    const fresh = rows.subarray((this.#acceptedRows - firstRow) * width);
    this.#acceptedRows = end;
    this.#queue.push(fresh);
    this.#queuedBytes += fresh.byteLength;
    this.#notify();
    while (this.#queue.length > 1 && this.#queuedBytes > QUEUE_BYTES) {
      await this.#changed.promise;
      this.#throwFailure();
    }
  }

  /** Waits for the disk. @throws AppError `internal` when rows are missing. */
  async finish(): Promise<void> {
    if (!this.#failure && this.#acceptedRows !== totalRows(this.#description)) {
      throw new AppError('internal', `${this.folder}: finished after ${this.#acceptedRows} rows.`);
    }
    await this.#writing;
    this.#throwFailure();
  }

  /** Stops; finished shards stay, an unfinished one goes. */
  async abort(): Promise<void> {
    this.#fail(new AppError('cancelled', 'Cancelled.'));
    await this.#writing;
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.thrown;
  }

  #fail(thrown: unknown): void {
    this.#failure ??= { thrown };
    this.#queue = [];
    this.#notify();
  }

  /** Wakes whoever waits for the queue. */
  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async #writeShards(): Promise<void> {
    try {
      for (let shard = this.#shards.length; shard < shardCount(this.#description); shard++) {
        const record = await this.#writeShard(shard);
        await this.#journal.add(record);
        this.#shards.push(record);
      }
    } finally {
      await this.#journal.close();
    }
    await settle(this.folder, { ...this.#description, shards: this.#shards });
  }

  async #writeShard(shard: number): Promise<ShardRecord> {
    const { dtype, width } = this.#description;
    const file = shardFile(shard);
    const rows = rowsOfShard(this.#description, shard);
    const sha256 = await writeSafetensors(join(this.folder, file), [
      {
        name: SHARD_TENSOR,
        dtype: dtype === 'f16' ? 'F16' : 'F32',
        shape: [rows, width],
        data: () => this.#takeRows(rows),
      },
    ]);
    return { file, rows, sha256 };
  }

  /** The next `count` rows from the queue, in the store's dtype, as they come. */
  async *#takeRows(count: number): AsyncGenerator<Float32Array | Float16Array, void, undefined> {
    let missing = count * this.#description.width;
    while (missing > 0) {
      this.#throwFailure();
      const head = this.#queue[0];
      if (!head) {
        await this.#changed.promise;
        continue;
      }
      const piece = head.length <= missing ? head : head.subarray(0, missing);
      missing -= piece.length;
      yield this.#encode(piece);
      // The piece is on its way to the disk by now. An abort in the meantime has emptied the queue.
      if (this.#queue.length === 0) continue;
      if (piece === head) this.#queue.shift();
      else this.#queue[0] = head.subarray(piece.length);
      this.#queuedBytes -= piece.byteLength;
      this.#notify();
    }
  }

  #encode(values: Float32Array): Float32Array | Float16Array {
    const encoded = this.#description.dtype === 'f16' ? float32ToFloat16(values) : values;
    let sum = 0; // stays 0 unless a value is infinite or NaN
    for (let i = 0; i < encoded.length; i++) sum += encoded[i]! * 0;
    if (sum === 0) return encoded;
    const isNarrowing = values.every(Number.isFinite);
    throw new AppError(
      'unsupported',
      isNarrowing
        ? `${this.folder}: activations at ${this.#description.site} exceed what float16 can hold; store them as f32.`
        : `${this.folder}: the model gives activations at ${this.#description.site} that are not finite.`,
      { details: { site: this.#description.site, dtype: this.#description.dtype } },
    );
  }
}

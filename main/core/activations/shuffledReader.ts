// Shuffled batches from a store that may be larger than memory. As in CorgiPile (Xu et al., arXiv 2206.05830): every epoch
// puts the store's blocks (a few hundred neighbouring rows) into a random order, fills a buffer with as many as fit (a
// group), and hands out the rows of the group in random order. So every row comes exactly once per epoch, each batch mixes
// rows of hundreds of places, and the disk is read in large pieces.
//
// The order depends on the seed, the epoch and the layout alone, so the cursor is two numbers and any row can be found
// again without a trace of the buffer. While one group is handed out, the reads of the next are under way outside of
// JavaScript's thread, all of them started at once: they go on while an engine blocks that thread.

import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';
import { validate } from '../../contract/base/validate.ts';
import { Random } from '../numerics/random.ts';
import type { RowSelection } from './rowSelection.ts';
import type { ActivationStore } from './store.ts';

export interface ShuffleOptions {
  readonly batchSize: number;
  readonly seed: number;
  readonly selection: RowSelection;
  /** How often every row comes; then the reader ends. The last batch, if it is not full, is dropped. Default: for ever. */
  readonly epochs?: number;
  /** Memory for rows, as they are stored; two halves take turns unless the selection fits whole. */
  readonly bufferBytes?: number;
}

const DEFAULT_BUFFER_BYTES = 256 << 20;
const BLOCK_BYTES = 256 << 10;
const MIN_BLOCKS_PER_GROUP = 16;

const stateSchema = v.strictObject({
  epoch: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  /** Rows of this epoch that have been handed out. */
  position: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  /** What the order depends on. */
  order: v.string(),
});

export type ShuffledReaderState = Readonly<v.InferOutput<typeof stateSchema>>;

/** One group of blocks in memory. */
interface Group {
  readonly epoch: number;
  readonly index: number;
  /** Rows handed out in this epoch before this group. */
  readonly start: number;
  /** Rows as stored, block after block. */
  readonly stored: Float32Array | Float16Array;
  /** Which of them to hand out, in this order. */
  readonly order: Uint32Array;
}

export class ShuffledReader {
  readonly batchSize: number;
  readonly rowsPerEpoch: number;
  readonly #store: ActivationStore;
  readonly #selection: RowSelection;
  readonly #seed: number;
  readonly #epochs: number;
  readonly #blockRows: number;
  readonly #blockCount: number;
  /** Of one size but for one block more or less, so that no batch comes from a small remainder. */
  readonly #groupCount: number;
  /** Selected rows of each block. */
  readonly #blockSizes: Uint32Array;
  /** Buffers not in use; allocated when first needed. */
  readonly #spare: ArrayBuffer[] = [];
  #epoch = 0;
  #position = 0;
  #group: Group | null = null;
  #next: Promise<Group> | null = null;
  #isReading = false;
  /** The one spare buffer holds all the rows: of a selection that fits whole. */
  #holdsAll = false;

  constructor(
    store: ActivationStore,
    { batchSize, seed, selection, epochs = Infinity, bufferBytes = DEFAULT_BUFFER_BYTES }: ShuffleOptions,
  ) {
    this.#store = store;
    this.#selection = selection;
    this.#seed = seed;
    this.#epochs = epochs;
    this.batchSize = batchSize;
    const rows = selection.end - selection.first;
    const bufferRows = Math.floor(bufferBytes / store.bytesPerRow);
    const groupRows = rows <= bufferRows ? rows : Math.floor(bufferRows / 2);
    this.#blockRows = Math.max(
      1,
      Math.min(Math.ceil(BLOCK_BYTES / store.bytesPerRow), Math.floor(groupRows / MIN_BLOCKS_PER_GROUP)),
    );
    this.#blockCount = Math.ceil(rows / this.#blockRows);
    this.#groupCount =
      rows <= bufferRows ? 1 : Math.ceil(this.#blockCount / Math.max(1, Math.floor(groupRows / this.#blockRows)));
    this.#blockSizes = Uint32Array.from({ length: this.#blockCount }, (_, block) => {
      const { first, end } = this.#rowsOfBlock(block);
      return selection.count(first, end);
    });
    this.rowsPerEpoch = this.#blockSizes.reduce((sum, size) => sum + size, 0);
    if (!Number.isSafeInteger(batchSize) || batchSize < 1 || batchSize > this.rowsPerEpoch) {
      throw new AppError('usage', `A batch of ${batchSize} cannot be taken from ${this.rowsPerEpoch} activations.`);
    }
  }

  /** The cursor, as JSON: a reader with the same options over the same store goes on from it exactly. */
  state(): ShuffledReaderState {
    return { epoch: this.#epoch, position: this.#position, order: this.#orderKey() };
  }

  /** @throws AppError `mismatch` when the state is of another store or other options, `invalid-file` when it is damaged. */
  async restore(state: unknown): Promise<void> {
    const { epoch, position, order } = validate(stateSchema, state, 'The cursor of the activations', 'invalid-file');
    if (order !== this.#orderKey()) {
      throw new AppError(
        'mismatch',
        'The activations, or how they are shuffled, have changed since the cursor was kept.',
        {
          details: { kept: order, now: this.#orderKey() },
        },
      );
    }
    if (position > this.rowsPerEpoch)
      throw new AppError('invalid-file', 'The cursor of the activations is out of range.');
    await this.#drop();
    this.#epoch = epoch;
    this.#position = position;
  }

  /** Everything that the order of the rows depends on; `batchSize` does not matter to it. */
  #orderKey(): string {
    const { manifest } = this.#store;
    const { first, end } = this.#selection;
    return [
      `seed ${this.#seed}`,
      `rows ${first} to ${end}, ${this.rowsPerEpoch} selected`,
      `blocks of ${this.#blockRows} in ${this.#groupCount} groups`,
      `tokens ${manifest.tokensSha256.slice(0, 16)}`,
      `first shard ${manifest.shards[0]?.sha256.slice(0, 16)}`,
    ].join(', ');
  }

  /**
   * The next batch, float32 `[batchSize, width]`, in `target` or a new array; null after the last.
   * Only one call at a time.
   */
  async next(
    target: Float32Array<ArrayBuffer> = new Float32Array(this.batchSize * this.#store.width),
  ): Promise<Float32Array<ArrayBuffer> | null> {
    if (this.#isReading) throw new AppError('internal', 'A second batch was asked for before the first had come.');
    if (target.length !== this.batchSize * this.#store.width) {
      throw new AppError(
        'internal',
        `A batch has ${this.batchSize * this.#store.width} numbers, not ${target.length}.`,
      );
    }
    const left = (this.#epochs - this.#epoch) * this.rowsPerEpoch - this.#position;
    if (left < this.batchSize) return null;
    this.#isReading = true;
    try {
      let filled = 0;
      while (filled < this.batchSize) {
        const group = await this.#currentGroup();
        const from = this.#position - group.start;
        const count = Math.min(this.batchSize - filled, group.order.length - from);
        gather(group.stored, group.order.subarray(from, from + count), this.#store.width, target, filled);
        filled += count;
        this.#position += count;
      }
      return target;
    } finally {
      this.#isReading = false;
    }
  }

  /** Waits for reads under way and lets go of the buffers; the store stays open. */
  async close(): Promise<void> {
    await this.#drop();
    this.#spare.length = 0;
    this.#holdsAll = false;
  }

  async #drop(): Promise<void> {
    const group = this.#group;
    const next = await this.#next?.catch(() => null);
    this.#group = null;
    this.#next = null;
    for (const dropped of [group, next]) if (dropped) this.#giveBack(dropped);
  }

  #giveBack({ stored }: Group): void {
    const { buffer } = stored;
    if (buffer instanceof ArrayBuffer && !this.#spare.includes(buffer)) this.#spare.push(buffer);
  }

  /** The group that holds the row at the cursor; starts reading the one after it. */
  async #currentGroup(): Promise<Group> {
    if (this.#position === this.rowsPerEpoch) {
      this.#epoch++;
      this.#position = 0;
    }
    const holds = (group: Group | null) =>
      group?.epoch === this.#epoch &&
      this.#position >= group.start &&
      this.#position < group.start + group.order.length;
    let group = this.#group;
    if (!holds(group)) {
      const pending = this.#next;
      this.#next = null;
      const next = await pending;
      if (group) this.#giveBack(group);
      this.#group = null;
      group = next;
      if (!holds(group)) group = await this.#load(...this.#locate());
      this.#group = group;
    }
    if (!group) throw new AppError('internal', 'The shuffling buffer is empty.');
    // A selection that fits whole needs no second buffer: the next epoch is the same rows in another order.
    if (this.#groupCount > 1) this.#next ??= this.#prefetch(group);
    return group;
  }

  #prefetch({ epoch, index, start, order }: Group): Promise<Group> | null {
    const isLast = index + 1 === this.#groupCount;
    if (isLast && epoch + 1 >= this.#epochs) return null;
    const loading = isLast ? this.#load(epoch + 1, 0, 0) : this.#load(epoch, index + 1, start + order.length);
    loading.catch(() => undefined); // told when it is awaited, and not before
    return loading;
  }

  /** Epoch, group and the group's start for the row at the cursor. */
  #locate(): [number, number, number] {
    const blocks = this.#blockOrder(this.#epoch);
    let start = 0;
    for (let group = 0; ; group++) {
      const size = this.#blocksOfGroup(blocks, group).reduce((sum, block) => sum + this.#blockSizes[block]!, 0);
      if (this.#position < start + size) return [this.#epoch, group, start];
      start += size;
    }
  }

  #blockOrder(epoch: number): Uint32Array {
    const blocks = Uint32Array.from({ length: this.#blockCount }, (_, i) => i);
    Random.forPart(this.#seed, epoch).shuffle(blocks);
    return blocks;
  }

  /** In the order of the file, so that neighbours are read as neighbours; the rows are shuffled anyway. */
  #blocksOfGroup(blocks: Uint32Array, group: number): Uint32Array {
    return blocks.slice(this.#firstBlock(group), this.#firstBlock(group + 1)).sort();
  }

  #firstBlock(group: number): number {
    return Math.floor((group * this.#blockCount) / this.#groupCount);
  }

  #rowsOfBlock(block: number): { first: number; end: number } {
    const first = this.#selection.first + block * this.#blockRows;
    return { first, end: Math.min(first + this.#blockRows, this.#selection.end) };
  }

  /** Every read is started before the first await. */
  async #load(epoch: number, index: number, start: number): Promise<Group> {
    const { bytesPerRow, width, manifest } = this.#store;
    const blocks = this.#blocksOfGroup(this.#blockOrder(epoch), index);
    const buffer =
      this.#spare.pop() ??
      new ArrayBuffer(Math.ceil(this.#blockCount / this.#groupCount) * this.#blockRows * bytesPerRow);
    const order = new Uint32Array(blocks.reduce((sum, block) => sum + this.#blockSizes[block]!, 0));
    const reads: Promise<void>[] = [];
    let slot = 0;
    let kept = 0;
    for (const block of blocks) {
      const { first, end } = this.#rowsOfBlock(block);
      for (let row = first; row < end; row++) if (this.#selection.has(row)) order[kept++] = slot + row - first;
      const target = new Uint8Array(buffer, slot * bytesPerRow, (end - first) * bytesPerRow);
      if (!this.#holdsAll) reads.push(this.#store.readStored(first, target));
      slot += end - first;
    }
    Random.forPart(this.#seed, epoch, index).shuffle(order);
    // All settle before the buffer may be used again, also when one fails.
    const failed = (await Promise.allSettled(reads)).find((read) => read.status === 'rejected');
    if (failed) {
      this.#spare.push(buffer);
      throw failed.reason;
    }
    this.#holdsAll = this.#groupCount === 1;
    const length = slot * width;
    const stored = manifest.dtype === 'f16' ? new Float16Array(buffer, 0, length) : new Float32Array(buffer, 0, length);
    return { epoch, index, start, stored, order };
  }
}

/** Copies rows of `stored` `[·, width]` in the given order into `target` from row `firstRow` on. */
function gather(
  stored: Float32Array | Float16Array,
  rows: Uint32Array,
  width: number,
  target: Float32Array,
  firstRow: number,
): void {
  // One loop per type: a loop that sees both is compiled for neither.
  if (stored instanceof Float32Array) gatherFloat32(stored, rows, width, target, firstRow * width);
  else gatherFloat16(stored, rows, width, target, firstRow * width);
}

function gatherFloat32(stored: Float32Array, rows: Uint32Array, width: number, target: Float32Array, at: number): void {
  for (let i = 0; i < rows.length; i++) {
    const from = rows[i]! * width;
    for (let j = 0; j < width; j++) target[at++] = stored[from + j]!;
  }
}

function gatherFloat16(stored: Float16Array, rows: Uint32Array, width: number, target: Float32Array, at: number): void {
  for (let i = 0; i < rows.length; i++) {
    const from = rows[i]! * width;
    for (let j = 0; j < width; j++) target[at++] = stored[from + j]!;
  }
}

// A batch of sparse codes as lists of entries (token, feature, value), and how to walk them in blocks.
//
// Gathering the rows that a block of lists names, and multiplying them by the lists' values, is a sparse × dense product
// whose intermediate stays in the processor's cache. Lists are sorted by length before they are cut into blocks, so that
// padding them to the longest of their block costs little. Each list lies in exactly one block: results of different
// blocks never meet, which makes the sums deterministic whatever the number of threads (ONNX Runtime's ScatterND with
// reduction "add" is not: with more than one thread it loses updates to the same row).

/** Entries grouped into lists: entry e of list i is at offsets[i] ≤ e < offsets[i + 1]. */
export interface SparseLists {
  /** `[lists + 1]` */
  readonly offsets: Uint32Array;
  /** `[entries]`: which row of the dense side the entry reads. */
  readonly columns: Int32Array;
  /** `[entries]`: where the entry stands in the arrays it was built from. */
  readonly sources: Uint32Array;
}

/** Lists of similar length, padded to the longest: `[lists, length]` with zero values behind the end of a list. */
export interface ListBlock {
  /** Indices of the lists in this block. */
  readonly lists: Uint32Array;
  readonly length: number;
}

/**
 * Groups entries by `keyOf`: a counting sort, stable, so that a list keeps the order of its entries.
 * @param keys `[entries]` the list of each entry, 0 ≤ key < listCount; −1 leaves the entry out
 * @param columns `[entries]`
 */
export function groupEntries(keys: Int32Array, columns: Int32Array, listCount: number): SparseLists {
  const offsets = new Uint32Array(listCount + 1);
  for (let entry = 0; entry < keys.length; entry++) {
    const key = keys[entry] as number;
    if (key >= 0) offsets[key + 1]! += 1;
  }
  for (let list = 0; list < listCount; list++) offsets[list + 1]! += offsets[list] as number;
  const kept = offsets[listCount] as number;
  const next = offsets.slice(0, listCount);
  const groupedColumns = new Int32Array(kept);
  const sources = new Uint32Array(kept);
  for (let entry = 0; entry < keys.length; entry++) {
    const key = keys[entry] as number;
    if (key < 0) continue;
    const at = next[key] as number;
    next[key] = at + 1;
    groupedColumns[at] = columns[entry] as number;
    sources[at] = entry;
  }
  return { offsets, columns: groupedColumns, sources };
}

/**
 * Cuts the non-empty lists into blocks of similar length.
 * @param maxRows most gathered rows (lists × length) in a block; a longer list gets a block of its own
 * @param maxLists most lists in a block
 */
export function blocksOf({ offsets }: SparseLists, maxRows: number, maxLists: number): ListBlock[] {
  const listCount = offsets.length - 1;
  let longest = 0;
  for (let list = 0; list < listCount; list++) {
    longest = Math.max(longest, (offsets[list + 1] as number) - (offsets[list] as number));
  }
  // Counting sort by length, longest first; equal lengths in list order.
  const starts = new Uint32Array(longest + 2);
  for (let list = 0; list < listCount; list++) {
    starts[longest - ((offsets[list + 1] as number) - (offsets[list] as number)) + 1]! += 1;
  }
  for (let length = 0; length <= longest; length++) starts[length + 1]! += starts[length] as number;
  const nonEmpty = starts[longest] as number;
  const order = new Uint32Array(listCount);
  for (let list = 0; list < listCount; list++) {
    const rank = longest - ((offsets[list + 1] as number) - (offsets[list] as number));
    order[starts[rank]!++] = list;
  }
  const blocks: ListBlock[] = [];
  for (let first = 0; first < nonEmpty;) {
    const list = order[first] as number;
    const length = (offsets[list + 1] as number) - (offsets[list] as number);
    const count = Math.max(1, Math.min(maxLists, Math.floor(maxRows / length), nonEmpty - first));
    blocks.push({ lists: order.subarray(first, first + count), length });
    first += count;
  }
  return blocks;
}

/** Fills padded `[lists, length]` columns of a block; padding reads row 0, with a value that the caller keeps at zero. */
export function fillColumns(block: ListBlock, { offsets, columns }: SparseLists, target: Int32Array): void {
  const { lists, length } = block;
  for (let row = 0; row < lists.length; row++) {
    const list = lists[row] as number;
    const start = offsets[list] as number;
    const count = (offsets[list + 1] as number) - start;
    const at = row * length;
    for (let slot = 0; slot < count; slot++) target[at + slot] = columns[start + slot] as number;
    if (count < length) target.fill(0, at + count, at + length);
  }
}

/** Fills padded `[lists, length]` values of a block from an array that the entries were built from. */
export function fillValues(
  block: ListBlock,
  { offsets, sources }: SparseLists,
  from: Float32Array,
  target: Float32Array,
): void {
  const { lists, length } = block;
  for (let row = 0; row < lists.length; row++) {
    const list = lists[row] as number;
    const start = offsets[list] as number;
    const count = (offsets[list + 1] as number) - start;
    const at = row * length;
    for (let slot = 0; slot < count; slot++) target[at + slot] = from[sources[start + slot] as number] as number;
    if (count < length) target.fill(0, at + count, at + length);
  }
}

/** The inverse of fillValues: writes a block's `[lists, length]` results back to the entries' own places. */
export function readValues(
  block: ListBlock,
  { offsets, sources }: SparseLists,
  from: Float32Array,
  target: Float32Array,
): void {
  const { lists, length } = block;
  for (let row = 0; row < lists.length; row++) {
    const list = lists[row] as number;
    const start = offsets[list] as number;
    const count = (offsets[list + 1] as number) - start;
    for (let slot = 0; slot < count; slot++)
      target[sources[start + slot] as number] = from[row * length + slot] as number;
  }
}

/**
 * The value of the `count`-th largest of the positive values: keeping what is at least this keeps `count` of them, more
 * only where values are equal. 0 when fewer than `count` are positive. A radix select on the bits of the floats, whose
 * order for positive numbers is that of the integers: three passes, no sorting.
 */
export function selectionThreshold(values: Float32Array, count: number): number {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const histogram = new Uint32Array(2048);
  let prefix = 0;
  let wanted = count;
  for (const { shift, width } of [
    { shift: 20, width: 11 },
    { shift: 9, width: 11 },
    { shift: 0, width: 9 },
  ]) {
    histogram.fill(0);
    const above = shift + width;
    for (let index = 0; index < bits.length; index++) {
      const word = bits[index] as number;
      // Sign bit set, or zero: not positive.
      if (word === 0 || word >>> 31 === 1) continue;
      if (above < 31 && word >>> above !== prefix) continue;
      histogram[(word >>> shift) & ((1 << width) - 1)]! += 1;
    }
    let bucket = (1 << width) - 1;
    while (bucket >= 0 && (histogram[bucket] as number) < wanted) {
      wanted -= histogram[bucket] as number;
      bucket -= 1;
    }
    if (bucket < 0) return 0;
    prefix = (prefix << width) | bucket;
  }
  return new Float32Array(Uint32Array.of(prefix).buffer)[0] as number;
}

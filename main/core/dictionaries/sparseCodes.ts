// A batch of sparse codes as lists of entries (token, feature, value), laid out so that they can be gone through in blocks.
//
// Gathering the rows that some lists name, and multiplying them by the lists' values, is a sparse × dense product whose
// intermediate stays in the processor's cache. Lists are sorted by length before they are cut into blocks, so that padding
// them to the longest of their block costs little. Each list lies in exactly one block: results of different blocks never
// meet, which makes the sums deterministic whatever the number of threads (ONNX Runtime's ScatterND with reduction "add"
// is not: with more than one thread it loses updates to the same row).

/** Lists of similar length, all padded to the longest: `[steps, perStep, length]` from `start` on in padded arrays. */
export interface ListBlock {
  /** `[steps·perStep]`: which lists. */
  readonly lists: Int32Array;
  readonly steps: number;
  readonly perStep: number;
  readonly length: number;
  readonly start: number;
}

export interface Layout {
  readonly blocks: readonly ListBlock[];
  /** `[entries]`: where each entry lies in padded arrays; within its list, entries keep their order. */
  readonly positions: Int32Array;
  /** The length of padded arrays. */
  readonly total: number;
}

export interface BlockLimits {
  /** Most gathered rows (perStep × length) in one step; a longer list has steps of its own. */
  readonly rowsPerStep: number;
  /** Most lists in a block. */
  readonly maxLists: number;
  /** Whether lists without entries get a place, of length 1. Otherwise they are left out. */
  readonly keepsEmpty?: boolean;
}

/** Within a block, lists may be shorter than the longest by this share, unless they fit its first step. */
const PADDING_SHARE = 1 / 8;

/** @param keys `[entries]`: the list of each entry, 0 ≤ key < listCount */
export function layOut(
  keys: Int32Array,
  listCount: number,
  { rowsPerStep, maxLists, keepsEmpty = false }: BlockLimits,
): Layout {
  const lengths = new Int32Array(listCount);
  for (let entry = 0; entry < keys.length; entry++) lengths[keys[entry] as number]! += 1;
  if (keepsEmpty) for (let list = 0; list < listCount; list++) if (lengths[list] === 0) lengths[list] = 1;
  const order = byLength(lengths);
  const blocks: ListBlock[] = [];
  /** Where the next entry of each list goes. */
  const next = new Int32Array(listCount);
  let total = 0;
  for (let first = 0; first < order.length;) {
    const length = lengths[order[first] as number] as number;
    const most = Math.min(maxLists, order.length - first);
    const perStep = Math.max(1, Math.min(most, Math.floor(rowsPerStep / length)));
    let count = perStep;
    const shortest = length * (1 - PADDING_SHARE);
    while (count < most && (lengths[order[first + count] as number] as number) >= shortest) count += 1;
    count -= count % perStep;
    const lists = order.subarray(first, first + count);
    for (let row = 0; row < count; row++) next[lists[row] as number] = total + row * length;
    blocks.push({ lists, steps: count / perStep, perStep, length, start: total });
    total += count * length;
    first += count;
  }
  const positions = new Int32Array(keys.length);
  for (let entry = 0; entry < keys.length; entry++) positions[entry] = next[keys[entry] as number]!++;
  return { blocks, positions, total };
}

/** The lists that have a length, longest first, equal ones in their order: a counting sort. */
function byLength(lengths: Int32Array): Int32Array {
  let longest = 0;
  for (const length of lengths) longest = Math.max(longest, length);
  const starts = new Int32Array(longest + 2);
  for (const length of lengths) starts[longest - length + 1]! += 1;
  for (let rank = 0; rank <= longest; rank++) starts[rank + 1]! += starts[rank] as number;
  const order = new Int32Array(starts[longest] as number);
  for (let list = 0; list < lengths.length; list++) {
    const length = lengths[list] as number;
    if (length > 0) order[starts[longest - length]!++] = list;
  }
  return order;
}

/**
 * The value of the `count`-th largest of the positive values: keeping what is at least this keeps `count` of them, more
 * only where values are equal. 0 when fewer than `count` are positive. A radix select on the bits of the floats, whose
 * order for positive numbers is that of the integers: three passes, no sorting.
 */
export function selectionThreshold(values: Float32Array, count: number): number {
  let bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const histogram = new Uint32Array(2048);
  let prefix = 0;
  let wanted = count;
  for (const { shift, width } of [
    { shift: 20, width: 11 },
    { shift: 9, width: 11 },
    { shift: 0, width: 9 },
  ]) {
    const mask = (1 << width) - 1;
    histogram.fill(0);
    for (let index = 0; index < bits.length; index++) {
      const word = bits[index] as number;
      // Sign bit set, or zero: not positive.
      if (word !== 0 && word >>> 31 === 0) histogram[(word >>> shift) & mask]! += 1;
    }
    let bucket = mask;
    while (bucket >= 0 && (histogram[bucket] as number) < wanted) {
      wanted -= histogram[bucket] as number;
      bucket -= 1;
    }
    if (bucket < 0) return 0;
    prefix = (prefix << width) | bucket;
    // Only these matter from here on.
    const rest = new Uint32Array(histogram[bucket] as number);
    let found = 0;
    for (let index = 0; index < bits.length; index++) {
      const word = bits[index] as number;
      if (word !== 0 && word >>> shift === prefix) rest[found++] = word;
    }
    bits = rest;
  }
  return new Float32Array(Uint32Array.of(prefix).buffer)[0] as number;
}

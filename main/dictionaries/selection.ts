// Which features fire: from pre-activations (or the best candidates of every row) to the entries of a sparse code.
import { selectionThreshold } from './sparseCodes.ts';

/** The entries of a batch of codes. Entry e says: feature[e] fires on token[e] with value[e] > 0. */
export interface Codes {
  readonly tokens: Int32Array;
  readonly features: Int32Array;
  readonly values: Float32Array;
}

/**
 * TopK: of every row's k candidates those that are positive.
 * @param values `[batch, k]`
 * @param indices int64 `[batch, k]`
 */
export function selectPerToken(values: Float32Array, indices: BigInt64Array, k: number): Codes {
  // Little-endian: the low half of an index stands first, and no index needs the high one.
  const low = new Int32Array(indices.buffer, indices.byteOffset, indices.length * 2);
  let count = 0;
  for (let at = 0; at < values.length; at++) if ((values[at] as number) > 0) count += 1;
  const codes = allocate(count);
  let entry = 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as number;
    if (!(value > 0)) continue;
    codes.tokens[entry] = Math.floor(at / k);
    codes.features[entry] = low[2 * at] as number;
    codes.values[entry] = value;
    entry += 1;
  }
  return codes;
}

/**
 * BatchTopK (arXiv 2412.06410): the `count` largest positive pre-activations of the whole batch, in row order.
 * @param pre `[batch, size]`
 * @param guess a lower bound for the smallest kept value that is probably right, such as a bit less than that of the last
 *   batch: one pass then collects few more candidates than needed. A wrong guess costs a second pass, never a wrong result.
 */
export function selectPerBatch(
  pre: Float32Array,
  size: number,
  count: number,
  guess: number,
): { codes: Codes; threshold: number } {
  let places = placesAbove(pre, Math.max(guess, 0), 2 * count);
  if (places.length < count && guess > 0) places = placesAbove(pre, 0, 2 * count);
  const values = new Float32Array(places.length);
  for (let index = 0; index < places.length; index++) values[index] = pre[places[index] as number] as number;
  const threshold = selectionThreshold(values, count);
  let kept = 0;
  for (let index = 0; index < values.length; index++) if ((values[index] as number) >= threshold) kept += 1;
  const codes = allocate(kept);
  let entry = 0;
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as number;
    if (!(value >= threshold)) continue;
    const at = places[index] as number;
    const token = Math.floor(at / size);
    codes.tokens[entry] = token;
    codes.features[entry] = at - token * size;
    codes.values[entry] = value;
    entry += 1;
  }
  return { codes, threshold };
}

/** Where the values are larger than `floor`, ascending. @param expected about how many */
function placesAbove(values: Float32Array, floor: number, expected: number): Int32Array {
  let places = new Int32Array(Math.min(values.length, Math.max(1024, expected)));
  let [from, found] = [0, 0];
  for (;;) {
    // In stretches that surely fit: the loop over all pre-activations is the longest of a step and must stay bare.
    const until = Math.min(values.length, from + places.length - found);
    for (let at = from; at < until; at++) if ((values[at] as number) > floor) places[found++] = at;
    from = until;
    if (from === values.length) return places.subarray(0, found);
    if (places.length - found >= places.length / 8) continue;
    const larger = new Int32Array(Math.min(values.length, 2 * places.length));
    larger.set(places);
    places = larger;
  }
}

function allocate(count: number): Codes {
  return { tokens: new Int32Array(count), features: new Int32Array(count), values: new Float32Array(count) };
}

// Which features fire: from pre-activations (or the best candidates of every row) to the entries of a sparse code.
import { selectionThreshold } from './sparseCodes.ts';

/** The entries of a batch of codes. Entry e says: feature[e] fires on token[e] with value[e] > 0. */
export interface Codes {
  readonly tokens: Int32Array;
  readonly features: Int32Array;
  readonly values: Float32Array;
}

/**
 * TopK: of every row's candidates those that are positive.
 * @param values `[batch, slots]`
 * @param indices `[batch, slots]`; of int64 the low halves are read, since no index needs the high one
 * @returns the codes and, `[entries]`, the candidate that each entry was
 */
export function selectPerToken(
  values: Float32Array,
  indices: BigInt64Array | Int32Array,
  slots: number,
): { codes: Codes; candidates: Int32Array } {
  const stride = indices instanceof Int32Array ? 1 : 2;
  const low = new Int32Array(indices.buffer, indices.byteOffset, indices.length * stride); // little-endian
  let count = 0;
  for (let at = 0; at < values.length; at++) if ((values[at] as number) > 0) count += 1;
  const codes = allocate(count);
  const candidates = new Int32Array(count);
  let entry = 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as number;
    if (!(value > 0)) continue;
    codes.tokens[entry] = Math.floor(at / slots);
    codes.features[entry] = low[stride * at] as number;
    codes.values[entry] = value;
    candidates[entry] = at;
    entry += 1;
  }
  return { codes, candidates };
}

/** What may be the smallest value kept, as shares of a guess: if the first is too high, the next is tried. */
const GUESS_SHARES = [0.95, 0.75, 0];

/**
 * BatchTopK (arXiv 2412.06410): the `count` largest positive pre-activations of the whole batch, in row order.
 * @param pre `[batch, size]`
 * @param highest `[batch, size / width]`: the largest of every `width` neighbours, so that few pre-activations are looked at
 * @param guess about the smallest value kept, such as that of the last batch: one pass then collects few more candidates
 *   than needed. A wrong guess costs another pass, never a wrong result.
 */
export function selectPerBatch(
  pre: Float32Array,
  highest: Float32Array,
  size: number,
  count: number,
  guess: number,
): { codes: Codes; threshold: number } {
  let candidates: Candidates = { places: new Int32Array(0), values: new Float32Array(0) };
  for (const share of guess > 0 ? GUESS_SHARES : [0]) {
    candidates = candidatesAbove(pre, highest, share * guess, 2 * count);
    if (candidates.values.length >= count) break;
  }
  const { places, values } = candidates;
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

interface Candidates {
  readonly places: Int32Array;
  readonly values: Float32Array;
}

/** The values larger than `floor` and their places, ascending. @param expected about how many */
function candidatesAbove(from: Float32Array, highest: Float32Array, floor: number, expected: number): Candidates {
  const width = from.length / highest.length;
  let places = new Int32Array(Math.min(from.length, Math.max(1024, expected)));
  let values = new Float32Array(places.length);
  let found = 0;
  for (let group = 0; group < highest.length; group++) {
    if (!((highest[group] as number) > floor)) continue;
    if (places.length - found < width) {
      const [fewerPlaces, fewerValues] = [places, values];
      places = new Int32Array(Math.min(from.length, 2 * places.length));
      values = new Float32Array(places.length);
      places.set(fewerPlaces);
      values.set(fewerValues);
    }
    const end = (group + 1) * width;
    for (let at = group * width; at < end; at++) {
      const value = from[at] as number;
      // Written in any case and counted only where it is larger: a branch here would be mispredicted all the time.
      places[found] = at;
      values[found] = value;
      found += value > floor ? 1 : 0;
    }
  }
  return { places: places.subarray(0, found), values: values.subarray(0, found) };
}

function allocate(count: number): Codes {
  return { tokens: new Int32Array(count), features: new Int32Array(count), values: new Float32Array(count) };
}

// Which features fire: from the best candidates of every token to the entries of a sparse code.
import { selectionThreshold } from './sparseCodes.ts';

/** The entries of a batch of codes, in the order of the tokens. Entry e says: feature[e] fires on token[e] with value[e] > 0. */
export interface Codes {
  readonly tokens: Int32Array;
  readonly features: Int32Array;
  readonly values: Float32Array;
}

/** The candidates of some tokens. */
export interface Candidates {
  /** `[tokens, slots]`, in any order within a token. */
  readonly values: Float32Array;
  /** `[tokens, slots]`; of int64 the low halves are read, since no feature's number needs the high one. */
  readonly indices: BigInt64Array | Int32Array;
  readonly slots: number;
}

/**
 * Of every token's candidates those that are positive and at least `threshold`.
 * @returns the codes and, `[entries]`, the candidate that each entry was
 */
export function selectAbove(
  { values, indices, slots }: Candidates,
  threshold = 0,
): { codes: Codes; candidates: Int32Array } {
  const stride = indices instanceof Int32Array ? 1 : 2;
  const low = new Int32Array(indices.buffer, indices.byteOffset, indices.length * stride); // little-endian
  const candidates = new Int32Array(values.length);
  let count = 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as number;
    if (value > 0 && value >= threshold) candidates[count++] = at;
  }
  const codes = { tokens: new Int32Array(count), features: new Int32Array(count), values: new Float32Array(count) };
  for (let entry = 0; entry < count; entry++) {
    const at = candidates[entry] as number;
    codes.tokens[entry] = Math.floor(at / slots);
    codes.features[entry] = low[stride * at] as number;
    codes.values[entry] = values[at] as number;
  }
  return { codes, candidates: candidates.subarray(0, count) };
}

/** The tokens that may have more values from `threshold` on than slots: all their candidates are positive and not less. */
function overfullTokens({ values, slots }: Candidates, threshold: number): Int32Array {
  const tokens: number[] = [];
  for (let start = 0; start < values.length; start += slots) {
    let at = start;
    while (at < start + slots && (values[at] as number) > 0 && (values[at] as number) >= threshold) at += 1;
    if (at === start + slots) tokens.push(start / slots);
  }
  return Int32Array.from(tokens);
}

/**
 * BatchTopK (arXiv 2412.06410): the `count` largest positive pre-activations of a whole batch, and the smallest of them (0
 * where fewer are positive). Looks for them among the largest of every token and asks again for more of those tokens that
 * may have more, so nothing is missed.
 * @param largest the `slots` largest pre-activations of `tokens` (all for null), slots ≤ size, in descending order; those up
 *   to `low` count as `low`
 * @param guess where the threshold will hardly lie below (0: anywhere). It costs time where it is wrong, and changes no
 *   result: a resumed run, which has no guess at first, does the same.
 * @returns the codes, token by token, those that were asked about again at the end
 */
export async function selectPerBatch(
  largest: (slots: number, tokens: Int32Array | null, low: number) => Promise<Candidates>,
  { slots, size, count }: { readonly slots: number; readonly size: number; readonly count: number },
  guess = 0,
): Promise<{ codes: Codes; threshold: number }> {
  let low = Math.max(guess, 0);
  let first = await largest(Math.min(slots, size), null, low);
  let atLeast = selectionThreshold(first.values, count);
  if (low > 0 && atLeast <= low) {
    low = 0;
    first = await largest(Math.min(slots, size), null, low);
    atLeast = selectionThreshold(first.values, count);
  }
  const again = first.slots < size ? overfullTokens(first, atLeast) : new Int32Array(0);
  for (const token of again) first.values.fill(0, token * first.slots, (token + 1) * first.slots);
  // More candidates can only raise the threshold.
  const few = selectAbove(first, atLeast).codes;
  if (again.length === 0) return { codes: few, threshold: atLeast };
  for (let wider = 4 * slots; ; wider *= 4) {
    const second = await largest(Math.min(wider, size), again, low);
    const threshold = selectionThreshold(joined(few.values, second.values), count);
    if (second.slots < size && overfullTokens(second, threshold).length > 0) continue;
    const many = selectAbove(second, threshold).codes;
    const tokens = joined(
      few.tokens,
      many.tokens.map((token) => again[token] as number),
    );
    const values = joined(few.values, many.values);
    return {
      codes: keepAbove({ tokens, features: joined(few.features, many.features), values }, threshold),
      threshold,
    };
  }
}

/** The entries with a value of at least `threshold`. */
function keepAbove({ tokens, features, values }: Codes, threshold: number): Codes {
  let kept = 0;
  for (let entry = 0; entry < values.length; entry++) {
    const value = values[entry] as number;
    if (!(value >= threshold)) continue;
    tokens[kept] = tokens[entry] as number;
    features[kept] = features[entry] as number;
    values[kept] = value;
    kept += 1;
  }
  return { tokens: tokens.subarray(0, kept), features: features.subarray(0, kept), values: values.subarray(0, kept) };
}

function joined<T extends Int32Array | Float32Array>(a: T, b: T): T {
  const result = new (a.constructor as new (length: number) => T)(a.length + b.length);
  result.set(a);
  result.set(b, a.length);
  return result;
}

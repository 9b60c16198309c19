// Which features fire together, from a bounded sample: of the tokens on which a feature fires, those whose hashes are the
// smallest (a bottom-k sketch, Cohen 1997). The hash is a bijection of the token's number and the same for every feature,
// so two sketches hold the same tokens wherever both features fire on them: below the smaller of their limits both are
// complete, and what they share there, divided by the share of all hashes that lie below, estimates on how many tokens
// both fire. A feature that fires on at most SKETCH_SIZE tokens is known exactly.
import type { OnWork } from '../../contract/base/progress.ts';
import type { TensorToWrite } from '../formats/safetensors.ts';
import type { ColumnFile } from './columnFile.ts';

/** Tokens kept per feature: of a feature that fires together with another on half of its tokens, that half ± 4%. */
export const SKETCH_SIZE = 128;
const CAPACITY = 2 * SKETCH_SIZE;
/** Tokens beyond this number would have no hash of their own. */
export const MAX_TOKENS = 2 ** 32;
const FEATURES_PER_TURN = 256;

/** A bijection of the 32-bit integers that leaves no pattern (the finaliser of MurmurHash3). */
export function mix32(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

export interface CofiringNeighbours {
  /** `[size, count]`: the features that fire most alike, the most similar first; −1 where there are no more. */
  readonly features: Int32Array;
  /** `[size, count]`: cosine of the two features' firing patterns, |A∩B| / √(|A|·|B|): 1 for the same tokens. */
  readonly cosines: Float32Array;
}

export class FiringSketches {
  readonly #size: number;
  /** `[size, CAPACITY]`: unordered; only hashes below the feature's limit. */
  readonly #hashes: Uint32Array;
  readonly #counts: Uint16Array;
  readonly #limits: Float64Array;

  constructor(size: number) {
    this.#size = size;
    this.#hashes = new Uint32Array(size * CAPACITY);
    this.#counts = new Uint16Array(size);
    this.#limits = new Float64Array(size).fill(MAX_TOKENS);
  }

  /** @param hash of the token on which the feature fires: mix32 of its number. Each token once per feature. */
  add(feature: number, hash: number): void {
    if (!(hash < this.#limits[feature]!)) return;
    const count = this.#counts[feature]!;
    this.#hashes[feature * CAPACITY + count] = hash;
    this.#counts[feature] = count + 1;
    if (count + 1 === CAPACITY) this.#shorten(feature);
  }

  /** Keeps the smallest SKETCH_SIZE. */
  #shorten(feature: number): void {
    const first = feature * CAPACITY;
    const hashes = this.#hashes.subarray(first, first + this.#counts[feature]!).sort();
    if (hashes.length <= SKETCH_SIZE) return;
    this.#counts[feature] = SKETCH_SIZE;
    this.#limits[feature] = hashes[SKETCH_SIZE - 1]! + 1;
  }

  /**
   * The `count` features that fire most like each feature.
   * @param firings `[size]`, on how many tokens each fires
   */
  async neighbours(
    firings: ArrayLike<number>,
    count: number,
    { signal, onWork }: { signal?: AbortSignal | undefined; onWork?: OnWork | undefined } = {},
  ): Promise<CofiringNeighbours> {
    const size = this.#size;
    for (let feature = 0; feature < size; feature++) this.#shorten(feature);
    const index = this.#byHash();
    const shared = new Uint32Array(size);
    const result = { features: new Int32Array(size * count).fill(-1), cosines: new Float32Array(size * count) };
    for (let feature = 0; feature < size; feature++) {
      if (feature % FEATURES_PER_TURN === 0) {
        await new Promise((resolve) => setImmediate(resolve)); // cancelling, and other tasks of the engine
        signal?.throwIfAborted();
        onWork?.({ stage: 'Comparing when features fire', done: feature, total: size, unit: 'features' });
      }
      const partners = this.#partners(feature, index, shared);
      const similar = partners
        .map((partner) => {
          const below = Math.min(this.#limits[feature]!, this.#limits[partner]!);
          const both = (shared[partner]! * MAX_TOKENS) / below;
          shared[partner] = 0;
          return { partner, cosine: Math.min(1, both / Math.sqrt(firings[feature]! * firings[partner]!)) };
        })
        .sort((a, b) => b.cosine - a.cosine || a.partner - b.partner);
      for (const [place, { partner, cosine }] of similar.slice(0, count).entries()) {
        result.features[feature * count + place] = partner;
        result.cosines[feature * count + place] = cosine;
      }
    }
    return result;
  }

  /** Counts into `shared` the tokens that both sketches hold below both limits. @returns the features counted. */
  #partners(feature: number, { hashes, starts, features }: HashIndex, shared: Uint32Array): number[] {
    const partners: number[] = [];
    const first = feature * CAPACITY;
    for (let entry = first; entry < first + this.#counts[feature]!; entry++) {
      const hash = this.#hashes[entry]!;
      const place = find(hashes, hash);
      for (let at = starts[place]!; at < starts[place + 1]!; at++) {
        const partner = features[at]!;
        if (partner === feature || hash >= this.#limits[partner]!) continue;
        if (shared[partner] === 0) partners.push(partner);
        shared[partner]! += 1;
      }
    }
    return partners;
  }

  /** Every token in any sketch, with the features whose sketches hold it. */
  #byHash(): HashIndex {
    const entries = this.#counts.reduce((sum, count) => sum + count, 0);
    const all = new Uint32Array(entries);
    let filled = 0;
    for (let feature = 0; feature < this.#size; feature++) {
      const first = feature * CAPACITY;
      all.set(this.#hashes.subarray(first, first + this.#counts[feature]!), filled);
      filled += this.#counts[feature]!;
    }
    all.sort();
    let distinct = 0;
    for (let entry = 0; entry < all.length; entry++) {
      if (entry === 0 || all[entry] !== all[distinct - 1]) all[distinct++] = all[entry]!;
    }
    const hashes = all.slice(0, distinct);
    const starts = new Uint32Array(distinct + 1);
    const eachEntry = (take: (place: number, feature: number) => void) => {
      for (let feature = 0; feature < this.#size; feature++) {
        const first = feature * CAPACITY;
        for (let entry = first; entry < first + this.#counts[feature]!; entry++) {
          take(find(hashes, this.#hashes[entry]!), feature);
        }
      }
    };
    eachEntry((place) => (starts[place + 1]! += 1));
    for (let place = 0; place < distinct; place++) starts[place + 1]! += starts[place]!;
    const next = starts.slice(0, distinct);
    const features = new Uint32Array(entries);
    eachEntry((place, feature) => (features[next[place]!++] = feature));
    return { hashes, starts, features };
  }

  tensors(): TensorToWrite[] {
    const size = this.#size;
    return [
      { name: 'sketch.hashes', dtype: 'U32', shape: [size, CAPACITY], data: this.#hashes },
      { name: 'sketch.counts', dtype: 'U32', shape: [size], data: Uint32Array.from(this.#counts) },
      { name: 'sketch.limits', dtype: 'F64', shape: [size], data: this.#limits },
    ];
  }

  /** @throws AppError `invalid-file`. */
  async restore(file: ColumnFile): Promise<void> {
    this.#hashes.set(await file.column('sketch.hashes', 'U32', this.#size * CAPACITY));
    this.#counts.set(await file.column('sketch.counts', 'U32', this.#size));
    this.#limits.set(await file.column('sketch.limits', 'F64', this.#size));
  }
}

interface HashIndex {
  /** Distinct, rising. */
  readonly hashes: Uint32Array;
  /** The features of hash h are features[starts[h]] to features[starts[h + 1]]. */
  readonly starts: Uint32Array;
  readonly features: Uint32Array;
}

/** Where the hash stands in a rising list that holds it. Hashes are evenly spread, so the first guess is near. */
function find(hashes: Uint32Array, hash: number): number {
  let [low, high] = [0, hashes.length - 1];
  while (low < high) {
    const [first, last] = [hashes[low]!, hashes[high]!];
    const guess = first === last ? low : low + Math.floor(((hash - first) / (last - first)) * (high - low));
    const at = hashes[guess]!;
    if (at === hash) return guess;
    if (at < hash) low = guess + 1;
    else high = guess - 1;
  }
  return low;
}

// Seeded random numbers: xoshiro128** 1.1 by Blackman and Vigna (https://prng.di.unimi.it, public domain), seeded through
// splitmix64 as its authors advise. Every draw depends on the seed and the draws before it alone, on every machine, and
// the whole state is four numbers, so that a checkpoint can continue the sequence.

/** The generator's four words, each a whole number in [0, 2³²). */
export type RandomState = readonly [number, number, number, number];

export class Random {
  // Apart rather than in an array: a third faster.
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** @param seed a whole number from -2⁵³ to 2⁵³, or the state of another generator. */
  constructor(seed: number | RandomState) {
    const [a, b, c, d] = typeof seed === 'number' ? stateOfSeed(seed) : seed;
    this.#a = a | 0;
    this.#b = b | 0;
    this.#c = c | 0;
    this.#d = d | 0;
  }

  /** A generator of its own for one part of a task, such as (seed, epoch, group): no part's draws depend on another's. */
  static forPart(seed: number, ...path: readonly number[]): Random {
    const words = path.reduce<RandomState>((state, index) => {
      const parent = new Random(state);
      return stateOfSeed(parent.uint32() * 0x20_0000 + (parent.uint32() >>> 11), index);
    }, stateOfSeed(seed));
    return new Random(words);
  }

  state(): RandomState {
    return [this.#a >>> 0, this.#b >>> 0, this.#c >>> 0, this.#d >>> 0];
  }

  /** A whole number in [0, 2³²). */
  uint32(): number {
    const scrambled = Math.imul(this.#b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** In [0, 1), all multiples of 2⁻⁵³ alike. */
  uniform(): number {
    return ((this.uint32() >>> 5) * 67_108_864 + (this.uint32() >>> 6)) / 9_007_199_254_740_992;
  }

  /** A whole number in [0, bound), all alike; `bound` is from 1 to 2³². */
  below(bound: number): number {
    const mask = bound <= 1 ? 0 : 0xffff_ffff >>> Math.clz32(bound - 1);
    let candidate: number;
    do {
      candidate = (this.uint32() & mask) >>> 0;
    } while (candidate >= bound);
    return candidate;
  }

  /** Standard normal, by Box and Muller; the second of each pair is dropped, so that the state stays four numbers. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Puts `values` into an order that is one of all orders alike (Fisher and Yates). */
  shuffle(values: { readonly length: number; [index: number]: number }): void {
    for (let last = values.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      const kept = values[last]!;
      values[last] = values[other]!;
      values[other] = kept;
    }
  }
}

/** splitmix64: https://prng.di.unimi.it/splitmix64.c */
function stateOfSeed(seed: number, index = 0): RandomState {
  // Consecutive indices start the splitmix sequence at distant points: an odd multiple, unlike the sequence's own step.
  let x = BigInt.asUintN(64, BigInt(seed) + BigInt(index) * 0xd1342543de82ef95n);
  const next = () => {
    x = BigInt.asUintN(64, x + 0x9e3779b97f4a7c15n);
    let z = x;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  };
  const [first, second] = [next(), next()];
  const low = (word: bigint) => Number(word & 0xffff_ffffn);
  return [low(first), low(first >> 32n), low(second), low(second >> 32n)];
}

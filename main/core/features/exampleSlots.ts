// The best examples of every feature, few per feature, from a stream of any length. An example is a context in which the
// feature fires, known by its peak: the position of its largest activation (the first of equals). With it come the
// activations on the tokens around the peak. What is kept does not depend on how the stream was cut: it is what sorting
// all candidates (by rank falling, then by context rising), leaving out repeated texts and taking the first ones gives.
import type { TensorToWrite } from '../formats/safetensors.ts';
import type { ColumnFile } from './columnFile.ts';

/** The tokens of an example whose activations are kept: as many before the peak and after it, within the context. */
export const WINDOW_BEFORE = 95;
export const WINDOW_AFTER = 32;
/** Slots put into one piece of a file: some megabytes. */
const SLOTS_PER_PIECE = 1 << 16;
const SMALLEST_CLASS = 2;
const LARGEST_CLASS = 7; // 128 positions: the whole window

/** A feature's activations in one context: entries `from` to `end`, by rising position. */
export interface ContextFirings {
  readonly context: number;
  /** Position of the peak in the context, and its activation. */
  readonly peak: number;
  readonly value: number;
  /** 64 bits that stand for the text up to the peak: equal texts are the same example. */
  readonly keyHigh: number;
  readonly keyLow: number;
  readonly positions: ArrayLike<number>;
  readonly values: ArrayLike<number>;
  readonly from: number;
  readonly end: number;
  /** What is subtracted from `positions` to get positions in the context. */
  readonly shift: number;
}

/** What a reader gets of one kept example. */
export interface KeptExample {
  readonly context: number;
  readonly peak: number;
  readonly value: number;
  /** Where the feature fires near the peak: positions in the context, rising. */
  readonly positions: readonly number[];
  readonly activations: readonly number[];
}

export class ExampleSlots {
  readonly size: number;
  readonly perFeature: number;
  /** A candidate of this rank or lower is not kept: no need to offer it. `[size]` */
  readonly floors: Float64Array;
  readonly #counts: Uint8Array;
  readonly #ranks: Float64Array;
  readonly #contexts: Uint32Array;
  readonly #peaks: Uint32Array;
  readonly #values: Float32Array;
  readonly #keyHighs: Uint32Array;
  readonly #keyLows: Uint32Array;
  readonly #offsets: Uint32Array;
  readonly #lengths: Uint8Array;
  readonly #arena = new Arena();

  constructor(size: number, perFeature: number) {
    const slots = size * perFeature;
    this.size = size;
    this.perFeature = perFeature;
    this.floors = new Float64Array(size).fill(-Infinity);
    this.#counts = new Uint8Array(size);
    this.#ranks = new Float64Array(slots);
    this.#contexts = new Uint32Array(slots);
    this.#peaks = new Uint32Array(slots);
    this.#values = new Float32Array(slots);
    this.#keyHighs = new Uint32Array(slots);
    this.#keyLows = new Uint32Array(slots);
    this.#offsets = new Uint32Array(slots);
    this.#lengths = new Uint8Array(slots);
  }

  /** Candidates come in the order of their contexts, each (feature, context) once; of equal ranks the first one stays. */
  offer(feature: number, rank: number, candidate: ContextFirings): void {
    if (!(rank > this.floors[feature]!)) return;
    const first = feature * this.perFeature;
    const count = this.#counts[feature]!;
    for (let slot = first; slot < first + count; slot++) {
      if (this.#keyLows[slot] !== candidate.keyLow || this.#keyHighs[slot] !== candidate.keyHigh) continue;
      if (rank > this.#ranks[slot]!) {
        this.#arena.release(this.#offsets[slot]!, this.#lengths[slot]!);
        this.#fill(slot, rank, candidate);
        this.#updateFloor(feature);
      }
      return;
    }
    if (count < this.perFeature) {
      this.#counts[feature] = count + 1;
      this.#fill(first + count, rank, candidate);
    } else {
      const worst = this.#worst(feature);
      this.#arena.release(this.#offsets[worst]!, this.#lengths[worst]!);
      this.#fill(worst, rank, candidate);
    }
    this.#updateFloor(feature);
  }

  #fill(slot: number, rank: number, candidate: ContextFirings): void {
    const { context, peak, value, keyHigh, keyLow, positions, values, shift } = candidate;
    const start = windowStart(peak);
    let from = candidate.from;
    while (positions[from]! - shift < start) from++;
    let end = from;
    while (end < candidate.end && positions[end]! - shift <= peak + WINDOW_AFTER) end++;
    const offset = this.#arena.allocate(end - from);
    for (let entry = from; entry < end; entry++) {
      this.#arena.positions[offset + entry - from] = positions[entry]! - shift - start;
      this.#arena.values[offset + entry - from] = values[entry]!;
    }
    this.#ranks[slot] = rank;
    this.#contexts[slot] = context;
    this.#peaks[slot] = peak;
    this.#values[slot] = value;
    this.#keyHighs[slot] = keyHigh;
    this.#keyLows[slot] = keyLow;
    this.#offsets[slot] = offset;
    this.#lengths[slot] = end - from;
  }

  /** Of a feature whose slots are all taken: the slot that a better candidate takes. */
  #worst(feature: number): number {
    const first = feature * this.perFeature;
    let worst = first;
    for (let slot = first + 1; slot < first + this.perFeature; slot++) if (this.#isBetter(worst, slot)) worst = slot;
    return worst;
  }

  #isBetter(a: number, b: number): boolean {
    const difference = this.#ranks[a]! - this.#ranks[b]!;
    return difference > 0 || (difference === 0 && this.#contexts[a]! < this.#contexts[b]!);
  }

  #updateFloor(feature: number): void {
    if (this.#counts[feature] === this.perFeature) this.floors[feature] = this.#ranks[this.#worst(feature)]!;
  }

  /** Memory that the kept activations take, in bytes: what could grow with the text, and does not. */
  get activationBytes(): number {
    return this.#arena.positions.byteLength + this.#arena.values.byteLength;
  }

  /** The kept examples of a feature, the best first. */
  kept(feature: number): KeptExample[] {
    return this.#inOrder(feature).map((slot) => ({
      context: this.#contexts[slot]!,
      peak: this.#peaks[slot]!,
      value: this.#values[slot]!,
      ...this.#activations(slot),
    }));
  }

  #inOrder(feature: number): number[] {
    const first = feature * this.perFeature;
    return Array.from({ length: this.#counts[feature]! }, (_, index) => first + index).sort((a, b) =>
      this.#isBetter(a, b) ? -1 : 1,
    );
  }

  #activations(slot: number): { positions: number[]; activations: number[] } {
    const [offset, length] = [this.#offsets[slot]!, this.#lengths[slot]!];
    const start = windowStart(this.#peaks[slot]!);
    return {
      positions: Array.from(this.#arena.positions.subarray(offset, offset + length), (place) => start + place),
      activations: Array.from(this.#arena.values.subarray(offset, offset + length)),
    };
  }

  // ---- files ----------------------------------------------------------------------------------------------------------

  /**
   * As tensors whose names begin with `name`: columns `[size, perFeature]`, the best of a feature first, zero behind its
   * `count`; and the activations of all slots one after the other, those of slot s from `offset[s]` to `offset[s + 1]`.
   * @param withRanks also what offering more needs.
   */
  tensors(name: string, withRanks: boolean): TensorToWrite[] {
    const { size, perFeature } = this;
    const order = new Float64Array(size * perFeature).fill(-1);
    for (let feature = 0; feature < size; feature++) order.set(this.#inOrder(feature), feature * perFeature);
    const offsets = new Float64Array(order.length + 1);
    for (let index = 0; index < order.length; index++) {
      const slot = order[index]!;
      offsets[index + 1] = offsets[index]! + (slot < 0 ? 0 : this.#lengths[slot]!);
    }
    const total = offsets[order.length]!;
    const shape = [size, perFeature];
    const column = <A extends Float32Array | Float64Array | Uint32Array>(from: A, target: A): A => {
      for (let index = 0; index < order.length; index++) if (order[index]! >= 0) target[index] = from[order[index]!]!;
      return target;
    };
    const lists = <A extends Uint8Array | Float32Array>(from: A, allocate: (length: number) => A) => {
      const [lengths, slotOffsets] = [this.#lengths, this.#offsets];
      return function* (): Generator<A> {
        for (let first = 0; first < order.length; first += SLOTS_PER_PIECE) {
          const end = Math.min(order.length, first + SLOTS_PER_PIECE);
          const begin = offsets[first]!;
          const piece = allocate(offsets[end]! - begin);
          for (let index = first; index < end; index++) {
            const slot = order[index]!;
            if (slot < 0) continue;
            const offset = slotOffsets[slot]!;
            piece.set(from.subarray(offset, offset + lengths[slot]!), offsets[index]! - begin);
          }
          yield piece;
        }
      };
    };
    const { positions, values } = this.#arena;
    return [
      { name: `${name}.count`, dtype: 'U8', shape: [size], data: this.#counts },
      { name: `${name}.context`, dtype: 'U32', shape, data: column(this.#contexts, new Uint32Array(order.length)) },
      { name: `${name}.peak`, dtype: 'U32', shape, data: column(this.#peaks, new Uint32Array(order.length)) },
      { name: `${name}.value`, dtype: 'F32', shape, data: column(this.#values, new Float32Array(order.length)) },
      { name: `${name}.offset`, dtype: 'F64', shape: [offsets.length], data: offsets },
      {
        name: `${name}.positions`,
        dtype: 'U8',
        shape: [total],
        data: lists(positions, (length) => new Uint8Array(length)),
      },
      {
        name: `${name}.activations`,
        dtype: 'F32',
        shape: [total],
        data: lists(values, (length) => new Float32Array(length)),
      },
      ...(withRanks
        ? [
            {
              name: `${name}.rank`,
              dtype: 'F64' as const,
              shape,
              data: column(this.#ranks, new Float64Array(order.length)),
            },
            {
              name: `${name}.keyHigh`,
              dtype: 'U32' as const,
              shape,
              data: column(this.#keyHighs, new Uint32Array(order.length)),
            },
            {
              name: `${name}.keyLow`,
              dtype: 'U32' as const,
              shape,
              data: column(this.#keyLows, new Uint32Array(order.length)),
            },
          ]
        : []),
    ];
  }

  /** Goes on where tensors(name, true) stopped. @throws AppError `invalid-file`. */
  async restore(file: ColumnFile, name: string): Promise<void> {
    const slots = this.size * this.perFeature;
    this.#counts.set(await file.column(`${name}.count`, 'U8', this.size));
    this.#ranks.set(await file.column(`${name}.rank`, 'F64', slots));
    this.#contexts.set(await file.column(`${name}.context`, 'U32', slots));
    this.#peaks.set(await file.column(`${name}.peak`, 'U32', slots));
    this.#values.set(await file.column(`${name}.value`, 'F32', slots));
    this.#keyHighs.set(await file.column(`${name}.keyHigh`, 'U32', slots));
    this.#keyLows.set(await file.column(`${name}.keyLow`, 'U32', slots));
    const offsets = await file.column(`${name}.offset`, 'F64', slots + 1);
    const positions = await file.column(`${name}.positions`, 'U8', offsets[slots]!);
    const activations = await file.column(`${name}.activations`, 'F32', offsets[slots]!);
    for (let feature = 0; feature < this.size; feature++) {
      const first = feature * this.perFeature;
      for (let slot = first; slot < first + this.#counts[feature]!; slot++) {
        const [from, end] = [offsets[slot]!, offsets[slot + 1]!];
        const offset = this.#arena.allocate(end - from);
        this.#arena.positions.set(positions.subarray(from, end), offset);
        this.#arena.values.set(activations.subarray(from, end), offset);
        this.#offsets[slot] = offset;
        this.#lengths[slot] = end - from;
      }
      this.#updateFloor(feature);
    }
  }
}

/** The first position whose activation is kept. */
export function windowStart(peak: number): number {
  return Math.max(0, peak - WINDOW_BEFORE);
}

/** Short lists in blocks of 4, 8 … 128; a block that is given back serves the next list of its kind. */
class Arena {
  positions = new Uint8Array(1 << 16);
  values = new Float32Array(1 << 16);
  readonly #free: number[][] = Array.from({ length: LARGEST_CLASS + 1 }, () => []);
  #end = 0;

  allocate(length: number): number {
    const blockClass = classOf(length);
    const reused = this.#free[blockClass]!.pop();
    if (reused !== undefined) return reused;
    const offset = this.#end;
    this.#end += 1 << blockClass;
    if (this.#end > this.positions.length) {
      const capacity = Math.max(this.#end, Math.ceil(this.positions.length * 1.5));
      const positions = new Uint8Array(capacity);
      positions.set(this.positions);
      this.positions = positions;
      const values = new Float32Array(capacity);
      values.set(this.values);
      this.values = values;
    }
    return offset;
  }

  release(offset: number, length: number): void {
    this.#free[classOf(length)]!.push(offset);
  }
}

function classOf(length: number): number {
  return Math.max(SMALLEST_CLASS, 32 - Math.clz32(length - 1));
}

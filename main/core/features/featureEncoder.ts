// Encodes activations of a site into feature activations, and picks the few that are not zero out of the many that are.
import { Tensor } from 'onnxruntime-common';
import { AppError } from '../../contract/base/errors.ts';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import { encodeRows, encoderArrays, encoderRows } from '../dictionaries/encoderGraph.ts';
import { rowsPerRun } from '../dictionaries/evaluate.ts';
import { GraphBuilder } from '../onnx/graph.ts';
import type { Runtime, Session } from '../onnx/runtime.ts';

/** x `[positions, d]` → activations `[size, positions]`: rows first, so that a feature's activations lie together. */
function encoderGraph(dictionary: Dictionary): Uint8Array {
  const graph = new GraphBuilder('featureEncoder');
  const x = graph.input('x', 'float32', ['positions', dictionary.d]);
  const inputs = new Map(
    encoderArrays(dictionary, undefined).map(({ name, shape }) => [name, graph.input(name, 'float32', shape)]),
  );
  const load = (name: string) => inputs.get(name) ?? graph.value(name);
  graph.output(encodeRows(x, dictionary.d, encoderRows(dictionary, load)), 'activations');
  return graph.toBytes();
}

export class FeatureEncoder {
  readonly dictionary: Dictionary;
  /** How many positions one run takes: what it computes stays within a bounded piece of memory. */
  readonly positionsPerRun: number;
  readonly #session: Session;
  readonly #arrays: Readonly<Record<string, Tensor>>;
  readonly #isOnCpu: boolean;
  /** The output of the last run, filled again by the next: allocating and zeroing it would take as long as reading it. */
  #output: Tensor | null = null;

  private constructor(dictionary: Dictionary, session: Session, isOnCpu: boolean) {
    const { size } = dictionary;
    this.dictionary = dictionary;
    this.positionsPerRun = rowsPerRun(size);
    this.#session = session;
    this.#isOnCpu = isOnCpu;
    this.#arrays = Object.fromEntries(
      encoderArrays(dictionary, undefined).map(({ name, shape, data }) => [name, new Tensor('float32', data(), shape)]),
    );
  }

  static async open(runtime: Runtime, dictionary: Dictionary): Promise<FeatureEncoder> {
    const session = await runtime.createSession(encoderGraph(dictionary));
    return new FeatureEncoder(dictionary, session, runtime.device === 'cpu');
  }

  /**
   * @param x `[positions, d]`, at most positionsPerRun of them
   * @returns activations `[size, positions]`, valid until the next call. What does not fire is exactly 0.
   */
  async encode(x: Float32Array): Promise<Float32Array> {
    const { d, size } = this.dictionary;
    const positions = x.length / d;
    const feeds = { ...this.#arrays, x: new Tensor('float32', x, [positions, d]) };
    if (this.#isOnCpu && this.#output?.dims[1] !== positions) {
      this.#output = new Tensor('float32', new Float32Array(size * positions), [size, positions]);
    }
    const { activations } = await this.#session.run(feeds, this.#isOnCpu ? { activations: this.#output } : undefined);
    if (activations?.data instanceof Float32Array && activations.data.length === size * positions) {
      return activations.data;
    }
    throw new AppError('internal', 'The engine gave no activations.');
  }

  release(): Promise<void> {
    return this.#session.release();
  }
}

/** Pairs of activations looked through at once. */
const STRETCH = 1 << 14;

/** Where pairs are not zero, ascending. The loop over all activations is the longest of the pass and must stay bare. */
function nonZero(pairs: Float64Array, first: number, end: number, places: Int32Array): number {
  let found = 0;
  for (let pair = first; pair < end; pair++) if (pairs[pair] !== 0) places[found++] = pair;
  return found;
}

/** Where features fire: entry e says that features[e] has the activation values[e] > 0 at position rows[e]. */
export class Firings {
  features = new Int32Array(1 << 12);
  rows = new Int32Array(1 << 12);
  values = new Float32Array(1 << 12);
  count = 0;
  readonly #places = new Int32Array(STRETCH);

  clear(): void {
    this.count = 0;
  }

  /**
   * Adds what is above 0 in `activations` `[size, positions]`, of the positions from `firstRow` on.
   * @param isLeftOut `[rows]`: 1 for rows whose activations are passed over
   */
  add(activations: Float32Array, positions: number, firstRow: number, isLeftOut: Uint8Array): void {
    // Nearly all are zero, and two zeros are one zero of twice the width: half as many to look at. A pair that is not
    // zero never looks like it, since activations are not negative.
    const pairs =
      activations.byteOffset % 8 === 0
        ? new Float64Array(activations.buffer, activations.byteOffset, activations.length >> 1)
        : new Float64Array(activations.slice().buffer, 0, activations.length >> 1);
    for (let first = 0; first < pairs.length; first += STRETCH) {
      const found = nonZero(pairs, first, Math.min(pairs.length, first + STRETCH), this.#places);
      for (let place = 0; place < found; place++) {
        const at = 2 * this.#places[place]!;
        this.#take(activations, at, positions, firstRow, isLeftOut);
        this.#take(activations, at + 1, positions, firstRow, isLeftOut);
      }
    }
    if (activations.length % 2 === 1) this.#take(activations, activations.length - 1, positions, firstRow, isLeftOut);
  }

  #take(activations: Float32Array, at: number, positions: number, firstRow: number, isLeftOut: Uint8Array): void {
    const value = activations[at]!;
    if (!(value > 0)) return;
    const feature = Math.floor(at / positions);
    const row = firstRow + at - feature * positions;
    if (isLeftOut[row] === 1) return;
    if (this.count === this.values.length) this.#grow();
    this.features[this.count] = feature;
    this.rows[this.count] = row;
    this.values[this.count] = value;
    this.count++;
  }

  #grow(): void {
    const larger = <A extends Int32Array | Float32Array>(from: A, to: A): A => {
      to.set(from);
      return to;
    };
    const length = 2 * this.count;
    this.features = larger(this.features, new Int32Array(length));
    this.rows = larger(this.rows, new Int32Array(length));
    this.values = larger(this.values, new Float32Array(length));
  }

  /** Sorted by feature; within a feature in the order in which they were added. A counting sort. */
  byFeature(size: number): FiringsByFeature {
    const offsets = new Uint32Array(size + 1);
    for (let entry = 0; entry < this.count; entry++) offsets[this.features[entry]! + 1]! += 1;
    for (let feature = 0; feature < size; feature++) offsets[feature + 1]! += offsets[feature]!;
    const next = offsets.slice(0, size);
    const rows = new Int32Array(this.count);
    const values = new Float32Array(this.count);
    for (let entry = 0; entry < this.count; entry++) {
      const place = next[this.features[entry]!]!++;
      rows[place] = this.rows[entry]!;
      values[place] = this.values[entry]!;
    }
    return { offsets, rows, values };
  }
}

/** Feature f fires at rows[e] with values[e] for offsets[f] ≤ e < offsets[f + 1]. */
export interface FiringsByFeature {
  readonly offsets: Uint32Array;
  readonly rows: Int32Array;
  readonly values: Float32Array;
}

// Everything that is counted and kept about the features of a dictionary while a text streams by. Memory depends on the
// number of features alone, never on the length of the text; results do not depend on how the text was cut into groups,
// and a state that was saved and restored goes on as if nothing had happened.
//
// A token counts unless it is a BOS: dictionaries are not trained on those positions. A feature fires on a token when its
// activation is above 0.
import { AppError } from '../../contract/base/errors.ts';
import type { TensorToWrite } from '../formats/safetensors.ts';
import type { ColumnFile } from './columnFile.ts';
import { ExampleSlots } from './exampleSlots.ts';
import type { FiringsByFeature } from './featureEncoder.ts';
import { FiringSketches, mix32 } from './firingSketch.ts';

export const TOP_EXAMPLES = 20;
export const QUANTILE_GROUPS = 5;
export const GROUP_EXAMPLES = 5;
/** Bins of a histogram, equally wide from 0 to a power of two above the largest activation. */
export const HISTOGRAM_BINS = 64;
/** Two examples are the same when these many tokens up to the peak are: what the feature saw just before. */
export const SAME_TEXT_TOKENS = 16;

/** Whole contexts, and where features fire in them. */
export interface FiringGroup {
  readonly firstContext: number;
  readonly contextLength: number;
  /** `[contexts · contextLength]` */
  readonly tokens: Int32Array;
  readonly bosTokenId: number | null;
  /** How many of its tokens have an extreme norm: none of them is among the firings. */
  readonly outliers?: number;
  /** Rows of the group, rising within a feature. None stands on a BOS. */
  readonly firings: FiringsByFeature;
}

export class FeatureAccumulator {
  readonly size: number;
  /** Tokens counted; documents that ended inside a context. */
  tokens = 0;
  documentEnds = 0;
  /** Tokens of extreme norm, which are not counted. */
  outliers = 0;
  /** `[size]`: tokens on which the feature fires; Σ and Σ² of its activations there; the largest. */
  readonly firings: Uint32Array;
  readonly sums: Float64Array;
  readonly squares: Float64Array;
  readonly max: Float32Array;
  /** `[size]`: the same on the last tokens of documents: those before a BOS. */
  readonly lastFirings: Uint32Array;
  readonly lastSums: Float64Array;
  /** `[size, HISTOGRAM_BINS]`, and `[size]` bins per unit of activation: a power of two; 0 before the first firing. */
  readonly histogram: Uint32Array;
  readonly binsPerUnit: Float64Array;
  /** The strongest examples, rank: the peak's activation. */
  readonly top: ExampleSlots;
  /** A random sample of all examples, each text as likely as any other, rank: a hash of feature and text. */
  readonly sample: ExampleSlots;
  readonly sketches: FiringSketches;

  constructor(size: number) {
    this.size = size;
    this.firings = new Uint32Array(size);
    this.sums = new Float64Array(size);
    this.squares = new Float64Array(size);
    this.max = new Float32Array(size);
    this.lastFirings = new Uint32Array(size);
    this.lastSums = new Float64Array(size);
    this.histogram = new Uint32Array(size * HISTOGRAM_BINS);
    this.binsPerUnit = new Float64Array(size);
    this.top = new ExampleSlots(size, TOP_EXAMPLES);
    this.sample = new ExampleSlots(size, QUANTILE_GROUPS * GROUP_EXAMPLES);
    this.sketches = new FiringSketches(size);
  }

  /** Groups come in the order of their contexts. @throws AppError `unsupported` for an activation that is not finite. */
  take(group: FiringGroup): void {
    const { tokens, contextLength, bosTokenId, firstContext } = group;
    const { isLast, counted, documentEnds } = markTokens(tokens, contextLength, bosTokenId);
    this.tokens += counted - (group.outliers ?? 0);
    this.outliers += group.outliers ?? 0;
    this.documentEnds += documentEnds;
    const keys = textKeys(tokens, contextLength);
    const { offsets, rows, values } = group.firings;
    const firstRow = firstContext * contextLength;
    for (let feature = 0; feature < this.size; feature++) {
      const [from, end] = [offsets[feature]!, offsets[feature + 1]!];
      if (from === end) continue;
      this.#count(feature, { rows, values, from, end, isLast, firstRow });
      let contextEnd = from;
      while (contextEnd < end) {
        const begin = contextEnd;
        const context = Math.floor(rows[begin]! / contextLength);
        const nextContext = (context + 1) * contextLength;
        let peak = begin;
        while (contextEnd < end && rows[contextEnd]! < nextContext) {
          if (values[contextEnd]! > values[peak]!) peak = contextEnd;
          contextEnd++;
        }
        const row = rows[peak]!;
        const priority = mix32(mix32(keys.low[row]! ^ Math.imul(feature + 1, 0x9e3779b1)) ^ keys.high[row]!);
        const value = values[peak]!;
        if (!(value > this.top.floors[feature]! || -priority > this.sample.floors[feature]!)) continue;
        const candidate = {
          context: firstContext + context,
          peak: row - context * contextLength,
          value,
          keyHigh: keys.high[row]!,
          keyLow: keys.low[row]!,
          positions: rows,
          values,
          from: begin,
          end: contextEnd,
          shift: context * contextLength,
        };
        this.top.offer(feature, value, candidate);
        this.sample.offer(feature, -priority, candidate);
      }
    }
  }

  #count(
    feature: number,
    {
      rows,
      values,
      from,
      end,
      isLast,
      firstRow,
    }: { rows: Int32Array; values: Float32Array; from: number; end: number; isLast: Uint8Array; firstRow: number },
  ): void {
    let [sum, square, largest] = [0, 0, this.max[feature]!];
    for (let entry = from; entry < end; entry++) {
      const value = values[entry]!;
      const row = rows[entry]!;
      sum += value;
      square += value * value;
      if (value > largest) largest = value;
      this.#bin(feature, value);
      this.sketches.add(feature, mix32(firstRow + row));
      if (isLast[row] === 0) continue;
      this.lastFirings[feature]! += 1;
      this.lastSums[feature]! += value;
    }
    if (!Number.isFinite(sum)) {
      throw new AppError(
        'unsupported',
        `Feature ${feature} has an activation on this text that is not a finite number.`,
      );
    }
    this.firings[feature]! += end - from;
    this.sums[feature]! += sum;
    this.squares[feature]! += square;
    this.max[feature] = largest;
  }

  #bin(feature: number, value: number): void {
    const first = feature * HISTOGRAM_BINS;
    let perUnit = this.binsPerUnit[feature]!;
    if (value * perUnit >= HISTOGRAM_BINS || perUnit === 0) {
      if (value === Infinity) return; // refused by #count
      const wanted = HISTOGRAM_BINS / powerOfTwoAbove(value);
      // Bins are joined in pairs, which is exact, until they reach far enough.
      for (; perUnit > wanted; perUnit /= 2) {
        for (let bin = 0; bin < HISTOGRAM_BINS; bin++) {
          const [a, b] = [2 * bin, 2 * bin + 1];
          this.histogram[first + bin] =
            b < HISTOGRAM_BINS ? this.histogram[first + a]! + this.histogram[first + b]! : 0;
        }
      }
      perUnit = wanted;
      this.binsPerUnit[feature] = perUnit;
    }
    this.histogram[first + Math.floor(value * perUnit)]! += 1;
  }

  // ---- files ----------------------------------------------------------------------------------------------------------

  /** The counts, without examples and sketches. */
  countTensors(): TensorToWrite[] {
    const { size } = this;
    return [
      { name: 'firings', dtype: 'U32', shape: [size], data: this.firings },
      { name: 'sum', dtype: 'F64', shape: [size], data: this.sums },
      { name: 'squares', dtype: 'F64', shape: [size], data: this.squares },
      { name: 'max', dtype: 'F32', shape: [size], data: this.max },
      { name: 'lastFirings', dtype: 'U32', shape: [size], data: this.lastFirings },
      { name: 'lastSum', dtype: 'F64', shape: [size], data: this.lastSums },
      { name: 'histogram', dtype: 'U32', shape: [size, HISTOGRAM_BINS], data: this.histogram },
      { name: 'binsPerUnit', dtype: 'F64', shape: [size], data: this.binsPerUnit },
      { name: 'totals', dtype: 'F64', shape: [2], data: Float64Array.of(this.tokens, this.documentEnds) },
      { name: 'outliers', dtype: 'F64', shape: [1], data: Float64Array.of(this.outliers) },
    ];
  }

  /** All that is needed to go on. */
  stateTensors(): TensorToWrite[] {
    return [
      ...this.countTensors(),
      ...this.top.tensors('top', true),
      ...this.sample.tensors('sample', true),
      ...this.sketches.tensors(),
    ];
  }

  /** Into a fresh accumulator. @throws AppError `invalid-file`. */
  async restore(file: ColumnFile): Promise<void> {
    const { size } = this;
    this.firings.set(await file.column('firings', 'U32', size));
    this.sums.set(await file.column('sum', 'F64', size));
    this.squares.set(await file.column('squares', 'F64', size));
    this.max.set(await file.column('max', 'F32', size));
    this.lastFirings.set(await file.column('lastFirings', 'U32', size));
    this.lastSums.set(await file.column('lastSum', 'F64', size));
    this.histogram.set(await file.column('histogram', 'U32', size * HISTOGRAM_BINS));
    this.binsPerUnit.set(await file.column('binsPerUnit', 'F64', size));
    const totals = await file.column('totals', 'F64', 2);
    [this.tokens, this.documentEnds] = [totals[0]!, totals[1]!];
    [this.outliers = 0] = await file.column('outliers', 'F64', 1);
    await this.top.restore(file, 'top');
    await this.sample.restore(file, 'sample');
    await this.sketches.restore(file);
  }
}

/** The smallest power of two above a positive number. */
function powerOfTwoAbove(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0]!;
  return 2 ** ((bits >>> 23) - 126);
}

/** Which tokens are the last of their document, seen by the BOS behind them, and how many tokens count. */
function markTokens(
  tokens: Int32Array,
  contextLength: number,
  bosTokenId: number | null,
): { isLast: Uint8Array; counted: number; documentEnds: number } {
  const isLast = new Uint8Array(tokens.length);
  let [counted, documentEnds] = [0, 0];
  for (let row = 0; row < tokens.length; row++) {
    if (tokens[row] === bosTokenId) continue;
    counted++;
    const isAtEnd = (row + 1) % contextLength === 0;
    if (isAtEnd || tokens[row + 1] !== bosTokenId) continue;
    isLast[row] = 1;
    documentEnds++;
  }
  return { isLast, counted, documentEnds };
}

/** 64 bits for the SAME_TEXT_TOKENS tokens up to each row, or as many as the context has until there. */
export function textKeys(tokens: Int32Array, contextLength: number): { high: Uint32Array; low: Uint32Array } {
  const high = new Uint32Array(tokens.length);
  const low = new Uint32Array(tokens.length);
  for (let row = 0; row < tokens.length; row++) {
    const length = Math.min(SAME_TEXT_TOKENS, (row % contextLength) + 1);
    let [a, b] = [0x3c6ef372 ^ length, 0x1f83d9ab + length];
    for (let at = row - length + 1; at <= row; at++) {
      a = Math.imul(a ^ tokens[at]!, 0x9e3779b1);
      a ^= a >>> 15;
      b = Math.imul(b + tokens[at]!, 0x85ebca6b);
      b ^= b >>> 13;
    }
    high[row] = mix32(a);
    low[row] = mix32(b);
  }
  return { high, low };
}

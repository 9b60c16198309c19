// What a feature's statistics are, computed the slow way: all activations of a text at hand, double precision, full sorts.
// Only tests import this file.
import {
  GROUP_EXAMPLES,
  HISTOGRAM_BINS,
  QUANTILE_GROUPS,
  SAME_TEXT_TOKENS,
  textKeys,
  TOP_EXAMPLES,
} from '../../core/features/featureAccumulator.ts';
import { WINDOW_AFTER, WINDOW_BEFORE } from '../../core/features/exampleSlots.ts';
import { mix32 } from '../../core/features/firingSketch.ts';

export interface ReferenceText {
  /** `[contexts, contextLength]` */
  readonly tokens: Int32Array;
  readonly contextLength: number;
  readonly bosTokenId: number | null;
}

export interface ReferenceExample {
  readonly context: number;
  readonly peak: number;
  readonly value: number;
  readonly positions: readonly number[];
  readonly activations: readonly number[];
}

export interface ReferenceStatistics {
  readonly firings: number;
  readonly rate: number;
  readonly sum: number;
  readonly squares: number;
  readonly max: number;
  readonly lastFirings: number;
  readonly lastSum: number;
  /** Counts in bins of `binWidth` from 0. */
  readonly histogram: readonly number[];
  readonly top: readonly ReferenceExample[];
  readonly sample: readonly ReferenceExample[];
}

/** @param activations of one feature, `[contexts · contextLength]` */
export function referenceStatistics(
  { tokens, contextLength, bosTokenId }: ReferenceText,
  feature: number,
  activations: ArrayLike<number>,
): ReferenceStatistics {
  const rows = Array.from(tokens.keys()).filter((row) => tokens[row] !== bosTokenId);
  const fired = rows.filter((row) => activations[row]! > 0);
  const values = fired.map((row) => activations[row]!);
  const isLast = (row: number) => (row + 1) % contextLength !== 0 && tokens[row + 1] === bosTokenId;
  const last = fired.filter(isLast).map((row) => activations[row]!);
  const max = Math.max(0, ...values);
  const range = 2 ** (Math.floor(Math.log2(max)) + 1);
  const histogram = new Array<number>(HISTOGRAM_BINS).fill(0);
  for (const value of values) histogram[Math.floor((value / range) * HISTOGRAM_BINS)]! += 1;
  const candidates = candidatesOf(fired, activations, contextLength);
  const text = ({ context, peak }: ReferenceExample) => {
    const end = context * contextLength + peak + 1;
    return tokens.slice(Math.max(context * contextLength, end - SAME_TEXT_TOKENS), end).join(' ');
  };
  const best = (count: number, rank: (example: ReferenceExample) => number) => {
    const sorted = [...candidates].sort((a, b) => rank(b) - rank(a) || a.context - b.context);
    const distinct = new Map<string, ReferenceExample>();
    for (const example of sorted) if (!distinct.has(text(example))) distinct.set(text(example), example);
    return [...distinct.values()].slice(0, count);
  };
  const { high, low } = textKeys(tokens, contextLength);
  const priority = ({ context, peak }: ReferenceExample) => {
    const row = context * contextLength + peak;
    return mix32(mix32(low[row]! ^ Math.imul(feature + 1, 0x9e3779b1)) ^ high[row]!);
  };
  return {
    firings: fired.length,
    rate: fired.length / rows.length,
    sum: values.reduce((total, value) => total + value, 0),
    squares: values.reduce((total, value) => total + value ** 2, 0),
    max,
    lastFirings: last.length,
    lastSum: last.reduce((total, value) => total + value, 0),
    histogram,
    top: best(TOP_EXAMPLES, ({ value }) => value),
    sample: best(QUANTILE_GROUPS * GROUP_EXAMPLES, (example) => -priority(example)),
  };
}

function candidatesOf(
  fired: readonly number[],
  activations: ArrayLike<number>,
  contextLength: number,
): ReferenceExample[] {
  const byContext = Map.groupBy(fired, (row) => Math.floor(row / contextLength));
  return [...byContext].map(([context, rows]) => {
    const value = Math.max(...rows.map((row) => activations[row]!));
    const peak = rows.find((row) => activations[row] === value)! - context * contextLength;
    const near = rows.filter((row) => {
      const position = row - context * contextLength;
      return position >= peak - WINDOW_BEFORE && position <= peak + WINDOW_AFTER;
    });
    return {
      context,
      peak,
      value,
      positions: near.map((row) => row - context * contextLength),
      activations: near.map((row) => activations[row]!),
    };
  });
}

// Thresholds of single features that compete. In training and by definition such a feature fires where it is among the k largest of all
// features, so telling whether it does takes all rows of the encoder. A threshold of its own needs its row only; it is chosen
// on held-out activations so that it agrees with the competition as often as it can, and how often it does not is measured on
// others that the choice has not seen.
import { Tensor } from 'onnxruntime-common';
import { RowSelection, type ContextRange } from '../activations/rowSelection.ts';
import { readSequentially } from '../activations/sequentialReader.ts';
import type { ActivationStore } from '../activations/store.ts';
import { AppError } from '../../contract/base/errors.ts';
import { MAX_FLOAT32 } from '../../contract/base/float32.ts';
import type { OnWork } from '../../contract/base/progress.ts';
import { GraphBuilder } from '../onnx/graph.ts';
import type { Runtime } from '../onnx/runtime.ts';
import type { Dictionary } from './dictionary.ts';
import { kindOf } from './kinds/index.ts';
import { THRESHOLD } from './kinds/threshold.ts';
import { dictionaryFeeds, encodeFeatures } from './encoderGraph.ts';
import { rowsPerRun } from './evaluate.ts';

/** Tokens in each half, and numbers kept of all features together. */
const MAX_TOKENS = 131_072;
const MAX_NUMBERS = 1 << 22;
/** A factor that no rounding of a float32 sum over a few thousand terms comes near. */
const ROUNDING = 1 + 1e-5;

export interface FeatureThreshold {
  readonly feature: number;
  /** It fires where its pre-activation is above this, in the units of the raw activations. */
  readonly threshold: number;
  /** Held-out tokens that the rates are of; the threshold was chosen on others. */
  readonly tokens: number;
  /** Shares of these tokens: it fires by competition; by the threshold alone; by competition alone. */
  readonly firingRate: number;
  readonly onlyThreshold: number;
  readonly onlyCompetition: number;
}

/** Share of the tokens on which threshold and competition differ. */
export function disagreementRate({ onlyThreshold, onlyCompetition }: FeatureThreshold): number {
  return onlyThreshold + onlyCompetition;
}

export interface FeatureThresholdOptions {
  readonly runtime: Runtime;
  /** Whose features compete. */
  readonly dictionary: Dictionary;
  readonly features: readonly number[];
  readonly store: ActivationStore;
  /** Two contexts at least: the first half chooses, the second is measured on. */
  readonly heldOut: ContextRange;
  readonly signal?: AbortSignal | undefined;
  readonly onWork?: OnWork | undefined;
}

/**
 * @returns one for each of the features, in their order.
 * @throws AppError `unsupported` for a dictionary without competition, `mismatch` for a store of another width, `usage` for a
 * feature it does not have, `empty` for fewer than two held-out contexts.
 */
export async function featureThresholds(options: FeatureThresholdOptions): Promise<FeatureThreshold[]> {
  const { runtime, dictionary, features, store, heldOut, signal, onWork } = options;
  const { architecture, d } = dictionary;
  if (!kindOf(dictionary).competes) {
    throw new AppError(
      'unsupported',
      `Features of a ${architecture} dictionary do not compete: each has its threshold.`,
    );
  }
  if (store.width !== d) {
    throw new AppError('mismatch', `${store.folder}: its activations have ${store.width} numbers, not ${d}.`);
  }
  const middle = Math.ceil((heldOut.first + heldOut.end) / 2);
  if (middle <= heldOut.first || middle >= heldOut.end) {
    throw new AppError('empty', `${store.folder}: thresholds need two held-out contexts at least.`);
  }
  const most = Math.min(MAX_TOKENS, Math.max(1, Math.floor(MAX_NUMBERS / Math.max(1, features.length))));
  const rowDictionary: Dictionary = { ...dictionary, architecture: 'relu', perFeature: {} };
  const competing = { features, arrays: 'inputs', name: 'competing' } as const;
  const alone = { features, arrays: 'inputs', name: 'alone' } as const;
  const graph = new GraphBuilder('featureThresholds');
  const x = graph.input('x', 'float32', ['batch', d]);
  graph.output(encodeFeatures(x, dictionary, competing), 'competing');
  graph.output(encodeFeatures(x, rowDictionary, alone), 'alone');
  const feeds = { ...dictionaryFeeds(dictionary, competing), ...dictionaryFeeds(rowDictionary, alone) };
  const asked = new Set(graph.inputs.map(({ name }) => name));
  const arrays = Object.fromEntries(Object.entries(feeds).filter(([name]) => asked.has(name)));
  const session = await runtime.createSession(graph.toBytes());
  try {
    const halves: Firings[][] = [];
    for (const contexts of [
      { first: heldOut.first, end: middle },
      { first: middle, end: heldOut.end },
    ]) {
      const found = features.map(() => new Firings());
      const selection = await RowSelection.of(store, { contexts });
      const total = Math.min(most, selection.count());
      let tokens = 0;
      for await (const { values, rows } of readSequentially(store, selection, rowsPerRun(dictionary.size))) {
        signal?.throwIfAborted();
        const results = await session.run({ ...arrays, x: new Tensor('float32', values, [rows.length, d]) });
        const [inCompetition, byItself] = [results['competing']?.data, results['alone']?.data];
        if (!(inCompetition instanceof Float32Array) || !(byItself instanceof Float32Array)) {
          throw new AppError('internal', 'The engine gave no activations.');
        }
        for (const [index, firings] of found.entries()) {
          for (let at = index; at < byItself.length; at += features.length) {
            firings.add(byItself[at] as number, (inCompetition[at] as number) > 0);
          }
        }
        tokens += rows.length;
        onWork?.({ stage: 'Calibrating thresholds', done: tokens, total, unit: 'tokens' });
        if (tokens >= most) break;
      }
      halves.push(found);
    }
    const [chosenOn = [], measuredOn = []] = halves;
    return features.map((feature, index) => {
      const [chosen, measured] = [chosenOn[index], measuredOn[index]];
      if (!chosen || !measured) throw new AppError('internal', `Feature ${feature} was not looked at.`);
      const threshold = chosen.bestThreshold();
      return { feature, threshold, ...measured.rates(threshold) };
    });
  } finally {
    await session.release();
  }
}

/**
 * The dictionary with these thresholds in place of the competition. A view for the features that have one; all others are
 * silent in it.
 */
export function withThresholds(dictionary: Dictionary, thresholds: readonly FeatureThreshold[]): Dictionary {
  // A feature without a threshold of its own is silent: no activation exceeds this.
  const values = new Float32Array(dictionary.size).fill(MAX_FLOAT32);
  for (const { feature, threshold } of thresholds) values[feature] = threshold;
  return { ...dictionary, architecture: 'jumprelu', k: null, perFeature: { [THRESHOLD]: values } };
}

/** Where one feature is positive, and whether it wins there. */
class Firings {
  #tokens = 0;
  readonly #values: number[] = [];
  readonly #wins: boolean[] = [];

  add(value: number, wins: boolean): void {
    this.#tokens += 1;
    if (!(value > 0)) return;
    this.#values.push(value);
    this.#wins.push(wins);
  }

  /** The value above which firing differs from winning least often; of equals the highest. */
  bestThreshold(): number {
    const order = [...this.#values.keys()].sort((a, b) => (this.#values[b] as number) - (this.#values[a] as number));
    const winsInAll = this.#wins.filter(Boolean).length;
    let [best, fewest] = [0, winsInAll];
    let [above, winsAbove] = [0, 0];
    while (above < order.length) {
      const value = this.#values[order[above] as number] as number;
      // Equal values fire together or not at all.
      do {
        if (this.#wins[order[above] as number]) winsAbove += 1;
        above += 1;
      } while (above < order.length && this.#values[order[above] as number] === value);
      const wrong = above - winsAbove + (winsInAll - winsAbove);
      if (wrong < fewest) [best, fewest] = [above, wrong];
    }
    if (order.length === 0) return 0;
    const below = best === order.length ? 0 : (this.#values[order[best] as number] as number);
    // Best never to fire: clear of the highest value, whose last digits another order of summation changes.
    if (best === 0) return Math.fround(below * ROUNDING);
    const lowest = this.#values[order[best - 1] as number] as number;
    const middle = Math.fround((below + lowest) / 2);
    return middle < lowest ? middle : below; // neighbouring floats have none between them
  }

  rates(threshold: number): Omit<FeatureThreshold, 'feature' | 'threshold'> {
    let [wins, onlyThreshold, onlyCompetition] = [0, 0, 0];
    for (const [index, value] of this.#values.entries()) {
      const isWin = this.#wins[index] === true;
      if (isWin) wins += 1;
      if (value > threshold && !isWin) onlyThreshold += 1;
      if (value <= threshold && isWin) onlyCompetition += 1;
    }
    const share = (count: number) => count / this.#tokens;
    return {
      tokens: this.#tokens,
      firingRate: share(wins),
      onlyThreshold: share(onlyThreshold),
      onlyCompetition: share(onlyCompetition),
    };
  }
}

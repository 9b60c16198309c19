// Blast radius: how often and how strongly every feature of a dictionary fires on clean text, without the edit and with it.
// The position of the BOS is left out, as in training.
//
// A feature is said to have moved when its change of firing rate is beyond what the contexts' spread explains: a z-test over
// contexts (sums of a context are the units), two-sided, at 5% for all features together (Bonferroni).
import { Tensor } from 'onnxruntime-common';
import type { FeatureChange, SiteBlastRadius } from '../../contract/domain/evaluationReport.ts';
import { AppError } from '../../contract/base/errors.ts';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import { dictionaryFeeds, encodeFeatures } from '../dictionaries/encoderGraph.ts';
import { rowsPerRun } from '../dictionaries/evaluate.ts';
import { tokenTensor } from '../models/tokenBatch.ts';
import { buildVariantGraph } from '../models/variant.ts';
import * as op from '../onnx/ops.ts';
import type { Runtime } from '../onnx/runtime.ts';
import { normalQuantile } from './intervals.ts';
import {
  NO_INTERVENTION,
  type Text,
  type IntervenableModel,
  type Intervention,
} from '../interventions/intervenableModel.ts';

export interface BlastRadius extends SiteBlastRadius {
  /** `[features]`, of the model without the edit. */
  readonly firingRates: Float64Array;
  /** `[features]`: rate after − rate before. */
  readonly rateChanges: Float64Array;
}

export interface BlastRadiusInput {
  readonly intervenable: IntervenableModel;
  readonly runtime: Runtime;
  readonly intervention: Intervention;
  /** The dictionary looked at, at its site. */
  readonly dictionary: Dictionary;
  readonly hash: string;
  readonly texts: readonly Text[];
  readonly signal?: AbortSignal | undefined;
  readonly onRows?: ((done: number) => void) | undefined;
}

const LISTED = 40;
/** Sums of contexts that are kept, in numbers: contexts × features × 2. */
const MOST_SUMS = 32 << 20;

/** @throws AppError `mismatch` when the dictionary does not fit the site, `cancelled`. */
export async function blastRadius(input: BlastRadiusInput): Promise<BlastRadius> {
  const { intervenable, intervention, dictionary, hash, runtime } = input;
  const { size, site } = dictionary;
  const texts = input.texts.slice(0, Math.max(2, Math.floor(MOST_SUMS / 2 / size)));
  const { weightsFolder } = intervenable.model;
  const session = await runtime.createSession(radiusGraph(input), { weightsFolder });
  const feeds = dictionaryFeeds(dictionary, { arrays: 'inputs', name: NAME });
  const limit = rowsPerRun(size);
  const before = new Sums(size, texts.length);
  const after = new Sums(size, texts.length);
  let done = 0;
  try {
    for (const batch of batches(texts, limit)) {
      const rows = batch.map((index) => texts[index]?.ids ?? []);
      const promptLengths = batch.map((index) => texts[index]?.promptLength ?? 0);
      const base = { ...feeds, input_ids: tokenTensor(rows, 'right'), counted: countedTensor(rows) };
      for (const [sums, what] of [
        [before, NO_INTERVENTION],
        [after, intervention],
      ] as const) {
        if (input.signal?.aborted) throw new AppError('cancelled', 'The evaluation was cancelled.');
        const { firings, activations } = await session.run({ ...base, ...intervenable.feeds(what, promptLengths) });
        sums.take(batch, firings, activations);
      }
      done += batch.length;
      input.onRows?.(done);
    }
  } finally {
    await session.release();
  }
  const tokens = texts.reduce((total, { ids }) => total + ids.length - 1, 0);
  const edited = new Set(
    intervention.edit.operations
      .filter((operation) => operation.site === site && operation.dictionary === hash)
      .map(({ feature }) => feature),
  );
  return { site, dictionary: hash, ...compare(before, after, texts, tokens, edited) };
}

/** The share of tokens on which every feature fires, and what a change of it would have to be: no edit. */
function compare(before: Sums, after: Sums, texts: readonly Text[], tokens: number, edited: ReadonlySet<number>) {
  const { size } = before;
  const contexts = texts.length;
  const critical = normalQuantile(1 - 0.025 / size);
  const changes = Array.from({ length: size }, (_, feature): FeatureChange => {
    const [rateBefore, rateAfter] = [before.total(feature) / tokens, after.total(feature) / tokens];
    const z = zOf(before, after, feature, texts, rateAfter - rateBefore);
    return {
      feature,
      rateBefore,
      rateAfter,
      meanBefore: (before.means[feature] as number) / tokens,
      meanAfter: (after.means[feature] as number) / tokens,
      z,
      hasMoved: z !== null && Math.abs(z) > critical,
      isEdited: edited.has(feature),
    };
  });
  const size_ = (change: FeatureChange) => Math.abs(change.rateAfter - change.rateBefore);
  const meanSize = (change: FeatureChange) => Math.abs(change.meanAfter - change.meanBefore);
  const others = changes.filter(({ isEdited }) => !isEdited);
  const changed = changes.filter((change) => size_(change) > 0 || meanSize(change) > 0);
  const inOrder = (value: (change: FeatureChange) => number) => Float64Array.from(changes, value);
  const firings = others.reduce((sum, { rateBefore }) => sum + rateBefore, 0);
  return {
    features: size,
    moved: others.filter(({ hasMoved }) => hasMoved).length,
    shareOfFirings: firings === 0 ? 0 : others.reduce((sum, change) => sum + size_(change), 0) / firings,
    contexts,
    tokens,
    strongest: changed
      .sort((a, b) => size_(b) - size_(a) || meanSize(b) - meanSize(a) || a.feature - b.feature)
      .slice(0, LISTED),
    firingRates: inOrder(({ rateBefore }) => rateBefore),
    rateChanges: inOrder(({ rateBefore, rateAfter }) => rateAfter - rateBefore),
  };
}

/** Of the ratio Σ change / Σ tokens, by the spread of the contexts around it. */
function zOf(before: Sums, after: Sums, feature: number, texts: readonly Text[], change: number): number | null {
  let squares = 0;
  let changed = 0;
  for (const [context, { ids }] of texts.entries()) {
    const difference = after.at(context, feature) - before.at(context, feature);
    if (difference !== 0) changed++;
    squares += (difference - change * (ids.length - 1)) ** 2;
  }
  const n = texts.length;
  const tokens = texts.reduce((total, { ids }) => total + ids.length - 1, 0);
  // From a handful of contexts no spread can be told.
  if (changed < 5 || squares === 0) return null;
  return change / (Math.sqrt((squares * n) / (n - 1)) / tokens);
}

class Sums {
  readonly size: number;
  readonly means: Float64Array;
  readonly #firings: Float32Array;
  readonly #contexts: number;

  constructor(size: number, contexts: number) {
    this.size = size;
    this.#contexts = contexts;
    this.means = new Float64Array(size);
    this.#firings = new Float32Array(size * contexts);
  }

  /** @param firings, activations `[features, batch]` */
  take(batch: readonly number[], firings: Tensor | undefined, activations: Tensor | undefined): void {
    if (!(firings?.data instanceof Float32Array) || !(activations?.data instanceof Float32Array)) {
      throw new AppError('internal', 'The engine gave no firings.');
    }
    for (let feature = 0; feature < this.size; feature++) {
      for (const [row, context] of batch.entries()) {
        const at = feature * batch.length + row;
        this.#firings[context * this.size + feature] = firings.data[at] as number;
        this.means[feature] = (this.means[feature] as number) + (activations.data[at] as number);
      }
    }
  }

  at(context: number, feature: number): number {
    return this.#firings[context * this.size + feature] as number;
  }

  total(feature: number): number {
    let sum = 0;
    for (let context = 0; context < this.#contexts; context++) sum += this.at(context, feature);
    return sum;
  }
}

const NAME = 'watched';

/** Outputs `firings` and `activations` `[features, batch]`: sums over the positions where `counted` `[batch, time]` is 1. */
function radiusGraph({ intervenable, dictionary }: BlastRadiusInput): Uint8Array {
  const { site } = dictionary;
  const graph = buildVariantGraph(intervenable.model, {
    taps: [site],
    patches: intervenable.patches,
    tapsAfterPatches: true,
  });
  const counted = op.unsqueeze(graph.input('counted', 'float32', ['batch', 'time']), [0]);
  const encoded = encodeFeatures(graph.value(site), dictionary, { arrays: 'inputs', name: NAME });
  const activations = op.mul(op.transpose(encoded, [2, 0, 1]), counted); // [features, batch, time]
  const fires = op.cast(op.greater(activations, 0), 'float32');
  graph.output(op.reduceSum(fires, [2], { keepDims: false }), 'firings');
  graph.output(op.reduceSum(activations, [2], { keepDims: false }), 'activations');
  return graph.toBytes();
}

/** 1 at every token but the first of a row, 0 there and on padding. */
function countedTensor(rows: readonly ArrayLike<number>[]): Tensor {
  const width = Math.max(...rows.map(({ length }) => length));
  const data = new Float32Array(rows.length * width);
  for (const [row, { length }] of rows.entries()) data.fill(1, row * width + 1, row * width + length);
  return new Tensor('float32', data, [rows.length, width]);
}

function batches(texts: readonly Text[], limit: number): number[][] {
  const lengthOf = (index: number) => texts[index]?.ids.length ?? 0;
  const result: number[][] = [];
  for (const index of [...texts.keys()].sort((a, b) => lengthOf(a) - lengthOf(b) || a - b)) {
    const open = result.at(-1);
    if (open && (open.length + 1) * lengthOf(index) <= limit) open.push(index);
    else result.push([index]);
  }
  return result;
}

// How good a dictionary is, always on held-out activations and text.
//   L0 = mean number of features that fire on a token
//   FVU = Σ‖x − x̂‖² / Σ‖x − x̄‖², x̄ the mean of the same held-out activations
//   dead = features that fire on none of the tokens counted
//   loss recovered = (CE_zero − CE_reconstructed) / (CE_zero − CE_original), CE in nats per token, where the site's
//     activations are left alone, replaced by their reconstruction, or replaced by zero. BOS positions are never replaced: the
//     dictionary was not trained on them.
import { Tensor } from 'onnxruntime-common';
import { AppError } from '../../contract/base/errors.ts';
import type { OnWork } from '../../contract/base/progress.ts';
import type { ContextRange } from '../activations/rowSelection.ts';
import { RowSelection } from '../activations/rowSelection.ts';
import { readSequentially } from '../activations/sequentialReader.ts';
import type { ActivationStore } from '../activations/store.ts';
import type { Model } from '../models/model.ts';
import { openScorer } from '../models/scoring.ts';
import type { Patch } from '../models/variant.ts';
import { GraphBuilder } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import { lossRecovered } from '../../contract/domain/lossRecovered.ts';
import type { Runtime } from '../onnx/runtime.ts';
import type { Dictionary } from './dictionary.ts';
import { outlierBoundOf, withoutOutliers, type OutlierBound } from './outliers.ts';
import { dictionaryFeeds, encodeFeatures, reconstruct, reconstructionPatch, zeroPatch } from './encoderGraph.ts';

export interface ReconstructionQuality {
  readonly fvu: number;
  readonly l0: number;
  /** Of all features, the share that fired on none of `tokens`. */
  readonly deadFraction: number;
  readonly tokens: number;
  /** Tokens of extreme norm that were left out, as in training; see outliers.ts. */
  readonly outliers: number;
  /** `[size]`: the share of the tokens on which each feature fired. */
  readonly firingRates: Float64Array;
}

export interface LossRecovered {
  /** Null: not defined; see contract/domain/lossRecovered.ts. */
  readonly lossRecovered: number | null;
  readonly ceOriginal: number;
  readonly ceReconstructed: number;
  readonly ceZero: number;
  /** Predicted tokens behind the three losses; the BOS at the border of two documents is not one. */
  readonly ceTokens: number;
}

export type DictionaryQuality = ReconstructionQuality & LossRecovered;

export interface EvaluationOptions {
  readonly runtime: Runtime;
  readonly dictionary: Dictionary;
  readonly store: ActivationStore;
  /** Which contexts of the store are held out. */
  readonly heldOut: ContextRange;
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}

/** Pre-activations of one run, in bytes. A graph holds about ten arrays of their size. */
const BATCH_BYTES = 16 << 20;
const MAX_BATCH = 4096;

/** Activations in one run, so that their feature activations stay within a bounded piece of memory. */
export function rowsPerRun(size: number): number {
  return Math.max(1, Math.min(MAX_BATCH, Math.floor(BATCH_BYTES / 4 / size)));
}

/** Everything that tells how good a dictionary is. @throws AppError `mismatch`, `empty`, `cancelled`. */
export async function evaluateDictionary(
  options: EvaluationOptions & { readonly model: Model },
): Promise<DictionaryQuality> {
  return { ...(await evaluateReconstruction(options)), ...(await evaluateLossRecovered(options)) };
}

/** @throws AppError `mismatch` when the store is of another width, `cancelled`. */
export async function evaluateReconstruction(options: EvaluationOptions): Promise<ReconstructionQuality> {
  const { runtime, dictionary, store, heldOut, signal, onWork } = options;
  checkWidth(dictionary, store);
  const { d, size } = dictionary;
  const selection = await RowSelection.of(store, { contexts: heldOut });
  const total = selection.count();
  const bound = await outlierBoundOf(store, selection);
  let read = 0;
  const ordinaryRows = async function* () {
    for await (const { values, rows } of readSequentially(store, selection, rowsPerRun(size))) {
      read += rows.length;
      yield withoutOutliers(values, d, bound);
      onWork?.({ stage: 'Evaluating the reconstruction', done: read, total, unit: 'tokens' });
    }
  };
  const measured = await measureReconstruction(
    { runtime, dictionary, shift: dictionary.centre, ...(signal ? { signal } : {}) },
    ordinaryRows(),
  );
  return { ...measured, outliers: read - measured.tokens };
}

interface MeasureOptions extends Pick<EvaluationOptions, 'runtime' | 'dictionary' | 'signal'> {
  /** `[d]`, near the mean of the activations, so that nothing cancels in their variance. */
  readonly shift: Float32Array;
}

/** @param batches of activations, `[rows, d]` each, of at most rowsPerRun rows; a batch may be empty. */
export async function measureReconstruction(
  { runtime, dictionary, shift, signal }: MeasureOptions,
  batches: Iterable<Float32Array> | AsyncIterable<Float32Array>,
): Promise<Omit<ReconstructionQuality, 'outliers'>> {
  const { d, size } = dictionary;
  const session = await runtime.createSession(evaluationGraph(dictionary));
  const feeds = { ...dictionaryFeeds(dictionary, { arrays: 'inputs' }), shift: new Tensor('float32', shift, [d]) };
  let [tokens, squaredError, squaredNorm] = [0, 0, 0];
  const sum = new Float64Array(d);
  const firings = new Float64Array(size);
  try {
    for await (const batch of batches) {
      signal?.throwIfAborted();
      const rows = batch.length / d;
      if (rows === 0) continue;
      const results = await session.run({ ...feeds, x: new Tensor('float32', batch, [rows, d]) });
      squaredError += scalar(results['squaredError']);
      squaredNorm += scalar(results['squaredNorm']);
      accumulate(sum, results['sum']);
      accumulate(firings, results['firings']);
      tokens += rows;
    }
  } finally {
    await session.release();
  }
  // Σ‖x − x̄‖² = Σ‖x − c‖² − N‖x̄ − c‖²
  const meanNorm = sum.reduce((total, value) => total + (value / tokens) ** 2, 0);
  return {
    fvu: squaredError / (squaredNorm - tokens * meanNorm),
    l0: firings.reduce((total, count) => total + count, 0) / tokens,
    deadFraction: firings.filter((count) => count === 0).length / size,
    tokens,
    firingRates: firings.map((count) => count / tokens),
  };
}

/** Inputs: x `[batch, d]`, shift `[d]`, the dictionary's arrays. Sums over the batch of what the metrics need. */
function evaluationGraph(dictionary: Dictionary): Uint8Array {
  const graph = new GraphBuilder('evaluate');
  const x = graph.input('x', 'float32', ['batch', dictionary.d]);
  const shift = graph.input('shift', 'float32', [dictionary.d]);
  const activations = encodeFeatures(x, dictionary, { arrays: 'inputs' });
  const error = op.sub(reconstruct(x, dictionary, { arrays: 'inputs' }), x);
  const shifted = op.sub(x, shift);
  const fires = op.cast(op.greater(activations, 0), 'float32');
  graph.output(op.reduceSumSquare(error, null, { keepDims: false }), 'squaredError');
  graph.output(op.reduceSumSquare(shifted, null, { keepDims: false }), 'squaredNorm');
  graph.output(op.reduceSum(shifted, [0], { keepDims: false }), 'sum');
  graph.output(op.reduceSum(fires, [0], { keepDims: false }), 'firings');
  return graph.toBytes();
}

/** @throws AppError `mismatch` when the dictionary or the store's text is of another model. */
export async function evaluateLossRecovered(
  options: EvaluationOptions & { readonly model: Model },
): Promise<LossRecovered> {
  const { runtime, dictionary, store, heldOut, model, signal, onWork } = options;
  checkWidth(dictionary, store);
  const hash = await model.hash();
  if (dictionary.modelHash !== '' && dictionary.modelHash !== hash) {
    throw new AppError(
      'mismatch',
      `The dictionary of ${dictionary.site} was trained on another model than ${model.folder}.`,
    );
  }
  if (store.manifest.model !== hash) {
    throw new AppError('mismatch', `${store.folder}: its text is in the tokens of another model than ${model.folder}.`);
  }
  const { bosTokenId } = store.manifest;
  const bound = await outlierBoundOf(store, await RowSelection.of(store, { contexts: heldOut }));
  const losses: { loss: number; tokens: number }[] = [];
  const variants: readonly [string, readonly Patch[], Readonly<Record<string, Tensor>>][] = [
    ['the original', [], {}],
    [
      'the reconstruction',
      [leftAlone(reconstructionPatch(dictionary, { arrays: 'inputs' }), bosTokenId, bound)],
      dictionaryFeeds(dictionary, { arrays: 'inputs' }),
    ],
    ['zero', [leftAlone(zeroPatch(dictionary.site), bosTokenId, bound)], {}],
  ];
  for (const [what, patches, feeds] of variants) {
    const scorer = await openScorer(model, runtime, { patches });
    try {
      losses.push(
        await scorer.meanLoss(heldOutContexts(store, heldOut), {
          feeds,
          maxTokensPerBatch: rowsPerRun(dictionary.size),
          unscored: bosTokenId,
          ...(signal ? { signal } : {}),
          onWork: (work) => onWork?.({ ...work, stage: `Scoring with ${what}` }),
        }),
      );
    } finally {
      await scorer.release();
    }
  }
  const [original, reconstructed, zero] = losses as [(typeof losses)[0], (typeof losses)[0], (typeof losses)[0]];
  const ce = { ceOriginal: original.loss, ceReconstructed: reconstructed.loss, ceZero: zero.loss };
  const share = lossRecovered(ce);
  return {
    lossRecovered: typeof share === 'number' ? share : null,
    ...ce,
    ceTokens: original.tokens,
  };
}

async function* heldOutContexts(store: ActivationStore, { first, end }: ContextRange): AsyncGenerator<Int32Array> {
  for (let context = first; context < end; context++) yield await store.contexts.read(context, 1);
}

/** A patch that leaves the positions alone from which nothing is learned: those of the BOS token, and outliers. */
export function leftAlone(patch: Patch, bosTokenId: number | null, { centre, limit }: OutlierBound): Patch {
  return {
    site: patch.site,
    apply: (x) => {
      const ids = x.graph.value('input_ids');
      const axes = x.shape.map((_, axis) => axis).slice(ids.shape.length);
      let patched = patch.apply(x);
      if (Number.isFinite(limit)) {
        const width = x.shape.slice(ids.shape.length).map(Number);
        const origin = x.graph.initializer('outlier_centre', 'float32', width, Float32Array.from(centre));
        const far = op.greaterOrEqual(op.reduceL2(op.sub(x, origin), axes, { keepDims: true }), limit);
        patched = op.where(far, x, patched);
      }
      if (bosTokenId === null) return patched;
      return op.where(op.unsqueeze(op.equal(ids, bosTokenId), axes), x, patched);
    },
  };
}

export function checkWidth({ d, site }: Dictionary, store: ActivationStore): void {
  if (store.width === d) return;
  throw new AppError(
    'mismatch',
    `${store.folder}: its activations are ${store.width} wide, but the dictionary of ${site} takes ${d}.`,
    { details: { storeWidth: store.width, dictionaryWidth: d } },
  );
}

function scalar(tensor: Tensor | undefined): number {
  return (tensor?.data as Float32Array)[0] as number;
}

function accumulate(sums: Float64Array, tensor: Tensor | undefined): void {
  for (const [index, value] of (tensor?.data as Float32Array).entries()) sums[index]! += value;
}

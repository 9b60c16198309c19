// The direct effect of a feature on the next token: what its decoder row alone, added to the residual stream, adds to the
// logits when the final normalisation's division is left out (it depends on everything else in the stream).
//
//   effect_i = W_U · (γ ∘ centred d_i),  minus its mean over the vocabulary (adding the same to all logits changes nothing)
//
// γ is the final norm's learned scale; d_i is centred where the norm centres (LayerNorm). This is the product of W_dec and
// W_U after TransformerLens has folded the norm into W_U. Effects are logits per unit of activation.
//
// The final norm and the unembedding are taken from the model's own graph, whatever its architecture: directions go in
// where the last block ends, far longer than the norm's epsilon, and come out normalised; what the norm divided by is
// known, and multiplied back. The part that is not linear (a soft cap on the logits) is passed where it is a straight line.
import { Tensor } from 'onnxruntime-common';
import { AppError } from '../../contract/base/errors.ts';
import type { OnWork } from '../../contract/base/progress.ts';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import type { Model } from '../models/model.ts';
import { findSite } from '../models/sites.ts';
import { Random } from '../numerics/random.ts';
import { GraphBuilder } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import type { Runtime, Session } from '../onnx/runtime.ts';
import { unitRows } from './decoderNeighbours.ts';

/** Tokens listed at either end. */
export const EFFECT_TOKENS = 10;
/** Length of the directions that go into the final norm: their variance is far above any epsilon. */
const LENGTH = 1024;
/** What hidden states are multiplied with before the unembedding: a soft cap of 30 bends a logit of 0.1 by 4 in 10⁶. */
const SHRINKING = 2 ** -10;
const BLOCK_BYTES = 32 << 20;

export interface LogitEffects {
  readonly count: number;
  /** `[size, count]`: tokens whose logits rise most, the most first, and by how much per unit of activation. */
  readonly topTokens: Int32Array;
  readonly topEffects: Float32Array;
  /** `[size, count]`: those whose logits fall most, the most first. */
  readonly bottomTokens: Int32Array;
  readonly bottomEffects: Float32Array;
  /**
   * `[size]`: −Σ p ln p, in nats, of the shares p = effect² / Σ effect² over the vocabulary: 0 when all of the effect is on
   * one token, the logarithm of the vocabulary's size when it is spread evenly.
   */
  readonly entropies: Float32Array;
}

export interface EffectOptions {
  readonly runtime: Runtime;
  readonly model: Model;
  readonly signal?: AbortSignal | undefined;
  readonly onWork?: OnWork | undefined;
}

/** Whether what is written at a site is added to the residual stream as it is: only then is there a direct effect. */
export function hasLogitEffects(model: Model, site: string): boolean {
  return (
    /(^|\.)hook_(embed|resid_pre|resid_mid|resid_post|attn_out|mlp_out)$/u.test(site) &&
    findSite(model.sites, site).width === model.config.hiddenSize
  );
}

/** @throws AppError `unsupported` for a site without direct effects (see hasLogitEffects), `cancelled`. */
export async function logitEffects(
  dictionary: Pick<Dictionary, 'd' | 'size' | 'decoder' | 'site'>,
  { runtime, model, signal, onWork }: EffectOptions,
): Promise<LogitEffects> {
  const { d, size, site, decoder } = dictionary;
  if (!hasLogitEffects(model, site)) {
    throw new AppError('unsupported', `What is written at ${site} does not reach the logits directly.`);
  }
  const norm = await probeFinalNorm(model, runtime);
  const { vocabularySize } = model.config;
  const count = Math.min(EFFECT_TOKENS, vocabularySize);
  const rows = unitRows(decoder, d);
  const perBlock = Math.max(1, Math.min(size, Math.floor(BLOCK_BYTES / 4 / vocabularySize)));
  const result = {
    count,
    topTokens: new Int32Array(size * count),
    topEffects: new Float32Array(size * count),
    bottomTokens: new Int32Array(size * count),
    bottomEffects: new Float32Array(size * count),
    entropies: new Float32Array(size),
  };
  const session = await runtime.createSession(effectGraph(model, count), { weightsFolder: model.weightsFolder });
  try {
    for (let first = 0; first < size; first += perBlock) {
      signal?.throwIfAborted();
      const end = Math.min(size, first + perBlock);
      // A row of zeros first: what the model adds by itself, and is taken away again.
      const directions = new Float32Array((end - first + 1) * d);
      const scales = new Float32Array(end - first + 1);
      for (let feature = first; feature < end; feature++) {
        const row = feature - first + 1;
        for (let j = 0; j < d; j++) directions[row * d + j] = rows[feature * d + j]! * LENGTH;
        scales[row] = scaleOf(decoder.subarray(feature * d, (feature + 1) * d), norm) / SHRINKING;
      }
      const outputs = await session.run({
        ...endFeeds(session, directions, d),
        scales: new Tensor('float32', scales, [end - first + 1, 1]),
      });
      const put = (name: string, target: Int32Array | Float32Array, width: number) => {
        const data = outputs[name]?.data;
        if (!(data instanceof Float32Array || data instanceof Int32Array)) {
          throw new AppError('internal', 'The engine gave no logit effects.');
        }
        target.set(data.subarray(width), first * width); // the first row is that of the zeros
      };
      put('topTokens', result.topTokens, count);
      put('topEffects', result.topEffects, count);
      put('bottomTokens', result.bottomTokens, count);
      put('bottomEffects', result.bottomEffects, count);
      put('entropies', result.entropies, 1);
      onWork?.({ stage: 'Computing effects on the logits', done: end, total: size, unit: 'features' });
    }
  } finally {
    await session.release();
  }
  return result;
}

/** What the end of the model does to the length of a direction. */
type FinalNorm = 'centring' | 'scaling' | 'none';

/** What the norm divided a unit direction by, less LENGTH: the length, in the norm's sense, of the decoder row itself. */
function scaleOf(row: Float32Array, norm: FinalNorm): number {
  let [sum, squares] = [0, 0];
  for (const value of row) [sum, squares] = [sum + value, squares + value * value];
  if (norm === 'none') return Math.sqrt(squares) / LENGTH;
  const mean = norm === 'centring' ? sum / row.length : 0;
  return Math.sqrt(Math.max(0, squares / row.length - mean * mean));
}

/** The model from the end of its last block on, fed with `directions` `[batch, time, hiddenSize]`. */
function buildEnd(model: Model, graph: GraphBuilder) {
  const last = `blocks.${model.config.layers - 1}.hook_resid_post`;
  return model.buildInto(graph, {
    cache: false,
    onSite: (site, value) => (site === last ? graph.input('directions', 'float32', value.shape) : value),
  });
}

/** The sizes of axes may be read off the tokens even where nothing else of them is needed. */
function endFeeds({ inputNames }: Session, directions: Float32Array, width: number): Record<string, Tensor> {
  const rows = directions.length / width;
  return {
    directions: new Tensor('float32', directions, [1, rows, width]),
    ...(inputNames.includes('input_ids') ? { input_ids: new Tensor('int64', new BigInt64Array(rows), [1, rows]) } : {}),
  };
}

/** Tells by four directions how the end of the model scales: zeros, ones, a random one and its double. */
async function probeFinalNorm(model: Model, runtime: Runtime): Promise<FinalNorm> {
  const graph = new GraphBuilder('finalNorm');
  graph.output(buildEnd(model, graph).hidden, 'hidden');
  const session = await runtime.createSession(graph.toBytes(), { weightsFolder: model.weightsFolder });
  try {
    const { hiddenSize } = model.config;
    const random = new Random(1);
    const normals = Float32Array.from({ length: hiddenSize }, () => random.normal() * LENGTH);
    const directions = new Float32Array(4 * hiddenSize);
    directions.fill(LENGTH, hiddenSize, 2 * hiddenSize);
    directions.set(normals, 2 * hiddenSize);
    directions.set(
      normals.map((value) => 2 * value),
      3 * hiddenSize,
    );
    const { hidden } = await session.run(endFeeds(session, directions, hiddenSize));
    if (!(hidden?.data instanceof Float32Array)) throw new AppError('internal', 'The engine gave no hidden states.');
    const { data } = hidden;
    const width = data.length / 4;
    const distance = (a: number, b: number) => {
      let squares = 0;
      for (let j = 0; j < width; j++) squares += (data[a * width + j]! - data[b * width + j]!) ** 2;
      return Math.sqrt(squares);
    };
    const effect = distance(2, 0);
    if (distance(3, 2) > 0.5 * effect) return 'none';
    return distance(1, 0) < 1e-3 * effect ? 'centring' : 'scaling';
  } finally {
    await session.release();
  }
}

/** Inputs: directions `[1, rows, d]`, of which the first is zero, scales `[rows, 1]`. Outputs have a row for each. */
function effectGraph(model: Model, count: number): Uint8Array {
  const graph = new GraphBuilder('logitEffects');
  const body = buildEnd(model, graph);
  const { vocabularySize } = model.config;
  const lessFirst = (x: typeof body.hidden) => op.sub(x, op.slice(x, 1, 0, 1, 1));
  const logits = lessFirst(body.logits(op.mul(lessFirst(body.hidden), SHRINKING)));
  const scales = graph.input('scales', 'float32', ['time', 1]);
  const effects = op.mul(op.reshape(logits, ['time', vocabularySize]), scales);
  const centred = op.sub(effects, op.reduceMean(effects, [-1]));
  const top = op.topK(centred, count);
  const bottom = op.topK(centred, count, { largest: false });
  graph.output(op.cast(top.indices, 'int32'), 'topTokens');
  graph.output(top.values, 'topEffects');
  graph.output(op.cast(bottom.indices, 'int32'), 'bottomTokens');
  graph.output(bottom.values, 'bottomEffects');
  // −Σ p ln p = ln S − (Σ e² ln e²) / S, S = Σ e²; relative to the largest e², so that nothing overflows.
  const largest = op.max(op.reduceMax(op.abs(centred), [-1]), 1e-30);
  const squares = op.pow(op.div(centred, largest), 2);
  const sum = op.max(op.reduceSum(squares, [-1]), 1e-30);
  const weighted = op.reduceSum(op.mul(squares, op.log(op.max(squares, 1e-30))), [-1]);
  graph.output(op.sub(op.log(sum), op.div(weighted, sum)), 'entropies');
  return graph.toBytes();
}

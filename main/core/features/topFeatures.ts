// Which features of a dictionary fire on a text, the strongest first. The position of the BOS token is left out, as in
// training: what stands there is unlike everything else.
import { Tensor } from 'onnxruntime-common';
import { AppError } from '../../contract/base/errors.ts';
import type { OnWork } from '../../contract/base/progress.ts';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import { dictionaryFeeds, encodeFeatures } from '../dictionaries/encoderGraph.ts';
import { rowsPerRun } from '../dictionaries/evaluate.ts';
import type { Model } from '../models/model.ts';
import { findSite } from '../models/sites.ts';
import { buildVariant } from '../models/variant.ts';
import { GraphBuilder } from '../onnx/graph.ts';
import type { Runtime } from '../onnx/runtime.ts';

export interface FeatureFiring {
  readonly feature: number;
  /** The largest activation, and the position in the text where it is. */
  readonly max: number;
  readonly position: number;
  /** The mean over all positions of the text, those where it is silent included. */
  readonly mean: number;
  /** On how many positions it fires. */
  readonly firings: number;
}

export interface TopFeatures {
  /** The text's tokens as they read, BOS left out. */
  readonly tokens: readonly string[];
  /** By `max`, falling. */
  readonly features: readonly FeatureFiring[];
  /** How many features fire at all. */
  readonly firing: number;
}

export interface TopFeaturesOptions {
  readonly runtime: Runtime;
  readonly model: Model;
  readonly dictionary: Dictionary;
  readonly text: string;
  /** How many features at most. */
  readonly count: number;
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}

/** A text longer than this is read in pieces of as many tokens, each opened as the tokenizer opens a text. */
const LONGEST_PIECE = 512;

/** @throws AppError `empty` for a text without tokens, `mismatch` when the dictionary is another model's. */
export async function topFeatures(options: TopFeaturesOptions): Promise<TopFeatures> {
  const { runtime, model, dictionary, text, count, signal, onWork } = options;
  await checkBelongs(dictionary, model);
  const tokenizer = await model.tokenizer();
  const ids = tokenizer.encode(text);
  if (ids.length === 0) throw new AppError('empty', 'The text is empty: no feature can fire on it.');

  const opening = tokenizer.opening;
  const longest = Math.min(LONGEST_PIECE, model.config.contextLength) - opening.length;
  const strongest = new Strongest(dictionary.size);
  const siteSession = await runtime.createSession(buildVariant(model, { taps: [dictionary.site] }), {
    weightsFolder: model.weightsFolder,
  });
  const encoderSession = await runtime.createSession(encoderGraph(dictionary));
  const feeds = dictionaryFeeds(dictionary, { arrays: 'inputs' });
  try {
    for (let first = 0; first < ids.length; first += longest) {
      const piece = [...opening, ...ids.slice(first, first + longest)];
      const input = new Tensor('int64', BigInt64Array.from(piece, BigInt), [1, piece.length]);
      const rows = floats((await siteSession.run({ input_ids: input }))[dictionary.site]);
      const perRun = rowsPerRun(dictionary.size);
      for (let row = opening.length; row < piece.length; row += perRun) {
        signal?.throwIfAborted();
        const end = Math.min(piece.length, row + perRun);
        const x = new Tensor('float32', rows.slice(row * dictionary.d, end * dictionary.d), [end - row, dictionary.d]);
        const { activations } = await encoderSession.run({ ...feeds, x });
        strongest.take(floats(activations), first + row - opening.length);
        onWork?.({ stage: 'Encoding', done: first + end - opening.length, total: ids.length, unit: 'tokens' });
      }
    }
  } finally {
    await siteSession.release();
    await encoderSession.release();
  }
  return { tokens: ids.map((id) => tokenizer.tokenText(id)), ...strongest.result(count, ids.length) };
}

async function checkBelongs(dictionary: Dictionary, model: Model): Promise<void> {
  const { width } = findSite(model.sites, dictionary.site);
  const isSameModel = dictionary.modelHash === '' || dictionary.modelHash === (await model.hash());
  if (width === dictionary.d && isSameModel) return;
  throw new AppError(
    'mismatch',
    isSameModel
      ? `The dictionary takes ${dictionary.d} numbers, but ${dictionary.site} of ${model.folder} has ${width}.`
      : `The dictionary of ${dictionary.site} was trained on another model than ${model.folder}.`,
  );
}

/** x `[rows, d]` → activations `[rows, size]`. */
function encoderGraph(dictionary: Dictionary): Uint8Array {
  const graph = new GraphBuilder('encoder');
  const x = graph.input('x', 'float32', ['rows', dictionary.d]);
  graph.output(encodeFeatures(x, dictionary, { arrays: 'inputs' }), 'activations');
  return graph.toBytes();
}

function floats(tensor: Tensor | undefined): Float32Array {
  if (tensor?.data instanceof Float32Array) return tensor.data;
  throw new AppError('internal', 'The engine gave no activations.');
}

/** Gathers, over all positions, each feature's strongest, mean and count. */
class Strongest {
  readonly #max: Float32Array;
  readonly #position: Int32Array;
  readonly #sum: Float64Array;
  readonly #firings: Int32Array;

  constructor(size: number) {
    this.#max = new Float32Array(size);
    this.#position = new Int32Array(size);
    this.#sum = new Float64Array(size);
    this.#firings = new Int32Array(size);
  }

  /** @param activations `[positions, size]`, of the positions from `first` on. */
  take(activations: Float32Array, first: number): void {
    const size = this.#max.length;
    for (let at = 0; at < activations.length; at++) {
      const value = activations[at]!;
      if (!(value > 0)) continue;
      const feature = at % size;
      this.#sum[feature]! += value;
      this.#firings[feature]! += 1;
      if (value <= this.#max[feature]!) continue;
      this.#max[feature] = value;
      this.#position[feature] = first + Math.floor(at / size);
    }
  }

  result(count: number, positions: number): Pick<TopFeatures, 'features' | 'firing'> {
    const fired = Array.from(this.#max.keys()).filter((feature) => this.#firings[feature]! > 0);
    const features = fired
      .sort((a, b) => this.#max[b]! - this.#max[a]! || a - b)
      .slice(0, count)
      .map((feature) => ({
        feature,
        max: this.#max[feature]!,
        position: this.#position[feature]!,
        mean: this.#sum[feature]! / positions,
        firings: this.#firings[feature]!,
      }));
    return { features, firing: fired.length };
  }
}

// Which features fire where in a text that a person types: token by token, all of them at once. What opens
// a text, commonly a BOS, is read but not shown, as in training; a text longer than the model's context is read in pieces, each
// opened so, and says so.
import { Tensor } from 'onnxruntime-common';
import { AppError } from '../../contract/base/errors.ts';
import type { TextActivations, TextFeature, TokenFiring } from '../../contract/domain/textActivations.ts';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import { checkFeatures } from '../dictionaries/encoderGraph.ts';
import type { Model } from '../models/model.ts';
import { findSite } from '../models/sites.ts';
import type { Tokenizer } from '../models/tokenizer.ts';
import { buildVariant } from '../models/variant.ts';
import type { Runtime, Session } from '../onnx/runtime.ts';
import { FeatureEncoder, Firings } from './featureEncoder.ts';

/** A text longer than this is read in pieces, also where the model's contexts are longer. */
const LONGEST_PIECE = 512;

export interface ReadOptions {
  /** Features per token and in all; 8 and 32 by default. */
  readonly perToken?: number | undefined;
  readonly count?: number | undefined;
  /** Features whose activations on every token are wanted. */
  readonly features?: readonly number[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A model and a dictionary made ready to read texts; whoever opens one releases it. */
export class TextReader {
  readonly #model: Model;
  readonly #dictionary: Dictionary;
  readonly #tokenizer: Tokenizer;
  readonly #session: Session;
  readonly #encoder: FeatureEncoder;

  private constructor(
    model: Model,
    dictionary: Dictionary,
    tokenizer: Tokenizer,
    session: Session,
    encoder: FeatureEncoder,
  ) {
    this.#model = model;
    this.#dictionary = dictionary;
    this.#tokenizer = tokenizer;
    this.#session = session;
    this.#encoder = encoder;
  }

  /** @throws AppError `mismatch` when the dictionary is another model's, `not-found` without a tokenizer. */
  static async open(runtime: Runtime, model: Model, dictionary: Dictionary): Promise<TextReader> {
    const { width } = findSite(model.sites, dictionary.site);
    const isSameModel = dictionary.modelHash === '' || dictionary.modelHash === (await model.hash());
    if (width !== dictionary.d || !isSameModel) {
      throw new AppError(
        'mismatch',
        `The dictionary of ${dictionary.site} was trained on another model than ${model.folder}.`,
      );
    }
    const tokenizer = await model.tokenizer();
    const session = await runtime.createSession(buildVariant(model, { taps: [dictionary.site] }), {
      weightsFolder: model.weightsFolder,
    });
    return new TextReader(model, dictionary, tokenizer, session, await FeatureEncoder.open(runtime, dictionary));
  }

  /** @throws AppError `empty` for a text without tokens, `usage` for a feature that there is not, `cancelled`. */
  async read(text: string, options: ReadOptions = {}): Promise<TextActivations> {
    const { perToken = 8, count = 32, features = [], signal } = options;
    checkFeatures(this.#dictionary, features);
    const ids = this.#tokenizer.encode(text);
    if (ids.length === 0) throw new AppError('empty', 'The text is empty: no feature can fire on it.');
    const firings = new Firings();
    const pieces = await this.#fire(ids, firings, signal);
    const { offsets, rows, values } = firings.byFeature(this.#dictionary.size);
    const wanted = new Map(features.map((feature) => [feature, new Array<number>(ids.length).fill(0)]));
    const byToken: TokenFiring[][] = ids.map(() => []);
    const all: TextFeature[] = [];
    for (let feature = 0; feature < this.#dictionary.size; feature++) {
      const [from, end] = [offsets[feature]!, offsets[feature + 1]!];
      if (from === end) continue;
      let [peak, sum] = [from, 0];
      for (let entry = from; entry < end; entry++) {
        const activation = values[entry]!;
        if (activation > values[peak]!) peak = entry;
        sum += activation;
        byToken[rows[entry]!]!.push({ feature, activation });
      }
      all.push({ feature, max: values[peak]!, position: rows[peak]!, firings: end - from, mean: sum / (end - from) });
      const line = wanted.get(feature);
      if (line) for (let entry = from; entry < end; entry++) line[rows[entry]!] = values[entry]!;
    }
    return {
      tokens: ids.map((id) => this.#tokenizer.tokenText(id)),
      pieces,
      firing: byToken.map((firing) =>
        [...firing].sort((a, b) => b.activation - a.activation || a.feature - b.feature).slice(0, perToken),
      ),
      firingCounts: byToken.map((firing) => firing.length),
      features: [...all].sort((a, b) => b.max - a.max || a.feature - b.feature).slice(0, count),
      featureCount: all.length,
      activations: [...wanted].map(([feature, line]) => ({ feature, values: line })),
    };
  }

  /** @returns where the pieces begin. */
  async #fire(ids: readonly number[], firings: Firings, signal: AbortSignal | undefined): Promise<number[]> {
    const { d, site } = this.#dictionary;
    const opening = this.#tokenizer.opening;
    const longest = Math.min(LONGEST_PIECE, this.#model.config.contextLength) - opening.length;
    const none = new Uint8Array(ids.length);
    const pieces: number[] = [];
    for (let first = 0; first < ids.length; first += longest) {
      pieces.push(first);
      const piece = [...opening, ...ids.slice(first, first + longest)];
      const input = new Tensor('int64', BigInt64Array.from(piece, BigInt), [1, piece.length]);
      const rows = (await this.#session.run({ input_ids: input }))[site]?.data;
      if (!(rows instanceof Float32Array)) throw new AppError('internal', 'The engine gave no activations.');
      for (let row = opening.length; row < piece.length; row += this.#encoder.positionsPerRun) {
        signal?.throwIfAborted();
        const end = Math.min(piece.length, row + this.#encoder.positionsPerRun);
        const activations = await this.#encoder.encode(rows.slice(row * d, end * d));
        firings.add(activations, end - row, first + row - opening.length, none);
      }
    }
    return pieces;
  }

  async release(): Promise<void> {
    await this.#session.release();
    await this.#encoder.release();
  }
}

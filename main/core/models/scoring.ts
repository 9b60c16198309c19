// How well a model (with or without patches) predicts given text: −log p of every next token, in nats, computed inside the
// graph. Contexts go through in batches whose logits fit a bounded piece of memory.
import type { Tensor } from 'onnxruntime-common';
import { AppError } from '../../contract/base/errors.ts';
import type { OnWork } from '../../contract/base/progress.ts';
import type { Runtime, Session } from '../onnx/runtime.ts';
import type { Model } from './model.ts';
import { checkTokens } from './modelInput.ts';
import { tokenTensor } from './tokenBatch.ts';
import { buildVariant, type Patch } from './variant.ts';

/** Logits of one batch. Larger batches are no faster on the CPU, and on a GPU this is thousands of tokens. */
const LOGIT_BYTES_PER_BATCH = 256 << 20;
const MAX_TOKENS_PER_BATCH = 8192;

export interface ScorerOptions {
  readonly patches?: readonly Patch[];
}

export interface ScoreOptions {
  /** For inputs that the patches declared. */
  readonly feeds?: Readonly<Record<string, Tensor>>;
  /** Where patches compute more per token than logits are: at most so many tokens at once, though at least one context. */
  readonly maxTokensPerBatch?: number;
  /** Of a mean: predictions of this token are left out. A BOS in a packed context is no text, and nothing tells that it comes. */
  readonly unscored?: number | null;
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}

export interface MeanLoss {
  /** Nats per predicted token. */
  readonly loss: number;
  /** How many tokens were predicted: all but the first of each context, and `unscored` ones. */
  readonly tokens: number;
}

/** @throws AppError `unknown-site`, or what the engine says of the graph. */
export async function openScorer(
  model: Model,
  runtime: Runtime,
  { patches = [] }: ScorerOptions = {},
): Promise<Scorer> {
  const session = await runtime.createSession(buildVariant(model, { head: 'loss', patches }), {
    weightsFolder: model.weightsFolder,
  });
  return new Scorer(model, session);
}

export class Scorer {
  readonly #model: Model;
  readonly #session: Session;

  constructor(model: Model, session: Session) {
    this.#model = model;
    this.#session = session;
  }

  /**
   * @param contexts at least two tokens each, of any lengths.
   * @returns for each context its losses: entry t is −log p(token t+1 | tokens 0…t).
   */
  async losses(contexts: readonly ArrayLike<number>[], options: ScoreOptions = {}): Promise<Float32Array[]> {
    const all: Float32Array[] = [];
    for await (const { losses } of this.stream(contexts, options)) all.push(losses);
    return all;
  }

  /** Mean over all predicted tokens of all contexts, summed in double precision. @throws AppError `empty`. */
  async meanLoss(
    contexts: Iterable<ArrayLike<number>> | AsyncIterable<ArrayLike<number>>,
    options: ScoreOptions = {},
  ): Promise<MeanLoss> {
    let sum = 0;
    let tokens = 0;
    const { unscored = null } = options;
    for await (const { context, losses } of this.stream(contexts, options)) {
      for (const [position, loss] of losses.entries()) {
        if (context[position + 1] === unscored) continue;
        sum += loss;
        tokens++;
      }
      options.onWork?.({
        stage: 'Scoring',
        done: tokens,
        total: null,
        unit: 'tokens',
        figures: { loss: sum / tokens },
      });
    }
    if (tokens === 0) throw new AppError('empty', 'There is no text to score.');
    return { loss: sum / tokens, tokens };
  }

  /** The losses of each context, in order, as batches are computed. @throws AppError `usage`, `empty`, `cancelled`. */
  async *stream(
    contexts: Iterable<ArrayLike<number>> | AsyncIterable<ArrayLike<number>>,
    options: ScoreOptions = {},
  ): AsyncGenerator<{ readonly context: ArrayLike<number>; readonly losses: Float32Array }, void, undefined> {
    const { vocabularySize } = this.#model.config;
    const { maxTokensPerBatch = MAX_TOKENS_PER_BATCH } = options;
    const limit = Math.min(
      maxTokensPerBatch,
      MAX_TOKENS_PER_BATCH,
      Math.floor(LOGIT_BYTES_PER_BATCH / (4 * vocabularySize)),
    );
    let batch: ArrayLike<number>[] = [];
    let longest = 0;
    for await (const context of contexts) {
      if (context.length < 2) throw new AppError('empty', 'A context needs at least two tokens to be scored.');
      if (batch.length > 0 && Math.max(longest, context.length) * (batch.length + 1) > limit) {
        yield* this.#score(batch, options);
        batch = [];
        longest = 0;
      }
      batch.push(context);
      longest = Math.max(longest, context.length);
    }
    if (batch.length > 0) yield* this.#score(batch, options);
  }

  async *#score(
    batch: readonly ArrayLike<number>[],
    { feeds = {}, signal }: ScoreOptions,
  ): AsyncGenerator<{ readonly context: ArrayLike<number>; readonly losses: Float32Array }, void, undefined> {
    if (signal?.aborted) throw new AppError('cancelled', 'The scoring was cancelled.');
    checkTokens(this.#model.config, batch);
    const { loss } = await this.#session.run({ ...feeds, input_ids: tokenTensor(batch, 'right') });
    const width = loss?.dims[1];
    if (!(loss?.data instanceof Float32Array) || width === undefined) {
      throw new AppError('internal', 'The engine gave no losses.');
    }
    for (const [row, context] of batch.entries()) {
      yield { context, losses: loss.data.slice(row * width, row * width + context.length - 1) };
    }
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

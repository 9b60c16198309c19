// Continuations of many prompts that come and go, each with an edit of its own or none, computed as one batch (continuous
// batching, Yu et al. 2022): a new prompt joins between two steps. Then the texts so far are run once more, all of them, which
// costs less than the steps that it saves.
import type { Tensor } from 'onnxruntime-common';
import { AppError } from '../../contract/base/errors.ts';
import type { Edit } from '../../contract/domain/edit.ts';
import { InteractiveEdit, type Dictionaries, type DictionarySite } from '../edits/editPatches.ts';
import { notFinite, openGenerator, rowOf, type Forward, type Generator } from '../models/generate.ts';
import type { Model } from '../models/model.ts';
import { checkTokens } from '../models/modelInput.ts';
import { checkSampling, sampleToken, type SamplingOptions } from '../models/sampling.ts';
import { tokenTensor } from '../models/tokenBatch.ts';
import { buildVariant, type Patch } from '../models/variant.ts';
import { Random } from '../numerics/random.ts';
import type { Runtime, Session } from '../onnx/runtime.ts';
import { withoutOverflow } from './overflow.ts';

export interface SharedBatchOptions {
  readonly model: Model;
  readonly runtime: Runtime;
  /** By content hash: those of all places. */
  readonly dictionaries: Dictionaries;
  /** Where edits may act. */
  readonly places: readonly DictionarySite[];
}

export interface SharedRequest extends SamplingOptions {
  readonly edit: Edit;
  readonly prompt: readonly number[];
  readonly maxNewTokens: number;
  /** The same seed draws the same numbers. The logits depend in their last bits on what else is in the batch. */
  readonly seed?: number;
  /** By default the model's own. */
  readonly stopIds?: readonly number[];
  /** How many of the likeliest tokens are told with each; null: no probabilities are computed. */
  readonly alternatives: number | null;
  readonly signal?: AbortSignal;
  /** Told of each token as it is chosen; true ends the text with it. */
  readonly onToken: (token: SharedToken) => boolean;
}

export interface TokenProbability {
  readonly id: number;
  /** Natural logarithm, of the distribution before temperature. */
  readonly logProb: number;
}

export interface SharedToken extends TokenProbability {
  /** The likeliest tokens, the first first; empty where they were not asked for, and `logProb` is NaN then. */
  readonly alternatives: readonly TokenProbability[];
}

/** A token of a prompt; the first has nothing before it, and so no probability. */
export interface ScoredToken {
  readonly id: number;
  readonly logProb: number | null;
  readonly alternatives: readonly TokenProbability[];
}

/** Most that a prompt's tokens can be told with. */
export const MOST_ALTERNATIVES = 5;
/** More wait. */
const MOST_ROWS = 64;
/** Steps between two times that prompts join, for running all texts again costs a few: those that come meanwhile join together. */
const STEPS_BETWEEN_JOINS = 4;

interface Row extends SharedRequest {
  readonly ids: number[];
  readonly random: Random;
  left: number;
  readonly done: PromiseWithResolvers<'stop' | 'length'>;
}

export class SharedBatch {
  readonly model: Model;
  readonly #runtime: Runtime;
  readonly #interactive: InteractiveEdit;
  readonly #patches: readonly Patch[];
  #generator: Promise<Generator> | null = null;
  #scorer: Promise<Session> | null = null;
  readonly #waiting: Row[] = [];
  #isRunning = false;

  /** Opens nothing yet. @throws AppError `not-found` for a missing dictionary. */
  constructor({ model, runtime, dictionaries, places }: SharedBatchOptions) {
    this.model = model;
    this.#runtime = runtime;
    const { bosTokenId } = model.config;
    const abilities = { bosTokenId, perSample: true, promptLength: true, firstFiring: true };
    this.#interactive = new InteractiveEdit(places, dictionaries, abilities);
    this.#patches = this.#interactive.patches.map(withoutOverflow);
  }

  /**
   * Continues one prompt; `onToken` is told of every token.
   * @returns why it ended: a stop token or onToken's word, or the length asked for or possible.
   * @throws AppError `usage`, `empty`; `cancelled`; `diverged` when the edit makes the logits something else than numbers.
   */
  complete(request: SharedRequest): Promise<'stop' | 'length'> {
    const { prompt, maxNewTokens, seed = 0 } = request;
    checkTokens(this.model.config, [prompt]);
    checkSampling(request);
    const left = Math.min(maxNewTokens, this.model.config.contextLength - prompt.length);
    if (left <= 0) return Promise.resolve('length');
    const done = Promise.withResolvers<'stop' | 'length'>();
    this.#waiting.push({ ...request, ids: [...prompt], random: new Random(seed), left, done });
    void this.#run();
    return done.promise;
  }

  /** Every token of a prompt, with how likely it was where it stands. @throws AppError `usage`, `empty`, `diverged`. */
  async score(edit: Edit, prompt: readonly number[]): Promise<readonly ScoredToken[]> {
    checkTokens(this.model.config, [prompt]);
    const [first, ...rest] = prompt;
    if (first === undefined) return [];
    const start = { id: first, logProb: null, alternatives: [] };
    if (rest.length === 0) return [start];
    const session = await (this.#scorer ??= this.#runtime.createSession(
      buildVariant(this.model, {
        head: ['loss', 'everyTopTokens'],
        patches: this.#patches,
        topTokenCount: MOST_ALTERNATIVES,
      }),
      { weightsFolder: this.model.weightsFolder },
    ));
    const results = await session.run({
      ...this.#interactive.feeds([edit], { batch: 1, promptLengths: [prompt.length] }),
      input_ids: tokenTensor([prompt], 'right'),
    });
    const losses = numbersOf(results['loss']);
    const logProbs = numbersOf(results['every_top_log_probs']);
    const ids = results['every_top_ids']?.data as BigInt64Array;
    const count = logProbs.length / prompt.length;
    return [
      start,
      ...rest.map((id, position): ScoredToken => {
        const loss = losses[position]!;
        if (!Number.isFinite(loss)) throw notFinite(id);
        const alternatives = Array.from({ length: count }, (_, k) => ({
          id: Number(ids[position * count + k]),
          logProb: logProbs[position * count + k]!,
        }));
        return { id, logProb: -loss, alternatives };
      }),
    ];
  }

  async release(): Promise<void> {
    for (const row of this.#waiting.splice(0)) row.done.reject(new AppError('cancelled', 'The model was closed.'));
    const opened = await Promise.allSettled([this.#generator, this.#scorer]);
    this.#generator = null;
    this.#scorer = null;
    for (const each of opened) if (each.status === 'fulfilled') await each.value?.release();
  }

  /** Until nobody waits any more. */
  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    let rows: Row[] = [];
    let feeds: Record<string, Tensor> = {};
    let forward: Forward | null = null;
    let steps = 0; // since prompts joined
    try {
      for (;;) {
        endCancelled([...rows, ...this.#waiting]);
        const growing = rows.filter(({ left }) => left > 0);
        const mayJoin = growing.length === 0 || steps >= STEPS_BETWEEN_JOINS;
        const joining = this.#waiting.filter(({ left }) => mayJoin && left > 0).slice(0, MOST_ROWS - growing.length);
        if (growing.length + joining.length === 0) break;
        // Those that have ended keep their place until they are half of the batch, or somebody joins.
        if (joining.length > 0 || growing.length * 2 <= rows.length) {
          rows = [...growing, ...joining];
          this.#waiting.splice(0, this.#waiting.length, ...this.#waiting.filter((row) => !rows.includes(row)));
          feeds = this.#feeds(rows);
          forward?.dispose();
          forward = null;
          steps = 0;
        }
        steps++;
        forward ??= (await this.#open()).forward();
        const texts = rows.map(({ ids }) => ids);
        const logits = await forward.next(texts, feeds);
        for (const [index, row] of rows.entries()) takeToken(row, rowOf(logits, index), this.model.config.eosTokenIds);
        // Requests that came meanwhile are heard, and cancelled ones noticed.
        await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (thrown) {
      for (const row of [...rows, ...this.#waiting.splice(0)]) row.done.reject(thrown);
    } finally {
      forward?.dispose();
      this.#isRunning = false;
    }
    if (this.#waiting.length > 0) void this.#run();
  }

  #feeds(rows: readonly Row[]): Record<string, Tensor> {
    return this.#interactive.feeds(
      rows.map(({ edit }) => edit),
      { batch: rows.length, promptLengths: rows.map(({ prompt }) => prompt.length) },
    );
  }

  #open(): Promise<Generator> {
    return (this.#generator ??= openGenerator(this.model, this.#runtime, { patches: this.#patches }));
  }
}

function endCancelled(rows: readonly Row[]): void {
  for (const row of rows) {
    if (row.left <= 0 || !row.signal?.aborted) continue;
    row.left = 0;
    row.done.reject(new AppError('cancelled', 'The generation was cancelled.'));
  }
}

function takeToken(row: Row, logits: Float32Array, usualStops: readonly number[]): void {
  if (row.left <= 0) return; // it keeps its place in the batch, and what it gives is not looked at
  try {
    const id = sampleToken(logits, row, row.random);
    if (!Number.isFinite(logits[id])) throw notFinite(id);
    row.ids.push(id);
    const isStop = (row.stopIds ?? usualStops).includes(id);
    const told =
      row.alternatives === null ? { id, logProb: NaN, alternatives: [] } : probabilities(logits, id, row.alternatives);
    const isEnded = isStop || row.onToken(told);
    row.left = isEnded ? 0 : row.left - 1;
    if (row.left === 0) row.done.resolve(isEnded ? 'stop' : 'length');
  } catch (thrown) {
    row.left = 0;
    row.done.reject(thrown);
  }
}

/** log softmax in double precision, of one token and of the `count` likeliest. */
function probabilities(logits: Float32Array, id: number, count: number): SharedToken {
  let largest = -Infinity;
  for (const logit of logits) if (logit > largest) largest = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - largest);
  const normaliser = largest + Math.log(sum);
  const top: number[] = [];
  for (let each = 0; each < logits.length && count > 0; each++) {
    if (top.length === count && logits[each]! <= logits[top[count - 1]!]!) continue;
    const place = top.findIndex((known) => logits[known]! < logits[each]!);
    top.splice(place < 0 ? top.length : place, 0, each);
    if (top.length > count) top.pop();
  }
  const at = (each: number): TokenProbability => ({ id: each, logProb: logits[each]! - normaliser });
  return { ...at(id), alternatives: top.map(at) };
}

function numbersOf(tensor: Tensor | undefined): Float32Array {
  if (tensor?.data instanceof Float32Array) return tensor.data;
  throw new AppError('internal', 'The engine gave no probabilities.');
}

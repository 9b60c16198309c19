// A model under intervention: one set of sessions in which any edit at the prepared places can act, another with every run.
// So the original, the edit, its baselines and its doses are computed by the same graph, and differ by what is fed to it.
//
// Rows are batched by length within a bounded piece of memory. Each row's result is what the row would give alone: greedy
// tokens are the same, numbers agree to the rounding of float32.
import type { Tensor } from 'onnxruntime-common';
import { AppError } from '../../contract/base/errors.ts';
import { EMPTY_EDIT, type Edit } from '../../contract/domain/edit.ts';
import { InteractiveEdit, type Dictionaries, type DictionarySite } from '../edits/editPatches.ts';
import { openGenerator, type Generator } from '../models/generate.ts';
import type { Model } from '../models/model.ts';
import { checkTokens } from '../models/modelInput.ts';
import type { Head } from '../models/heads.ts';
import { int64Tensor, tokenTensor } from '../models/tokenBatch.ts';
import { buildVariant, type Patch } from '../models/variant.ts';
import * as op from '../onnx/ops.ts';
import type { Runtime, Session } from '../onnx/runtime.ts';

/** What is done to the model. */
export interface Intervention {
  readonly edit: Edit;
  /** The edit's deltas are multiplied by it; 1 when left out. */
  readonly strength?: number;
}

export const NO_INTERVENTION: Intervention = { edit: EMPTY_EDIT };

export interface IntervenableModelOptions {
  readonly model: Model;
  readonly runtime: Runtime;
  /** By content hash: those of all places. */
  readonly dictionaries: Dictionaries;
  /** Where edits may act. */
  readonly places: readonly DictionarySite[];
}

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch with the number of rows done so far. */
  readonly onRows?: ((done: number) => void) | undefined;
}

export interface GreedyOptions extends RunOptions {
  readonly maxNewTokens: number;
  /** By default the model's own. */
  readonly stopIds?: readonly number[];
}

export interface SampleOptions extends RunOptions {
  readonly maxNewTokens: number;
  readonly seed: number;
}

export interface Continuation {
  /** Without the stop token. */
  readonly ids: readonly number[];
  readonly end: 'stop' | 'length';
  /** The token that ended it; null where the length did. */
  readonly stopId: number | null;
}

/** Of the tokens after a text's prompt. */
export interface TokenScores {
  /** −log p in nats. */
  readonly losses: Float32Array;
  /** How many tokens are likelier; 0 where greedy decoding takes it. */
  readonly ranks: Float32Array;
}

/** Tokens to be read, the first `promptLength` of which count as the prompt for the scopes of edits. */
export interface Text {
  readonly ids: ArrayLike<number>;
  readonly promptLength: number;
}

/** What the model makes of a text; all of it by position t = 0 … length − 1. */
export interface Reading {
  /** −log p(token t+1 | tokens 0…t) in nats; one less than there are tokens. */
  readonly losses: Float32Array;
  /** The likeliest next token. */
  readonly likeliest: Int32Array;
  /** KL(p‖q) in nats of p, the next-token distribution of the model without any edit, and q, that of the patched one. */
  readonly kl: Float32Array;
  /** By site: ‖x' − x‖, how far the edit moved the activation there. */
  readonly shifts: ReadonlyMap<string, Float32Array>;
}

const LOGIT_BYTES = 128 << 20;
const CACHE_BYTES = 192 << 20;
const MOST_TOKENS = 8192;
const MOST_SEQUENCES = 128;

export class IntervenableModel {
  readonly model: Model;
  readonly places: readonly DictionarySite[];
  readonly #runtime: Runtime;
  readonly #interactive: InteractiveEdit;
  #generator: Promise<Generator> | null = null;
  #scorer: Promise<Session> | null = null;
  #reader: Promise<Session> | null = null;
  #ranker: Promise<Session> | null = null;

  /** Opens nothing yet: each session is made when it is first needed. @throws AppError `not-found` for a missing dictionary. */
  constructor({ model, runtime, dictionaries, places }: IntervenableModelOptions) {
    this.model = model;
    this.places = places;
    this.#runtime = runtime;
    this.#interactive = new InteractiveEdit(places, dictionaries, {
      bosTokenId: model.config.bosTokenId,
      promptLength: true,
      firstFiring: true,
    });
  }

  /**
   * Greedy continuations, in the order of the prompts.
   * @throws AppError `usage` for a prompt longer than the model's context, `diverged`, `cancelled`.
   */
  async greedy(
    intervention: Intervention,
    prompts: readonly (readonly number[])[],
    options: GreedyOptions,
  ): Promise<Continuation[]> {
    return this.#generate(intervention, prompts, options, {});
  }

  /** Continuations of the model without any edit, sampled at temperature 1. The same prompts and seed give the same ones. */
  async sample(prompts: readonly (readonly number[])[], { seed, ...options }: SampleOptions): Promise<Continuation[]> {
    return this.#generate(NO_INTERVENTION, prompts, options, { temperature: 1, seed });
  }

  async #generate(
    intervention: Intervention,
    prompts: readonly (readonly number[])[],
    { maxNewTokens, stopIds = this.model.config.eosTokenIds, signal, onRows }: GreedyOptions,
    sampling: { readonly temperature?: number; readonly seed?: number },
  ): Promise<Continuation[]> {
    const { layers, keyValueHeads, headDim, vocabularySize } = this.model.config;
    const generator = await (this.#generator ??= openGenerator(this.model, this.#runtime, {
      patches: this.#interactive.patches,
    }));
    const cacheBytes = (length: number) => 2 * 2 * 4 * layers * keyValueHeads * headDim * (length + maxNewTokens);
    const fits = (longest: number, rows: number) =>
      rows <= MOST_SEQUENCES &&
      rows * cacheBytes(longest) <= CACHE_BYTES &&
      rows * 4 * vocabularySize <= LOGIT_BYTES &&
      rows * longest <= MOST_TOKENS;
    const results = new Array<Continuation>(prompts.length);
    let done = 0;
    for (const batch of batchesByLength(prompts, fits)) {
      const rows = batch.map((index) => prompts[index] ?? []);
      const ids = rows.map((): number[] => []);
      const stops = rows.map((): number | null => null);
      const feeds = this.#feeds(
        intervention,
        rows.map(({ length }) => length),
      );
      const options = { ...sampling, maxNewTokens, stopIds, feeds, ...(signal ? { signal } : {}) };
      for await (const { sequence, id, end } of generator.generate(rows, options)) {
        if (end === 'stop') stops[sequence] = id;
        else ids[sequence]?.push(id);
      }
      for (const [row, index] of batch.entries()) {
        const stopId = stops[row] ?? null;
        results[index] = { ids: ids[row] ?? [], end: stopId === null ? 'length' : 'stop', stopId };
      }
      done += batch.length;
      onRows?.(done);
    }
    return results;
  }

  /**
   * log p of each token of a text after its prompt, given all before it, in nats.
   * @throws AppError `diverged` when they are not finite, `usage` for a text longer than the model's context.
   */
  async logProbabilities(
    intervention: Intervention,
    texts: readonly Text[],
    options: RunOptions = {},
  ): Promise<number[][]> {
    const session = await this.#openScorer();
    const results = new Array<number[]>(texts.length);
    await this.#run(session, intervention, texts, 1, options, (index, row, outputs) => {
      const { ids, promptLength } = text(texts, index);
      const losses = rowOf(outputs['loss'], row).subarray(Math.max(promptLength - 1, 0), ids.length - 1);
      results[index] = Array.from(losses, (loss) => -checkFinite(loss));
    });
    return results;
  }

  /**
   * Loss and rank of each token of a text after its prompt, under the model without any edit.
   * @throws AppError `diverged`, `usage` for a text longer than the model's context, `cancelled`.
   */
  async scoresOfBase(texts: readonly Text[], { signal, onRows }: RunOptions = {}): Promise<TokenScores[]> {
    const session = await (this.#ranker ??= this.#open(['chosenLogProbs', 'chosenRanks'], []));
    const most = Math.min(MOST_TOKENS, Math.floor(LOGIT_BYTES / (4 * this.model.config.vocabularySize * 3)));
    const results = new Array<TokenScores>(texts.length);
    let done = 0;
    const rows = texts.map(({ ids }) => ids);
    for (const batch of batchesByLength(rows, (longest, count) => longest * count <= most)) {
      if (signal?.aborted) throw new AppError('cancelled', 'The evaluation was cancelled.');
      const inputs = batch.map((index) => text(texts, index).ids);
      checkTokens(this.model.config, inputs);
      const places = batch.map((index) => {
        const { ids, promptLength } = text(texts, index);
        return Array.from({ length: ids.length - promptLength }, (_, at) => promptLength + at);
      });
      const scored = places.flatMap((positions, row) =>
        positions.map((position) => ({ row, position: position - 1, target: inputs[row]?.[position] ?? -1 })),
      );
      const outputs = await session.run({
        input_ids: tokenTensor(inputs, 'right'),
        scored_positions: int64Tensor(
          scored.flatMap(({ row, position }) => [row, position]),
          [scored.length, 2],
        ),
        scored_targets: int64Tensor(
          scored.map(({ target }) => target),
          [scored.length, 1],
        ),
      });
      const [logProbs, ranks] = [outputs['chosen_log_probs']?.data, outputs['chosen_ranks']?.data];
      if (!(logProbs instanceof Float32Array) || !(ranks instanceof Float32Array)) throw noOutput();
      let from = 0;
      for (const [row, index] of batch.entries()) {
        const end = from + (places[row]?.length ?? 0);
        results[index] = {
          losses: logProbs.slice(from, end).map((value) => -checkFinite(value)),
          ranks: ranks.slice(from, end),
        };
        from = end;
      }
      done += batch.length;
      onRows?.(done);
    }
    return results;
  }

  /** What the model without any edit makes of texts. At half the cost of `read`: there is no KL to compute. */
  async readUntreated(texts: readonly Text[], options: RunOptions = {}): Promise<Reading[]> {
    const session = await this.#openScorer();
    const results = new Array<Reading>(texts.length);
    await this.#run(session, NO_INTERVENTION, texts, 2, options, (index, row, outputs) => {
      const { length } = text(texts, index).ids;
      results[index] = {
        losses: rowOf(outputs['loss'], row)
          .slice(0, length - 1)
          .map(checkFinite),
        likeliest: int32RowOf(outputs['argmax'], row, length),
        kl: new Float32Array(length),
        shifts: new Map(this.patches.map(({ site }) => [site, new Float32Array(length)])),
      };
    });
    return results;
  }

  /** @throws AppError `diverged`, `usage`, `cancelled`. */
  async read(intervention: Intervention, texts: readonly Text[], options: RunOptions = {}): Promise<Reading[]> {
    const { patches } = this.#interactive;
    const session = await (this.#reader ??= this.#open(['loss', 'argmax', 'kl'], patches.map(withShift)));
    const results = new Array<Reading>(texts.length);
    await this.#run(session, intervention, texts, 4, options, (index, row, outputs) => {
      const { length } = text(texts, index).ids;
      const losses = rowOf(outputs['loss'], row).slice(0, length - 1);
      const kl = rowOf(outputs['kl'], row).slice(0, length);
      losses.forEach(checkFinite);
      kl.forEach(checkFinite);
      results[index] = {
        losses,
        kl,
        likeliest: int32RowOf(outputs['argmax'], row, length),
        // A normalisation after the site can hide an activation whose square is beyond float32.
        shifts: new Map(
          patches.map(({ site }) => [site, rowOf(outputs[shiftName(site)], row).slice(0, length).map(checkFinite)]),
        ),
      };
    });
    return results;
  }

  async release(): Promise<void> {
    const sessions = [this.#generator, this.#scorer, this.#reader, this.#ranker];
    [this.#generator, this.#scorer, this.#reader, this.#ranker] = [null, null, null, null];
    for (const session of sessions) {
      const opened = await session?.catch(() => null); // whoever asked for it has seen the error
      await opened?.release();
    }
  }

  /** For sessions of other graphs with the same patches. */
  get patches(): readonly Patch[] {
    return this.#interactive.patches;
  }

  /** @param promptLengths of each row of a batch. */
  feeds(intervention: Intervention, promptLengths: readonly number[]): Record<string, Tensor> {
    return this.#feeds(intervention, promptLengths);
  }

  #feeds({ edit, strength = 1 }: Intervention, promptLengths: readonly number[]): Record<string, Tensor> {
    if (!Number.isFinite(strength))
      throw new AppError('usage', `The strength of an edit must be finite, not ${strength}.`);
    return this.#interactive.feeds(edit, { batch: promptLengths.length, promptLengths, strength });
  }

  #openScorer(): Promise<Session> {
    return (this.#scorer ??= this.#open(['loss', 'argmax'], this.patches));
  }

  #open(head: readonly Head[], patches: readonly Patch[]): Promise<Session> {
    const { weightsFolder } = this.model;
    return this.#runtime.createSession(buildVariant(this.model, { head, patches }), { weightsFolder });
  }

  async #run(
    session: Session,
    intervention: Intervention,
    texts: readonly Text[],
    logitArrays: number,
    { signal, onRows }: RunOptions,
    take: (index: number, row: number, outputs: Readonly<Record<string, Tensor>>) => void,
  ): Promise<void> {
    for (const { ids } of texts) {
      if (ids.length < 2) throw new AppError('empty', 'A text needs at least two tokens to be scored.');
    }
    const { vocabularySize } = this.model.config;
    const most = Math.min(MOST_TOKENS, Math.floor(LOGIT_BYTES / (4 * vocabularySize * logitArrays)));
    let done = 0;
    const rows = texts.map(({ ids }) => ids);
    for (const batch of batchesByLength(rows, (longest, count) => longest * count <= most)) {
      if (signal?.aborted) throw new AppError('cancelled', 'The evaluation was cancelled.');
      const batchTexts = batch.map((index) => text(texts, index));
      const batchRows = batchTexts.map(({ ids }) => ids);
      checkTokens(this.model.config, batchRows);
      const promptLengths = batchTexts.map(({ promptLength }) => promptLength);
      const outputs = await session.run({
        ...this.#feeds(intervention, promptLengths),
        input_ids: tokenTensor(batchRows, 'right'),
      });
      for (const [row, index] of batch.entries()) take(index, row, outputs);
      done += batch.length;
      onRows?.(done);
    }
  }
}

/** Indices of rows, those of like length together; every batch `fits` or is a single row. */
function batchesByLength(
  rows: readonly ArrayLike<number>[],
  fits: (longest: number, count: number) => boolean,
): number[][] {
  const lengthOf = (index: number) => rows[index]?.length ?? 0;
  const order = [...rows.keys()].sort((a, b) => lengthOf(a) - lengthOf(b) || a - b);
  const batches: number[][] = [];
  for (const index of order) {
    const open = batches.at(-1);
    if (open && fits(lengthOf(index), open.length + 1)) open.push(index);
    else batches.push([index]);
  }
  return batches;
}

function shiftName(site: string): string {
  return `shift.${site}`;
}

/** The same patch, in a graph that also tells how far it moved the activation: `[batch, time]`. */
function withShift(patch: Patch): Patch {
  return {
    ...patch,
    apply: (x) => {
      const patched = patch.apply(x);
      const inner = [...x.shape.keys()].slice(2);
      x.graph.output(op.reduceL2(op.sub(patched, x), inner, { keepDims: false }), shiftName(patch.site));
      return patched;
    },
  };
}

function text(texts: readonly Text[], index: number): Text {
  const found = texts[index];
  if (!found) throw new AppError('internal', `There is no text ${index}.`);
  return found;
}

function rowOf(tensor: Tensor | undefined, row: number): Float32Array {
  const width = tensor?.dims[1];
  if (!(tensor?.data instanceof Float32Array) || width === undefined) throw noOutput();
  return tensor.data.subarray(row * width, (row + 1) * width);
}

function int32RowOf(tensor: Tensor | undefined, row: number, length: number): Int32Array {
  const width = tensor?.dims[1];
  if (!(tensor?.data instanceof BigInt64Array) || width === undefined) throw noOutput();
  return Int32Array.from(tensor.data.subarray(row * width, row * width + length), Number);
}

function noOutput(): AppError {
  return new AppError('internal', 'The engine gave no figures for a text.');
}

function checkFinite(value: number): number {
  if (Number.isFinite(value)) return value;
  throw new AppError(
    'diverged',
    'With this edit the model gives numbers that are not finite: an amount in it is too large for the model.',
  );
}

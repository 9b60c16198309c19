// Streamed generation: a batch of prompts of any lengths, one token per sequence and step, with a key-value cache (or, to
// check it, without). Patches act on prompt and generated tokens alike.
import { Tensor } from 'onnxruntime-common';
import { AppError } from '../../contract/base/errors.ts';
import { Random } from '../numerics/random.ts';
import type { Runtime, Session } from '../onnx/runtime.ts';
import type { Model } from './model.ts';
import { pastKeyName, pastValueName, presentKeyName, presentValueName } from './modelGraph.ts';
import { checkTokens } from './modelInput.ts';
import { checkSampling, sampleToken, type SamplingOptions } from './sampling.ts';
import { int64Tensor, tokenTensor } from './tokenBatch.ts';
import { buildVariant, type Patch, type PatchState } from './variant.ts';

export interface GeneratorOptions {
  readonly patches?: readonly Patch[];
  /** Without it every step runs the whole text again: slow, and what the cache is checked against. */
  readonly cache?: boolean;
}

export interface GenerationOptions extends SamplingOptions {
  readonly maxNewTokens: number;
  /** Each sequence draws from its own stream, so that a batch's size does not change what one prompt gives. */
  readonly seed?: number;
  /** By default the model's own; [] never stops early. */
  readonly stopIds?: readonly number[];
  /** For inputs that the patches declared; for their states, what they are before the first token. */
  readonly feeds?: Readonly<Record<string, Tensor>>;
  readonly signal?: AbortSignal;
}

export interface GeneratedToken {
  /** Index of the prompt it continues. */
  readonly sequence: number;
  readonly id: number;
  /** Why this is the last token of its sequence: a stop token, or the length asked for or possible; null: it goes on. */
  readonly end: 'stop' | 'length' | null;
}

/** @throws AppError `unknown-site`, or what the engine says of the graph. */
export async function openGenerator(
  model: Model,
  runtime: Runtime,
  { patches = [], cache = true }: GeneratorOptions = {},
): Promise<Generator> {
  const session = await runtime.createSession(buildVariant(model, { head: 'lastLogits', patches, cache }), {
    weightsFolder: model.weightsFolder,
    residentOutputs: cache ? cacheNames(model).map(({ present }) => present) : [],
  });
  return new Generator(model, session, cache ? patches.flatMap(({ states = [] }) => states) : null);
}

export class Generator {
  readonly #model: Model;
  readonly #session: Session;
  /** Of the patches; null when the session has no cache. */
  readonly #states: readonly PatchState[] | null;

  constructor(model: Model, session: Session, states: readonly PatchState[] | null) {
    this.#model = model;
    this.#session = session;
    this.#states = states;
  }

  /**
   * @param prompts token ids, at least one each.
   * @throws AppError `usage`, `empty`, `cancelled`; `diverged` when the logits are no finite numbers, as a patch of extreme
   * size makes them.
   */
  async *generate(
    prompts: readonly ArrayLike<number>[],
    options: GenerationOptions,
  ): AsyncGenerator<GeneratedToken, void, undefined> {
    const { config } = this.#model;
    const { maxNewTokens, seed = 0, stopIds = config.eosTokenIds, feeds = {}, signal } = options;
    checkTokens(config, prompts);
    checkSampling(options);
    if (!Number.isInteger(maxNewTokens) || maxNewTokens < 0) {
      throw new AppError('usage', `The number of new tokens must be a whole number, not ${maxNewTokens}.`);
    }
    const seeds = new Random(seed);
    const sequences = prompts.map((prompt) => ({
      ids: Array.from(prompt),
      random: new Random(seeds.uint32()),
      left: Math.min(maxNewTokens, config.contextLength - prompt.length),
    }));
    const steps = Math.max(...sequences.map(({ left }) => left));
    const forward = this.forward();
    try {
      for (let step = 0; step < steps; step++) {
        if (signal?.aborted) throw new AppError('cancelled', 'The generation was cancelled.');
        const logits = await forward.next(
          sequences.map(({ ids }) => ids),
          feeds,
        );
        for (const [sequence, state] of sequences.entries()) {
          if (state.left <= 0) continue; // it keeps its place in the batch, and what it gives is not looked at
          const row = rowOf(logits, sequence);
          const id = sampleToken(row, options, state.random);
          if (!Number.isFinite(row[id])) throw notFinite(id);
          state.ids.push(id);
          state.left = stopIds.includes(id) ? 0 : state.left - 1;
          yield { sequence, id, end: state.left > 0 ? null : stopIds.includes(id) ? 'stop' : 'length' };
        }
        if (sequences.every(({ left }) => left <= 0)) return;
      }
    } finally {
      forward.dispose();
    }
  }

  /** For those who choose the tokens themselves. To be disposed of. */
  forward(): Forward {
    return this.#states ? new CachedForward(this.#model, this.#session, this.#states) : new FullForward(this.#session);
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

/** One forward pass per step over rows that each grew by one token: the logits after the last of each, `[rows, vocabularySize]`. */
export interface Forward {
  next(rows: readonly (readonly number[])[], feeds: Readonly<Record<string, Tensor>>): Promise<Tensor>;
  dispose(): void;
}

class FullForward implements Forward {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async next(rows: readonly (readonly number[])[], feeds: Readonly<Record<string, Tensor>>): Promise<Tensor> {
    const results = await this.#session.run({
      ...feeds,
      input_ids: tokenTensor(rows, 'right'),
      last_position: int64Tensor(rows.map((row) => row.length - 1)),
    });
    return output(results, 'last_logits');
  }

  dispose(): void {}
}

/** Runs the prompts once, then only each step's new tokens; keys and values of the others stay where the device put them. */
class CachedForward implements Forward {
  readonly #model: Model;
  readonly #session: Session;
  readonly #states: readonly PatchState[];
  #past: Record<string, Tensor> | null = null;
  #leftPadding: Tensor | null = null;

  constructor(model: Model, session: Session, states: readonly PatchState[]) {
    this.#model = model;
    this.#session = session;
    this.#states = states;
  }

  async next(rows: readonly (readonly number[])[], feeds: Readonly<Record<string, Tensor>>): Promise<Tensor> {
    const newest = this.#past ? rows.map((row) => row.slice(-1)) : rows;
    const width = Math.max(...rows.map((row) => row.length));
    this.#leftPadding ??= int64Tensor(rows.map((row) => width - row.length));
    const results = await this.#session.run({
      ...feeds,
      ...(this.#past ?? this.#emptyCache(rows.length)),
      input_ids: tokenTensor(newest, 'left'),
      left_padding: this.#leftPadding,
    });
    this.dispose();
    this.#past = Object.fromEntries(
      [...cacheNames(this.#model), ...this.#states].map(({ past, present }) => [past, output(results, present)]),
    );
    return output(results, 'last_logits');
  }

  #emptyCache(rows: number): Record<string, Tensor> {
    const { keyValueHeads, headDim } = this.#model.config;
    const none = () => new Tensor('float32', new Float32Array(0), [rows, keyValueHeads, 0, headDim]);
    return Object.fromEntries(cacheNames(this.#model).map(({ past }) => [past, none()]));
  }

  dispose(): void {
    for (const tensor of Object.values(this.#past ?? {})) tensor.dispose();
    this.#past = null;
  }
}

function cacheNames(model: Model): { past: string; present: string }[] {
  return Array.from({ length: model.config.layers }, (_, block) => [
    { past: pastKeyName(block), present: presentKeyName(block) },
    { past: pastValueName(block), present: presentValueName(block) },
  ]).flat();
}

function output(results: Readonly<Record<string, Tensor>>, name: string): Tensor {
  const tensor = results[name];
  if (!tensor) throw new AppError('internal', `The engine gave no ${name}.`);
  return tensor;
}

export function notFinite(id: number): AppError {
  return new AppError(
    'diverged',
    `The model's logits are no longer finite numbers (token ${id}): what is patched in is too large for it.`,
  );
}

/** Of `[rows, vocabularySize]`. */
export function rowOf(logits: Tensor, row: number): Float32Array {
  const { data } = logits;
  if (!(data instanceof Float32Array)) throw new AppError('internal', 'The engine gave logits that are not float32.');
  const width = data.length / (logits.dims[0] ?? 1);
  return data.subarray(row * width, (row + 1) * width);
}

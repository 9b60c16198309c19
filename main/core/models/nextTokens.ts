// The likeliest next tokens after a text. Its session is opened when it is first needed and stays open.
import type { Tensor } from 'onnxruntime-common';
import { AppError } from '../../contract/base/errors.ts';
import type { Runtime, Session } from '../onnx/runtime.ts';
import type { Model } from './model.ts';
import { checkTokens } from './modelInput.ts';
import { int64Tensor, tokenTensor } from './tokenBatch.ts';
import type { Tokenizer } from './tokenizer.ts';
import { buildVariant, type Patch } from './variant.ts';

export interface NextToken {
  readonly id: number;
  /** 0 to 1. */
  readonly probability: number;
}

export interface NextTokensOptions {
  readonly model: Model;
  readonly runtime: Runtime;
  /** How many are told. */
  readonly count: number;
  /** An edit that acts on the model. */
  readonly patches?: readonly Patch[];
}

export class NextTokens {
  readonly #options: NextTokensOptions;
  #session: Promise<Session> | null = null;

  /** Opens nothing yet. */
  constructor(options: NextTokensOptions) {
    this.#options = options;
  }

  /**
   * The likeliest first.
   * @param feeds inputs of the patches
   * @throws AppError `usage` for a text longer than the context.
   */
  async after(ids: readonly number[], feeds: Readonly<Record<string, Tensor>> = {}): Promise<NextToken[]> {
    const { model, runtime, count, patches = [] } = this.#options;
    checkTokens(model.config, [ids]);
    const graph = () => buildVariant(model, { head: 'topTokens', topTokenCount: count, patches });
    const session = await (this.#session ??= runtime.createSession(graph(), { weightsFolder: model.weightsFolder }));
    const results = await session.run({
      ...feeds,
      input_ids: tokenTensor([ids], 'right'),
      last_position: int64Tensor([ids.length - 1]),
    });
    const top = results['top_ids']?.data;
    const logProbs = results['top_log_probs']?.data;
    if (!(top instanceof BigInt64Array) || !(logProbs instanceof Float32Array)) {
      throw new AppError('internal', 'The engine gave no next tokens.');
    }
    return Array.from(top, (id, rank) => ({ id: Number(id), probability: Math.exp(logProbs[rank] ?? NaN) }));
  }

  async release(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    await (await session?.catch(() => null))?.release();
  }
}

/** The tokens of a text, with what its tokenizer puts before it. @throws AppError `empty` without any. */
export function openedTokens(tokenizer: Tokenizer, text: string): readonly number[] {
  const ids = tokenizer.opened(text);
  if (ids.length > 0) return ids;
  throw new AppError('empty', 'The text is empty, and this model has no token to begin with.');
}

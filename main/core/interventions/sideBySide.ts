// The original model and an edit of it on the same text, for people who try edits: the next token of both at a place, and
// texts of both as they are written. One session serves both, and every edit at the prepared places: what differs between
// two columns is what is fed.
//
// While a column writes, the other model reads along. So each token comes with KL(original ‖ column) in nats at its place,
// of the two distributions given the very tokens before it; in the original's own column it is KL(original ‖ patched).
import type { Tensor } from 'onnxruntime-common';
import { AppError } from '../../contract/base/errors.ts';
import { EMPTY_EDIT, type Edit } from '../../contract/domain/edit.ts';
import { InteractiveEdit, type Dictionaries, type DictionarySite } from '../edits/editPatches.ts';
import { notFinite, openGenerator, rowOf, type Generator } from '../models/generate.ts';
import type { Model } from '../models/model.ts';
import { checkTokens } from '../models/modelInput.ts';
import { checkSampling, sampleToken, type SamplingOptions } from '../models/sampling.ts';
import { Random } from '../numerics/random.ts';
import type { Runtime } from '../onnx/runtime.ts';
import { compareLogits, type NextTokenComparison } from './nextTokens.ts';
import { withoutOverflow } from './overflow.ts';

export interface SideBySideOptions {
  readonly model: Model;
  readonly runtime: Runtime;
  /** By content hash: those of all places. */
  readonly dictionaries: Dictionaries;
  /** Where edits may act. */
  readonly places: readonly DictionarySite[];
}

/** A text so far, the first `promptLength` tokens of which are the prompt for the scopes of edits. */
export interface TextSoFar {
  readonly ids: readonly number[];
  readonly promptLength: number;
}

/** `instructed`: the original model with an instruction in its prompt. */
export type ColumnName = 'original' | 'patched' | 'instructed';

export interface SideBySideGeneration extends SamplingOptions {
  readonly edit: Edit;
  readonly prompt: readonly number[];
  /** The prompt with an instruction: asks for the column `instructed`. */
  readonly instructedPrompt?: readonly number[];
  readonly maxNewTokens: number;
  /** All columns draw the same random numbers, so that what differs is due to what was changed. */
  readonly seed?: number;
  /** By default the model's own; [] never stops early. */
  readonly stopIds?: readonly number[];
  readonly signal?: AbortSignal;
}

export interface ColumnToken {
  readonly column: ColumnName;
  readonly id: number;
  /** KL(original ‖ patched) in nats where this token was chosen; null in a column with nothing to compare with. */
  readonly kl: number | null;
  /** Softmax probability of this token, without temperature; null as above. */
  readonly originalProbability: number | null;
  readonly treatedProbability: number | null;
  /** As GeneratedToken has it. */
  readonly end: 'stop' | 'length' | null;
}

/** Distributions of the original that are kept, so that a slider computes the patched one only. */
const MOST_KEPT = 16;

export class SideBySide {
  readonly model: Model;
  readonly #runtime: Runtime;
  readonly #interactive: InteractiveEdit;
  #generator: Promise<Generator> | null = null;
  /** Logits of the original by the text before them, the one used last at the end. */
  readonly #kept = new Map<string, Float32Array>();

  /** Opens nothing yet. @throws AppError `not-found` for a missing dictionary. */
  constructor({ model, runtime, dictionaries, places }: SideBySideOptions) {
    this.model = model;
    this.#runtime = runtime;
    this.#interactive = new InteractiveEdit(places, dictionaries, {
      bosTokenId: model.config.bosTokenId,
      perSample: true,
      promptLength: true,
      firstFiring: true,
    });
  }

  /**
   * The next token after a text, with and without the edit.
   * @param count how many of the likeliest tokens of each.
   * @throws AppError `usage`, `diverged` when the edit makes the logits something else than finite numbers.
   */
  async nextTokens(edit: Edit, text: TextSoFar, count: number): Promise<NextTokenComparison> {
    checkTokens(this.model.config, [text.ids]);
    const key = text.ids.join();
    const original = this.#kept.get(key) ?? (await this.#logitsAfter(EMPTY_EDIT, text));
    this.#kept.delete(key);
    this.#kept.set(key, original);
    for (const oldest of this.#kept.keys()) if (this.#kept.size > MOST_KEPT) this.#kept.delete(oldest);
    const patched = edit.operations.length === 0 ? null : await this.#logitsAfter(edit, text);
    return compareLogits(original, patched, count);
  }

  /** @throws AppError `usage`, `empty`, `diverged`, `cancelled`. */
  async *generate(options: SideBySideGeneration): AsyncGenerator<ColumnToken, void, undefined> {
    const { config } = this.model;
    const { edit, prompt, instructedPrompt, maxNewTokens, seed = 0, stopIds = config.eosTokenIds, signal } = options;
    checkSampling(options);
    if (!Number.isInteger(maxNewTokens) || maxNewTokens < 0) {
      throw new AppError('usage', `The number of new tokens must be a whole number, not ${maxNewTokens}.`);
    }
    const columns = columnsOf(edit, prompt, instructedPrompt).map((column) => ({
      ...column,
      random: new Random(seed),
      left: Math.min(maxNewTokens, ...column.rows.map(({ ids }) => config.contextLength - ids.length)),
    }));
    const rows = columns.flatMap((column) => column.rows);
    checkTokens(
      config,
      rows.map(({ ids }) => ids),
    );
    const feeds = this.#feeds(
      rows.map((row) => row.edit),
      rows.map(({ ids }) => ids.length),
    );
    const forward = (await this.#open()).forward();
    try {
      while (columns.some(({ left }) => left > 0)) {
        if (signal?.aborted) throw new AppError('cancelled', 'The generation was cancelled.');
        const logits = await forward.next(
          rows.map(({ ids }) => ids),
          feeds,
        );
        for (const column of columns) {
          if (column.left <= 0) continue; // it keeps its place in the batch, and what it gives is not looked at
          const own = column.rows.map((row) => rowOf(logits, rows.indexOf(row)));
          const [written] = own;
          if (!written) throw new AppError('internal', 'A column without a row.');
          const id = sampleToken(written, options, column.random);
          for (const row of own) if (!Number.isFinite(row[id])) throw notFinite(id);
          for (const row of column.rows) row.ids.push(id);
          column.left = stopIds.includes(id) ? 0 : column.left - 1;
          const end = column.left > 0 ? null : stopIds.includes(id) ? 'stop' : 'length';
          yield { column: column.name, id, ...compareAt(id, own, column.name), end };
        }
      }
    } finally {
      forward.dispose();
    }
  }

  async release(): Promise<void> {
    const opened = await this.#generator?.catch(() => null); // whoever asked for it has seen the error
    this.#generator = null;
    await opened?.release();
  }

  async #logitsAfter(edit: Edit, { ids, promptLength }: TextSoFar): Promise<Float32Array> {
    const forward = (await this.#open()).forward();
    try {
      const logits = rowOf(await forward.next([ids], this.#feeds([edit], [promptLength])), 0).slice();
      // One sum finds any NaN and any infinity.
      if (Number.isFinite(logits.reduce((sum, logit) => sum + logit, 0))) return logits;
      throw new AppError(
        'diverged',
        'With this edit the model gives numbers that are not finite: an amount in it is too large for the model.',
      );
    } finally {
      forward.dispose();
    }
  }

  #feeds(edits: readonly Edit[], promptLengths: readonly number[]): Record<string, Tensor> {
    return this.#interactive.feeds(edits, { batch: edits.length, promptLengths });
  }

  #open(): Promise<Generator> {
    return (this.#generator ??= openGenerator(this.model, this.#runtime, {
      patches: this.#interactive.patches.map(withoutOverflow),
    }));
  }
}

interface Row {
  readonly edit: Edit;
  readonly ids: number[];
}

/** The first row of a column writes; the second, of the model to compare with, reads along. */
function columnsOf(
  edit: Edit,
  prompt: readonly number[],
  instructedPrompt: readonly number[] | undefined,
): { readonly name: ColumnName; readonly rows: readonly Row[] }[] {
  const row = (of: Edit, ids: readonly number[] = prompt): Row => ({ edit: of, ids: [...ids] });
  const hasEdit = edit.operations.length > 0;
  return [
    { name: 'original', rows: hasEdit ? [row(EMPTY_EDIT), row(edit)] : [row(EMPTY_EDIT)] },
    ...(hasEdit ? [{ name: 'patched' as const, rows: [row(edit), row(EMPTY_EDIT)] }] : []),
    ...(instructedPrompt
      ? [{ name: 'instructed' as const, rows: [row(EMPTY_EDIT, instructedPrompt), row(EMPTY_EDIT)] }]
      : []),
  ];
}

function compareAt(id: number, [written, along]: readonly Float32Array[], column: ColumnName) {
  if (!written || !along) return { kl: null, originalProbability: null, treatedProbability: null };
  const [original, intervenable] = column === 'original' ? [written, along] : [along, written];
  const { kl, next } = compareLogits(original, intervenable, 0, [id]);
  return { kl, originalProbability: next[0]?.original ?? null, treatedProbability: next[0]?.patched ?? null };
}

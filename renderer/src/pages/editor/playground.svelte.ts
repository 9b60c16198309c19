// The text that an edit is tried on: the prompt and how to go on with it, the columns as they are written, and which of them no
// longer show what the operations on the screen do.
import { toAppError, type AppError } from '../../../../main/contract/base/errors.ts';
import { api } from '../../api/session.svelte.ts';
import type { ColumnName, ColumnToken, Operation } from '../../api/types.ts';
import { figure } from '../../state/format.ts';
import { signatureOf } from './workingEdit.svelte.ts';

export interface Column {
  readonly name: ColumnName;
  /** What made it, in words: which edit or instruction. */
  readonly by: string;
  readonly tokens: readonly ColumnToken[];
  /** The question that it answers: of the text, of the operations, of the instruction. */
  readonly asked: Asked;
}

interface Asked {
  readonly text: string;
  readonly edit: string;
  readonly instruction: string;
}

/** A place whose token is looked at: of the prompt or of a column. Null: what comes after the prompt. */
export type TokenPosition = { readonly of: 'prompt' | 'original' | 'patched'; readonly index: number } | null;

/** Prompts stay when one looks at a feature and comes back; by the model's hash. */
// Nothing that is shown follows it.
// eslint-disable-next-line svelte/prefer-svelte-reactivity
const lastPrompts = new Map<string, { readonly text: string; readonly isRaw: boolean }>();
/** A prompt that still begins as the picked one did is that one, changed. */
const SAME_BEGINNING = 5;

export class Playground {
  readonly #model: string;
  #prompt = $state('');
  #isRaw = $state(false);
  /** The case that the prompt came from, as it read. */
  #picked: string | null = null;
  hasInstruction = $state(false);
  instruction = $state('');
  maxNewTokens = $state(40);
  temperature = $state(0);
  seed = $state(0);
  place = $state.raw<TokenPosition>(null);
  columns = $state.raw<readonly Column[]>([]);
  /** How it ended, in words. */
  end = $state<string | null>(null);
  error = $state.raw<AppError | null>(null);
  #abort = $state.raw<AbortController | null>(null);

  constructor(model: string, prompt: string) {
    this.#model = model;
    const last = lastPrompts.get(model);
    this.#prompt = last?.text ?? prompt;
    this.#isRaw = last?.isRaw ?? false;
    if (this.#isRaw) this.#picked = this.#prompt;
  }

  get prompt(): string {
    return this.#prompt;
  }

  set prompt(text: string) {
    // A case that is given to the model as it stands says nothing of a prompt that is written in its place.
    if (this.#picked !== null && text.slice(0, SAME_BEGINNING) !== this.#picked.slice(0, SAME_BEGINNING)) {
      this.#picked = null;
      this.#isRaw = false;
    }
    this.#prompt = text;
    this.place = null;
    this.#remember();
  }

  get isRaw(): boolean {
    return this.#isRaw;
  }

  set isRaw(isRaw: boolean) {
    this.#isRaw = isRaw;
    this.#remember();
  }

  /** Takes the prompt of a case, as it is given to the model. */
  take(text: string, isRaw: boolean): void {
    this.#picked = text;
    this.#isRaw = isRaw;
    this.prompt = text;
  }

  #remember(): void {
    lastPrompts.set(this.#model, { text: this.#prompt, isRaw: this.#isRaw });
  }

  get isWriting(): boolean {
    return this.#abort !== null;
  }

  /** What a generation of now would answer. */
  asked(operations: readonly Operation[]): Asked {
    const { prompt, isRaw, maxNewTokens, temperature, seed } = this;
    return {
      text: JSON.stringify([this.#model, prompt, isRaw, maxNewTokens, temperature, seed]),
      edit: signatureOf(operations),
      instruction: this.hasInstruction ? this.instruction : '',
    };
  }

  /** Whether a column shows something else than would be written now. */
  isStale({ name, asked }: Column, operations: readonly Operation[]): boolean {
    const now = this.asked(operations);
    if (asked.text !== now.text) return true;
    return name === 'patched'
      ? asked.edit !== now.edit
      : name === 'instructed' && asked.instruction !== now.instruction;
  }

  /** The KL of a column is of its model and the other, so that of the original goes stale with the edit. */
  isKlStale(column: Column, operations: readonly Operation[]): boolean {
    return this.isStale(column, operations) || column.asked.edit !== signatureOf(operations);
  }

  stop(): void {
    this.#abort?.abort();
  }

  /** @param by what the operations are, in words: a version, or unsaved changes. */
  async generate(operations: readonly Operation[], by: string): Promise<void> {
    this.#abort?.abort();
    const own = new AbortController();
    this.#abort = own;
    this.end = null;
    this.error = null;
    if (this.place?.of !== 'prompt') this.place = null;
    const asked = this.asked(operations);
    const names: Record<ColumnName, string> = {
      original: 'no edit',
      patched: by,
      instructed: `no edit, but the instruction “${asked.instruction}”`,
    };
    const tokens: Record<ColumnName, ColumnToken[]> = { original: [], patched: [], instructed: [] };
    const shown = (['original', 'patched', 'instructed'] as const).filter(
      (name) => name === 'original' || (name === 'patched' ? operations.length > 0 : asked.instruction.trim() !== ''),
    );
    const show = (edit: string | null = null) => {
      if (this.#abort !== own) return;
      this.columns = shown.map((name) => ({
        name,
        by: name === 'patched' && edit !== null ? `${names[name]} · edit ${edit.slice(0, 8)}` : names[name],
        tokens: [...tokens[name]],
        asked,
      }));
    };
    show();
    const { prompt, isRaw: raw, maxNewTokens, temperature, seed } = this;
    let frame: number | null = null;
    try {
      const startedAt = performance.now();
      const result = await api.playground.generate(
        {
          ...{ model: this.#model, operations, prompt, raw, maxNewTokens, temperature, seed },
          ...(asked.instruction.trim() === '' ? {} : { instruction: asked.instruction }),
        },
        {
          signal: own.signal,
          onChunk: ({ column, ...token }) => {
            tokens[column].push(token);
            frame ??= requestAnimationFrame(() => {
              frame = null;
              show();
            });
          },
        },
      );
      show(result.edit);
      const count = result.columns.reduce((sum, { ids }) => sum + ids.length, 0);
      this.end = `${count} tokens, ${figure(count / ((performance.now() - startedAt) / 1000))} per second`;
    } catch (thrown) {
      const failed = toAppError(thrown);
      if (this.#abort !== own) return;
      show();
      if (failed.code === 'cancelled') this.end = 'Stopped.';
      else {
        this.error = failed;
        // Half a text of an edit that failed says nothing.
        this.columns = this.columns.filter(({ name }) => name !== 'patched');
      }
    } finally {
      if (frame !== null) cancelAnimationFrame(frame);
      if (this.#abort === own) this.#abort = null;
    }
  }
}

// Cases that are run from their table, one after the other, on the base model and with the working edit; nothing is stored. A
// result is of the case as it was: a changed case has none.
import { SvelteMap } from 'svelte/reactivity';
import { toAppError, type AppError } from '../../../../main/contract/base/errors.ts';
import { api } from '../../api/session.svelte.ts';
import type { CaseOutcome } from './caseView.ts';
import type { Row } from './suiteDraft.svelte.ts';

interface RunOptions {
  readonly maxNewTokens: number;
  readonly hasEdit: boolean;
  readonly model: string | undefined;
}

export class CaseRuns {
  readonly #results = new SvelteMap<Row, CaseOutcome>();
  #abort = $state.raw<AbortController | null>(null);
  error = $state.raw<AppError | null>(null);
  done = $state(0);
  total = $state(0);

  get isRunning(): boolean {
    return this.#abort !== null;
  }

  resultOf(row: Row): CaseOutcome | undefined {
    return this.#results.get(row);
  }

  stop(): void {
    this.#abort?.abort();
  }

  async run(rows: readonly Row[], { maxNewTokens, hasEdit, model }: RunOptions): Promise<void> {
    this.stop();
    const own = new AbortController();
    this.#abort = own;
    this.error = null;
    this.done = 0;
    this.total = rows.length;
    try {
      for (const row of rows) {
        const { before, after } = await api.behaviour.tryCase(
          {
            ...{ case: row.content, maxNewTokens },
            ...(hasEdit ? { edit: 'working' } : {}),
            ...(!hasEdit && model !== undefined ? { model } : {}),
          },
          { signal: own.signal },
        );
        if (own.signal.aborted) return;
        this.#results.set(row, { before: before.passed, after: after?.passed ?? null });
        this.done++;
      }
    } catch (thrown) {
      const failed = toAppError(thrown);
      if (failed.code !== 'cancelled') this.error = failed;
    } finally {
      if (this.#abort === own) this.#abort = null;
    }
  }
}

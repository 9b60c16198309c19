// Data of the host that is on the screen: fetched, fetched again when the host says that it changed, and again after the
// connection was lost. While it is fetched again, what is known stays.
import { untrack } from 'svelte';
import { toAppError, type AppError } from '../../../main/contract/base/errors.ts';
import type { Changing } from '../../../main/contract/api/events.ts';
import { onChanged } from './session.svelte.ts';

export interface Live<T> {
  /** Undefined until it has come for the first time. */
  readonly value: T | undefined;
  readonly error: AppError | null;
  readonly isLoading: boolean;
  /** Fetches now; for what the host does not announce. */
  refresh(): void;
}

/**
 * To be called while a component is set up. What `fetch` reads before its first await is followed: when it changes, the data
 * is fetched again.
 */
export function live<T>(what: readonly Changing[], fetch: (signal: AbortSignal) => Promise<T>): Live<T> {
  let value = $state.raw<T | undefined>(undefined);
  let error = $state.raw<AppError | null>(null);
  let isLoading = $state(true);
  let round = $state(0);

  $effect(() => {
    void round;
    const abort = new AbortController();
    untrack(() => (isLoading = true));
    fetch(abort.signal).then(
      (fetched) => {
        if (abort.signal.aborted) return;
        value = fetched;
        error = null;
        isLoading = false;
      },
      (thrown: unknown) => {
        if (abort.signal.aborted) return;
        const failed = toAppError(thrown);
        // The connection comes back, and the data then with it.
        if (failed.code === 'disconnected') return;
        error = failed;
        isLoading = false;
      },
    );
    return () => abort.abort();
  });

  $effect(() => onChanged(what, () => (round += 1)));

  return {
    get value() {
      return value;
    },
    get error() {
      return error;
    },
    get isLoading() {
      return isLoading;
    },
    // Also from within an effect, which must not run again because of it.
    refresh: () => untrack(() => (round += 1)),
  };
}

// Data of the host that is on the screen: fetched, fetched again when the host says that something changed of what the
// queries show, and again after the connection was lost. While it is fetched again, what is known stays.
import { untrack } from 'svelte';
import { toAppError, type AppError } from '../../../main/contract/base/errors.ts';
import type { Api } from '../../../main/contract/api/contract.ts';
import type { Changing } from '../../../main/contract/base/changing.ts';
import { observed } from './observed.ts';
import { api, onChanged } from './session.svelte.ts';

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
 * is fetched again. It asks through the API it is given, which hears what is shown; lint sees to that.
 */
export function live<T>(fetch: (api: Api, signal: AbortSignal) => Promise<T>): Live<T> {
  let value = $state.raw<T | undefined>(undefined);
  let error = $state.raw<AppError | null>(null);
  let isLoading = $state(true);
  let round = $state(0);
  // Told, never shown.
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  const shown = new Set<Changing>();
  const heard = observed(api, (shows) => shows.forEach((each) => shown.add(each)));

  $effect(() => {
    void round;
    const abort = new AbortController();
    untrack(() => (isLoading = true));
    fetch(heard, abort.signal).then(
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

  $effect(() => onChanged(shown, () => (round += 1)));

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

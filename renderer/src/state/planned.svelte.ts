// The answer to what a form or a text asks, asked again a moment after each change. A question that has changed is called off.
import { toAppError, type AppError } from '../../../main/contract/base/errors.ts';

/** Nobody waits for it, and not every key is a question. */
const SETTLED_MS = 200;

export interface Planned<Plan> {
  readonly plan: Plan | null;
  readonly error: AppError | null;
  /** What was done with the question has failed: said until the next answer. */
  fail(failed: AppError): void;
}

/** To be called while a component is set up. @param request null: it is not complete, so there is nothing to ask. */
export function planned<Request, Plan>(
  request: () => Request | null,
  ask: (request: Request, options: { signal: AbortSignal }) => Promise<Plan>,
): Planned<Plan> {
  let plan = $state.raw<Plan | null>(null);
  let error = $state.raw<AppError | null>(null);

  $effect(() => {
    const asked = request();
    if (asked === null) {
      plan = null;
      error = null;
      return;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => {
      ask(asked, { signal: abort.signal }).then(
        (found) => {
          plan = found;
          error = null;
        },
        (thrown: unknown) => {
          const failed = toAppError(thrown);
          if (failed.code === 'cancelled' || failed.code === 'disconnected') return;
          plan = null;
          error = failed;
        },
      );
    }, SETTLED_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  });

  return {
    get plan() {
      return plan;
    },
    get error() {
      return error;
    },
    fail: (failed) => (error = failed),
  };
}

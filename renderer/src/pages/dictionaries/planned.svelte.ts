// What work will take, asked for anew a moment after each change of what is asked for.
import { toAppError, type AppError } from '../../../../main/contract/base/errors.ts';

const SETTLED_MS = 200;

export interface Planned<Plan> {
  readonly plan: Plan | null;
  readonly error: AppError | null;
}

/** To be called while a component is set up. @param request null: it is not complete, so there is nothing to plan. */
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
  };
}

// The curves of a run, alive: what is recorded comes first, then every new point; after a lost connection or a resume they
// are watched again. A point at a step that is already there replaces it and all after it: the run went back to a checkpoint.
import { toAppError, type AppError } from '../../../../main/contract/base/errors.ts';
import { api } from '../../api/session.svelte.ts';
import type { CurvePoint } from '../../api/types.ts';
import { joinCurves } from './joinCurves.ts';

export interface Curves {
  readonly points: readonly CurvePoint[];
  readonly error: AppError | null;
}

/** To be called while a component is set up. @param isRunning read again whenever it changes: a resumed run goes on. */
export function watchCurves(name: () => string, isRunning: () => boolean): Curves {
  let points = $state.raw<readonly CurvePoint[]>([]);
  let error = $state.raw<AppError | null>(null);

  $effect(() => {
    const own = name();
    void isRunning();
    const abort = new AbortController();
    const follow = async () => {
      while (!abort.signal.aborted) {
        let isFirst = true;
        try {
          await api.dictionary.watchCurves(
            { name: own },
            {
              signal: abort.signal,
              onChunk: (chunk) => {
                if (abort.signal.aborted) return;
                points = isFirst ? chunk.points : joinCurves(points, chunk.points);
                isFirst = false;
              },
            },
          );
          return;
        } catch (thrown) {
          const failed = toAppError(thrown);
          if (failed.code === 'cancelled') return;
          if (failed.code !== 'disconnected') {
            error = failed;
            return;
          }
          await new Promise((resolve) => setTimeout(resolve, 300));
        }
      }
    };
    void follow();
    return () => abort.abort();
  });

  return {
    get points() {
      return points;
    },
    get error() {
      return error;
    },
  };
}

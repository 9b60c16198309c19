// The caller's side of one open channel: numbers the calls, sends them, and settles each by its answer. When the channel is
// gone its owner says so by `end`; nothing here connects, waits or tries again.
import * as v from 'valibot';
import { AppError, deserializeError, toAppError } from '../base/errors.ts';
import type { Channel } from './channel.ts';
import { fromServerSchema, type ToServer } from './messages.ts';
import type { CallOptions } from './procedure.ts';

/**
 * When a call that was aborted rejects: at once, or only when the server has answered, for a caller that must know that the
 * work has ended (it may have written to a folder until then).
 */
export type AbortedCalls = 'reject at once' | 'wait for the answer';

export interface Calls {
  call(procedure: string, input: unknown, options?: CallOptions<unknown>): Promise<unknown>;
  /** Rejects what has not been answered: aborted calls with `cancelled`, others with what `errorOf` makes of their procedure. */
  end(errorOf: (procedure: string) => AppError): void;
}

interface Pending {
  readonly procedure: string;
  readonly options: CallOptions<unknown>;
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: AppError) => void;
}

export function openCalls(channel: Pick<Channel, 'send' | 'onMessage'>, aborted: AbortedCalls): Calls {
  const pending = new Map<number, Pending>();
  let lastId = 0;

  function send(message: ToServer): void {
    try {
      channel.send(message);
    } catch (thrown) {
      throw toAppError(thrown);
    }
  }

  /** @returns the call, which is then no longer pending; undefined when it was aborted meanwhile. */
  function take(id: number): Pending | undefined {
    const call = pending.get(id);
    pending.delete(id);
    return call;
  }

  channel.onMessage((received) => {
    const parsed = v.safeParse(fromServerSchema, received);
    if (!parsed.success) return;
    const message = parsed.output;
    if (message.type === 'chunk') pending.get(message.id)?.options.onChunk?.(message.chunk);
    else if (message.type === 'result') take(message.id)?.resolve(message.output);
    else take(message.id)?.reject(deserializeError(message.error));
  });

  return {
    call: (procedure, input, options = {}) =>
      new Promise((resolve, reject) => {
        const { signal } = options;
        if (signal?.aborted) throw cancelled();
        const id = ++lastId;
        const onAbort = () => {
          send({ type: 'cancel', id });
          if (aborted === 'reject at once') take(id)?.reject(cancelled());
        };
        const settle =
          <T>(then: (value: T) => void) =>
          (value: T) => {
            signal?.removeEventListener('abort', onAbort);
            then(value);
          };
        send({ type: 'call', id, procedure, input });
        pending.set(id, { procedure, options, resolve: settle(resolve), reject: settle(reject) });
        signal?.addEventListener('abort', onAbort, { once: true });
      }),
    end: (errorOf) => {
      for (const [id, { procedure, options }] of [...pending]) {
        take(id)?.reject(options.signal?.aborted ? cancelled() : errorOf(procedure));
      }
    },
  };
}

export function cancelled(): AppError {
  return new AppError('cancelled', 'Cancelled.');
}

// The page's side of the API: typed calls over whatever channel is open. A lost connection rejects what was pending with
// `disconnected`, and calls made meanwhile wait for the next one; streams that watch are begun again by their callers
// (see `onState`), which then fetch what they show again.
import { AppError } from '../base/errors.ts';
import { cancelled, openCalls, type Calls } from './calls.ts';
import type { Channel } from './channel.ts';
import type { CallOptions, Client, Contract } from './procedure.ts';

/** Opens a connection; rejects when there is none to be had now. */
export type Connect = () => Promise<Channel>;

export interface ClientOptions {
  /** Told whenever the state changes. `refused`: the host does not know this page (any more); it is not tried again. */
  readonly onState?: (state: ConnectionState) => void;
  /** Waits before the next attempt, in milliseconds. */
  readonly delays?: readonly number[];
}

export type ConnectionState = 'connecting' | 'connected' | 'lost' | 'refused' | 'closed';

export interface Connection<C extends Contract> {
  readonly api: Client<C>;
  readonly state: () => ConnectionState;
  /** Ends the connection for good. */
  readonly close: () => void;
}

/** A call that was made while there was no connection. */
interface Waiting {
  readonly start: (calls: Calls) => void;
  readonly reject: (error: AppError) => void;
}

const DELAYS = [200, 500, 1000, 2000, 5000] as const;

export function createConnection<const C extends Contract>(
  contract: C,
  connect: Connect,
  { onState, delays = DELAYS }: ClientOptions = {},
): Connection<C> {
  const waiting = new Set<Waiting>();
  let open: { readonly channel: Channel; readonly calls: Calls } | null = null;
  let state: ConnectionState = 'connecting';
  let attempts = 0;

  function move(to: ConnectionState): void {
    if (state === to || state === 'closed') return;
    state = to;
    onState?.(to);
  }

  function isOver(): boolean {
    return state === 'closed' || state === 'refused';
  }

  async function tryToOpen(): Promise<void> {
    try {
      const channel = await connect();
      if (isOver()) {
        channel.close();
        return;
      }
      const opened = { channel, calls: openCalls(channel, 'reject at once') };
      open = opened;
      attempts = 0;
      channel.onClose(() => {
        if (open !== opened) return;
        open = null;
        opened.calls.end(() => new AppError('disconnected', 'The connection to the program was lost.'));
        if (isOver()) return;
        move('lost');
        later();
      });
      move('connected');
      for (const call of takeWaiting()) call.start(opened.calls);
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.code === 'permission') {
        move('refused');
        for (const { reject } of takeWaiting()) reject(thrown);
        return;
      }
      if (isOver()) return;
      move('lost');
      later();
    }
  }

  function later(): void {
    const delay = delays[Math.min(attempts, delays.length - 1)] ?? 1000;
    attempts += 1;
    setTimeout(() => {
      if (!isOver()) void tryToOpen();
    }, delay);
  }

  function takeWaiting(): readonly Waiting[] {
    const taken = [...waiting];
    waiting.clear();
    return taken;
  }

  function call(procedure: string, input: unknown = {}, options: CallOptions<unknown> = {}): Promise<unknown> {
    if (open) return open.calls.call(procedure, input, options);
    return new Promise((resolve, reject) => {
      const { signal } = options;
      if (signal?.aborted) throw cancelled();
      if (isOver()) throw new AppError('disconnected', 'There is no connection to the program.');
      const onAbort = () => {
        waiting.delete(entry);
        reject(cancelled());
      };
      const entry: Waiting = {
        start: (calls) => {
          signal?.removeEventListener('abort', onAbort);
          calls.call(procedure, input, options).then(resolve, reject);
        },
        reject,
      };
      waiting.add(entry);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  const api = Object.fromEntries(
    Object.entries(contract).map(([noun, procedures]) => [
      noun,
      Object.fromEntries(
        Object.keys(procedures).map((name) => [
          name,
          (input?: unknown, options?: CallOptions<unknown>) => call(`${noun}.${name}`, input, options),
        ]),
      ),
    ]),
  );
  void tryToOpen();
  return {
    // Made from the contract's own keys; what the host answers it has checked against the contract's schemas.
    api: api as unknown as Client<C>,
    state: () => state,
    close: () => {
      move('closed');
      const error = new AppError('disconnected', 'The connection was closed.');
      const opened = open;
      open = null;
      opened?.channel.close();
      opened?.calls.end(() => error);
      for (const { reject } of takeWaiting()) reject(error);
    },
  };
}

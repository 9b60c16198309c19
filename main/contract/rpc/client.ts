// The page's side of the API: typed calls over whatever channel is open. A lost connection rejects what was pending with
// `disconnected`, and calls made meanwhile wait for the next one; streams that watch are begun again by their callers
// (see `onConnect`), which then fetch what they show anew.
import * as v from 'valibot';
import { AppError, deserializeError } from '../base/errors.ts';
import { fromHostSchema, parseJson, type Channel, type ToHost } from './messages.ts';
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

interface Pending {
  readonly options: CallOptions<unknown>;
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: AppError) => void;
}

const DELAYS = [200, 500, 1000, 2000, 5000] as const;

export function createConnection<const C extends Contract>(
  contract: C,
  connect: Connect,
  { onState, delays = DELAYS }: ClientOptions = {},
): Connection<C> {
  const pending = new Map<number, Pending>();
  let waiting: ToHost[] = [];
  let channel: Channel | null = null;
  let state: ConnectionState = 'connecting';
  let attempts = 0;
  let lastId = 0;

  function move(to: ConnectionState): void {
    if (state === to || state === 'closed') return;
    state = to;
    onState?.(to);
  }

  function isOver(): boolean {
    return state === 'closed' || state === 'refused';
  }

  async function open(): Promise<void> {
    try {
      const opened = await connect();
      if (isOver()) {
        opened.close();
        return;
      }
      channel = opened;
      attempts = 0;
      opened.onText(receive);
      opened.onClose(() => {
        if (channel !== opened) return;
        channel = null;
        rejectAll(new AppError('disconnected', 'The connection to the program was lost.'), (id) => !isWaiting(id));
        if (isOver()) return;
        move('lost');
        later();
      });
      move('connected');
      for (const message of waiting.splice(0)) opened.send(JSON.stringify(message));
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.code === 'permission') {
        move('refused');
        waiting = [];
        rejectAll(thrown, () => true);
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
      if (!isOver()) void open();
    }, delay);
  }

  function isWaiting(id: number): boolean {
    return waiting.some((message) => message.id === id);
  }

  function rejectAll(error: AppError, which: (id: number) => boolean): void {
    for (const [id, call] of pending) {
      if (!which(id)) continue;
      pending.delete(id);
      call.reject(error);
    }
  }

  function receive(text: string): void {
    const parsed = v.safeParse(fromHostSchema, parseJson(text));
    if (!parsed.success) return;
    const message = parsed.output;
    const call = pending.get(message.id);
    if (!call) return; // aborted meanwhile
    if (message.type === 'chunk') {
      call.options.onChunk?.(message.chunk);
      return;
    }
    pending.delete(message.id);
    if (message.type === 'result') call.resolve(message.output);
    else call.reject(deserializeError(message.error));
  }

  function post(message: ToHost): void {
    if (channel) channel.send(JSON.stringify(message));
    else waiting.push(message);
  }

  function call(procedure: string, input: unknown = {}, options: CallOptions<unknown> = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { signal } = options;
      if (signal?.aborted) throw new AppError('cancelled', 'Cancelled.');
      if (isOver()) throw new AppError('disconnected', 'There is no connection to the program.');
      const id = ++lastId;
      const onAbort = () => {
        if (!pending.delete(id)) return;
        if (isWaiting(id)) waiting = waiting.filter((message) => message.id !== id);
        else post({ type: 'cancel', id });
        reject(new AppError('cancelled', 'Cancelled.'));
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      const over = <T>(then: (value: T) => void) => {
        return (value: T) => {
          signal?.removeEventListener('abort', onAbort);
          then(value);
        };
      };
      pending.set(id, { options, resolve: over(resolve), reject: over(reject) });
      post({ type: 'call', id, procedure, input });
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
  void open();
  return {
    // Made from the contract's own keys; what the host answers it has checked against the contract's schemas.
    api: api as unknown as Client<C>,
    state: () => state,
    close: () => {
      move('closed');
      channel?.close();
      channel = null;
      waiting = [];
      rejectAll(new AppError('disconnected', 'The connection was closed.'), () => true);
    },
  };
}

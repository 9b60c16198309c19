// The side that answers: takes calls from a channel, checks their input, runs the handlers, checks what they answer (members
// that the contract does not name are dropped, so nothing leaks), and answers. It knows neither the kind of channel nor
// what the procedures do.
import * as v from 'valibot';
import type { Changing } from '../base/changing.ts';
import { AppError, serializeError, toAppError } from '../base/errors.ts';
import type { Channel } from './channel.ts';
import { toServerSchema, type FromServer } from './messages.ts';
import type { AnySchema, Contract, HandlerContext, Handlers, Signature } from './procedure.ts';
import { validate } from '../base/validate.ts';

type AnyHandler = (input: unknown, context: HandlerContext<unknown>) => unknown;

/** A procedure with what does its work. */
export interface Entry {
  readonly signature: Signature;
  readonly handle: AnyHandler;
}

export interface Served {
  /** Serves one connection until it closes; what it was still doing is then aborted. */
  serve(channel: Channel): void;
  /** Calls that have not been answered, over all connections. */
  pending(): number;
}

export interface TableOptions {
  /** Calls of one connection at a time; more are refused with `busy`. */
  readonly maxInFlight?: number;
  /** Errors of our own making, for the log. */
  readonly onInternalError?: (procedure: string, error: AppError) => void;
}

export interface ServeOptions extends TableOptions {
  /** Does the work of every command and stream: what has to be waited for before it, and after it before it is answered. */
  readonly around?: <T>(work: () => Promise<T>) => Promise<T>;
  /** Told what a command or a stream that succeeded has changed: every window is to hear of it. */
  readonly onChanged?: (what: readonly Changing[]) => void;
}

const MAX_IN_FLIGHT = 256;
const numbered = v.object({ type: v.literal('call'), id: v.pipe(v.number(), v.safeInteger(), v.minValue(1)) });

/** A page that sends so much that is no message is broken or hostile. */
const MAX_GARBAGE = 100;

export function serveContract<const C extends Contract>(
  contract: C,
  handlers: Handlers<C>,
  { around = (work) => work(), onChanged, ...options }: ServeOptions = {},
): Served {
  const table = new Map<string, Entry>();
  for (const [noun, procedures] of Object.entries(contract)) {
    for (const [name, procedure] of Object.entries(procedures)) {
      // Each handler gets the very input that its own schema gave.
      const handler = (handlers[noun] as Record<string, AnyHandler>)[name]!;
      const changing: AnyHandler = async (input, context) => {
        const output = await around(async () => handler(input, context));
        if (procedure.changes.length > 0) onChanged?.(procedure.changes);
        return output;
      };
      table.set(`${noun}.${name}`, {
        signature: procedure,
        handle: procedure.kind === 'query' ? handler : changing,
      });
    }
  }
  return serveTable(table, options);
}

/** @param table procedures by their names on the wire. */
export function serveTable(
  table: ReadonlyMap<string, Entry>,
  { maxInFlight = MAX_IN_FLIGHT, onInternalError }: TableOptions = {},
): Served {
  let inFlight = 0;

  async function run(name: string, input: unknown, context: HandlerContext<unknown>): Promise<unknown> {
    const entry = table.get(name);
    if (!entry) throw new AppError('unsupported', `There is no procedure "${name.slice(0, 100)}".`);
    const { signature, handle } = entry;
    const checked = validate(signature.input, input, name);
    const send = (chunk: unknown) => context.send(answerOf(signature.chunk, chunk, name));
    return answerOf(signature.output, await handle(checked, { signal: context.signal, send }), name);
  }

  function serve(channel: Channel): void {
    const calls = new Map<number, AbortController>();
    let isOpen = true;
    let garbage = 0;
    const answer = (message: FromServer) => {
      if (isOpen) channel.send(message);
    };

    async function take(id: number, name: string, input: unknown): Promise<void> {
      if (calls.has(id)) throw new AppError('usage', 'A call with this id is under way.');
      if (calls.size >= maxInFlight)
        throw new AppError('busy', 'Too many calls at once: wait for some to be answered.');
      const abort = new AbortController();
      calls.set(id, abort);
      inFlight += 1;
      const send = (chunk: unknown) => answer({ type: 'chunk', id, chunk });
      try {
        const output = await run(name, input, { signal: abort.signal, send });
        answer({ type: 'result', id, output }); // throws what cannot be carried: the caller must still hear of it
      } catch (thrown) {
        const error = toAppError(thrown);
        if (error.code === 'internal') onInternalError?.(name, error);
        throw abort.signal.aborted ? new AppError('cancelled', 'Cancelled.', { cause: thrown }) : error;
      } finally {
        calls.delete(id);
        inFlight -= 1;
      }
    }

    channel.onMessage((received) => {
      const parsed = v.safeParse(toServerSchema, received);
      if (!parsed.success) {
        garbage += 1;
        // Who can be told is told: a caller that made a mistake would wait for ever.
        const id = v.safeParse(numbered, received);
        const error = new AppError(
          'usage',
          `This is not a call: ${v.getDotPath(parsed.issues[0]) ?? ''} ${parsed.issues[0].message}`,
        );
        if (id.success) answer({ type: 'error', id: id.output.id, error: serializeError(error) });
        if (garbage > MAX_GARBAGE) channel.close();
        return;
      }
      const message = parsed.output;
      if (message.type === 'cancel') {
        calls.get(message.id)?.abort();
        return;
      }
      take(message.id, message.procedure, message.input).catch((thrown: unknown) =>
        answer({ type: 'error', id: message.id, error: serializeError(thrown) }),
      );
    });
    channel.onClose(() => {
      isOpen = false;
      for (const abort of calls.values()) abort.abort();
    });
  }

  return { serve, pending: () => inFlight };
}

/** @throws AppError `internal`: a handler that answers something else than the contract says is a bug of ours. */
function answerOf(schema: AnySchema, value: unknown, name: string): unknown {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new AppError(
    'internal',
    `${name} answered what its contract does not allow: ${v.getDotPath(issue) ?? ''} ${issue.message}`,
  );
}

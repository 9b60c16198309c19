// The host's side of the API: takes calls from a channel, checks them against the contract, runs the handlers, checks what
// they answer (members that the contract does not name are dropped, so nothing leaks), and answers. It knows neither the
// kind of channel nor what the procedures do.
import * as v from 'valibot';
import { AppError, serializeError, toAppError } from '../base/errors.ts';
import { parseJson, toHostSchema, type Channel, type FromHost } from './messages.ts';
import type { Contract, HandlerContext, Handlers, Procedure } from './procedure.ts';
import { validate } from '../base/validate.ts';

type AnyHandler = (input: unknown, context: HandlerContext<unknown>) => unknown;

export interface Served {
  /** Serves one connection until it closes; what it was still doing is then aborted. */
  serve(channel: Channel): void;
  /** Calls that have not been answered, over all connections. */
  pending(): number;
}

export interface ServeOptions {
  /** Calls of one connection at a time; more are refused with `busy`. */
  readonly maxInFlight?: number;
  /** Does the work of every command and stream: what has to be waited for before it, and after it before it is answered. */
  readonly around?: <T>(work: () => Promise<T>) => Promise<T>;
  /** Told of every command that succeeded: what it changed is worth telling to the other windows. */
  readonly onCommand?: (noun: string, name: string) => void;
  /** Errors of our own making, for the log. */
  readonly onInternalError?: (procedure: string, error: AppError) => void;
}

const MAX_IN_FLIGHT = 256;
/** A page that sends so much that is no message is broken or hostile. */
const MAX_GARBAGE = 100;

export function serveContract<const C extends Contract>(
  contract: C,
  handlers: Handlers<C>,
  { maxInFlight = MAX_IN_FLIGHT, around = (work) => work(), onCommand, onInternalError }: ServeOptions = {},
): Served {
  const table = new Map<string, { readonly procedure: Procedure; readonly handler: AnyHandler }>();
  for (const [noun, procedures] of Object.entries(contract)) {
    for (const [name, procedure] of Object.entries(procedures)) {
      // Each handler gets the very input that its own schema gave.
      table.set(`${noun}.${name}`, { procedure, handler: (handlers[noun] as Record<string, AnyHandler>)[name]! });
    }
  }
  let inFlight = 0;

  async function run(name: string, input: unknown, context: HandlerContext<unknown>): Promise<unknown> {
    const entry = table.get(name);
    if (!entry) throw new AppError('unsupported', `There is no procedure "${name.slice(0, 100)}".`);
    const { procedure, handler } = entry;
    const checked = validate(procedure.input, input, name);
    const send = (chunk: unknown) => context.send(answerOf(procedure.chunk, chunk, name));
    const work = async () => handler(checked, { signal: context.signal, send });
    const output = answerOf(procedure.output, await (procedure.kind === 'query' ? work() : around(work)), name);
    const [noun = '', verb = ''] = name.split('.');
    if (procedure.kind === 'command') onCommand?.(noun, verb);
    return output;
  }

  function serve(channel: Channel): void {
    const calls = new Map<number, AbortController>();
    let isOpen = true;
    let garbage = 0;
    const answer = (message: FromHost) => {
      if (isOpen) channel.send(JSON.stringify(message));
    };

    async function take(id: number, name: string, input: unknown): Promise<void> {
      if (calls.has(id)) throw new AppError('usage', 'A call with this id is under way.');
      if (calls.size >= maxInFlight)
        throw new AppError('busy', 'Too many calls at once: wait for some to be answered.');
      const abort = new AbortController();
      calls.set(id, abort);
      inFlight += 1;
      const send = (chunk: unknown) => {
        if (!abort.signal.aborted) answer({ type: 'chunk', id, chunk });
      };
      try {
        const output = await run(name, input, { signal: abort.signal, send });
        answer({ type: 'result', id, output });
      } catch (thrown) {
        const error = toAppError(thrown);
        if (error.code === 'internal') onInternalError?.(name, error);
        throw abort.signal.aborted ? new AppError('cancelled', 'Cancelled.') : error;
      } finally {
        calls.delete(id);
        inFlight -= 1;
      }
    }

    channel.onText((text) => {
      const parsed = v.safeParse(toHostSchema, parseJson(text));
      if (!parsed.success) {
        garbage += 1;
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
function answerOf(schema: Procedure['output'], value: unknown, name: string): unknown {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new AppError(
    'internal',
    `${name} answered what its contract does not allow: ${v.getDotPath(issue) ?? ''} ${issue.message}`,
  );
}

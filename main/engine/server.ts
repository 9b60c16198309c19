// The engine's side of the protocol: takes requests from a channel, runs the tasks of a table, answers. It knows neither
// the tasks nor the kind of channel.
import * as v from 'valibot';
import { AppError, serializeError } from '../contract/base/errors.ts';
import { validate } from '../contract/base/validate.ts';
import type { DeviceName, Runtime } from '../core/onnx/runtime.ts';
import { fallbackOf, type Placement } from './placement.ts';
import { createProgressMeter } from './progressMeter.ts';
import { toEngineSchema, type FromEngine, type ToEngine } from './protocol.ts';
import type { Lane, TaskTable } from './task.ts';

/** The engine's end of a process IPC channel or of a MessagePort. */
export interface EngineChannel {
  /** @throws when the message cannot be cloned. */
  send(message: FromEngine): void;
  onMessage(listener: (message: unknown) => void): void;
}

export interface ServerOptions {
  readonly createRuntime: (device: DeviceName, options: { onPlacement: (placement: Placement) => void }) => Runtime;
  /** Called once after a `stop`, when no task is left. */
  readonly onStopped: () => void;
}

type StartRequest = Extract<ToEngine, { type: 'start' }>;

interface Request {
  readonly start: StartRequest;
  readonly lane: Lane;
  readonly abort: AbortController;
}

export function serveTasks(channel: EngineChannel, tasks: TaskTable, options: ServerOptions): void {
  const requests = new Map<number, Request>();
  const waiting: Record<Lane, Request[]> = { long: [], quick: [], live: [] };
  const busy: Record<Lane, boolean> = { long: false, quick: false, live: false };
  let isStopping = false;

  /** A runtime that tells the caller when operators of its graphs fall back to the CPU; once for each set of them. */
  function runtimeOf(id: number, device: DeviceName): Runtime {
    const told = new Set<string>();
    return options.createRuntime(device, {
      onPlacement: (placement) => {
        const fallback = fallbackOf(placement, device);
        if (!fallback || told.has(JSON.stringify(fallback))) return;
        told.add(JSON.stringify(fallback));
        channel.send({ type: 'fallback', id, fallback });
      },
    });
  }

  async function run({ start, abort }: Request): Promise<FromEngine> {
    const { id } = start;
    const task = tasks[start.task];
    if (!task) return { type: 'error', id, error: serializeError(new AppError('internal', `No task ${start.task}.`)) };
    const meter = createProgressMeter((progress) => channel.send({ type: 'progress', id, progress }));
    try {
      abort.signal.throwIfAborted();
      const output = await task.run(validate(task.input, start.input, start.task), {
        runtime: runtimeOf(id, start.device),
        signal: abort.signal,
        onWork: meter.onWork,
        onChunk: (chunk: unknown) => channel.send({ type: 'chunk', id, chunk }),
        log: (line) => channel.send({ type: 'log', id, line }),
      });
      meter.flush();
      return { type: 'result', id, output };
    } catch (thrown) {
      // Whatever an aborted task trips over, the caller asked for the end.
      const error = abort.signal.aborted ? new AppError('cancelled', 'Cancelled.', { cause: thrown }) : thrown;
      return { type: 'error', id, error: serializeError(error) };
    }
  }

  function answer(message: FromEngine, id: number): void {
    try {
      channel.send(message);
    } catch (thrown) {
      // Most likely the output cannot be cloned: the caller must still hear of it.
      channel.send({ type: 'error', id, error: serializeError(thrown) });
    }
  }

  function finish(request: Request, message: FromEngine): void {
    requests.delete(request.start.id);
    answer(message, request.start.id);
    if (isStopping && requests.size === 0) options.onStopped();
  }

  async function drain(lane: Lane): Promise<void> {
    if (busy[lane]) return;
    busy[lane] = true;
    for (let next = waiting[lane].shift(); next; next = waiting[lane].shift()) finish(next, await run(next));
    busy[lane] = false;
  }

  function start(message: StartRequest): void {
    const lane = tasks[message.task]?.lane ?? 'quick';
    const request: Request = { start: message, lane, abort: new AbortController() };
    requests.set(message.id, request);
    waiting[lane].push(request);
    void drain(lane);
  }

  function cancel(id: number): void {
    const request = requests.get(id);
    if (!request) return; // it ended while the message was under way
    request.abort.abort();
    const place = waiting[request.lane].indexOf(request);
    if (place === -1) return;
    waiting[request.lane].splice(place, 1);
    finish(request, { type: 'error', id, error: serializeError(new AppError('cancelled', 'Cancelled.')) });
  }

  channel.onMessage((received) => {
    const parsed = v.safeParse(toEngineSchema, received);
    if (!parsed.success) return; // not ours: both sides are of one build
    const message = parsed.output;
    if (message.type === 'start' && !isStopping) start(message);
    else if (message.type === 'cancel') cancel(message.id);
    else if (message.type === 'stop') {
      isStopping = true;
      for (const id of [...requests.keys()]) cancel(id);
      if (requests.size === 0) options.onStopped();
    }
  });
  channel.send({ type: 'ready' });
}

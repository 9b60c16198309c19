// The host's side of the engine: typed calls into another process. It starts the process with the first call, rejects what
// was pending when the process dies, and starts it again with the next call. Nothing here waits for a process that is gone.
import * as v from 'valibot';
import { AppError, deserializeError } from '../contract/base/errors.ts';
import type { Progress } from '../contract/base/progress.ts';
import type { DeviceName } from '../core/onnx/runtime.ts';
import type { EngineExit, EngineLauncher, EngineProcess } from './launcher.ts';
import type { Fallback } from './placement.ts';
import { fromEngineSchema, type ToEngine } from './protocol.ts';
import type { TaskChunk, TaskInput, TaskOutput, TaskTable } from './task.ts';

export interface CallOptions<Chunk> {
  /** Where the task computes; 'cpu' by default. */
  readonly device?: DeviceName;
  /** Aborting asks the task to end: the call then rejects with `cancelled` as soon as the task has put things in order. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  readonly onChunk?: (chunk: Chunk) => void;
  /** Operators of the task's graphs that ran on the CPU although `device` is another. */
  readonly onFallback?: (fallback: Fallback) => void;
  readonly onLog?: (line: string) => void;
}

export interface Engine<Table extends TaskTable> {
  /**
   * @throws AppError as the task threw it; `cancelled`; `engine-crashed` when the process died, with its exit code or
   * signal and the last lines it wrote.
   */
  run<Name extends keyof Table & string>(
    task: Name,
    input: TaskInput<Table[Name]>,
    options?: CallOptions<TaskChunk<Table[Name]>>,
  ): Promise<TaskOutput<Table[Name]>>;
  /** Cancels what runs and ends the process; by force when it does not end by itself in time. */
  stop(): Promise<void>;
  /** Ends the process at once. Nothing on disk is damaged by it: every file appears whole or not at all. */
  kill(): void;
}

export interface EngineOptions {
  /** How long a cancelled task and a stopped process may take before the process is killed. */
  readonly patienceMs?: number;
  /** A process that dies more often than this within a minute is not started again until the minute has passed. */
  readonly maxCrashesPerMinute?: number;
}

interface Call {
  readonly task: string;
  readonly options: CallOptions<unknown>;
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: AppError) => void;
  isCancelled: boolean;
}

interface Incarnation {
  readonly process: EngineProcess;
  readonly calls: Map<number, Call>;
  /** Messages that wait until the process is ready to read them. */
  queued: ToEngine[] | null;
  readonly ended: Promise<void>;
}

export function createEngine<Table extends TaskTable>(
  launch: EngineLauncher,
  { patienceMs = 30_000, maxCrashesPerMinute = 3 }: EngineOptions = {},
): Engine<Table> {
  let current: Incarnation | undefined;
  let lastId = 0;
  let crashes: { at: number; error: AppError }[] = [];

  function send(engine: Incarnation, message: ToEngine): void {
    if (engine.queued) engine.queued.push(message);
    else engine.process.send(message);
  }

  function start(): Incarnation {
    crashes = crashes.filter(({ at }) => performance.now() - at < 60_000);
    const last = crashes.at(-1);
    if (last && crashes.length >= maxCrashesPerMinute) {
      throw new AppError(
        'engine-crashed',
        `The engine crashed ${crashes.length} times within a minute and is not started again for now. ${last.error.message}`,
        { details: last.error.details },
      );
    }
    const process = launch();
    const calls = new Map<number, Call>();
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const engine: Incarnation = { process, calls, queued: [], ended };
    process.onMessage((message) => receive(engine, message));
    process.onExit((exit) => {
      if (current === engine) current = undefined;
      for (const call of calls.values()) {
        call.reject(call.isCancelled ? new AppError('cancelled', 'Cancelled.') : crashError(call.task, exit));
      }
      if (calls.size > 0 || exit.code !== 0) {
        crashes.push({ at: performance.now(), error: crashError(calls.values().next().value?.task, exit) });
      }
      calls.clear();
      resolve();
    });
    return engine;
  }

  function receive(engine: Incarnation, received: unknown): void {
    const parsed = v.safeParse(fromEngineSchema, received);
    if (!parsed.success) return;
    const message = parsed.output;
    if (message.type === 'ready') {
      const { queued } = engine;
      engine.queued = null;
      for (const waiting of queued ?? []) engine.process.send(waiting);
      return;
    }
    const call = engine.calls.get(message.id);
    if (!call) return;
    switch (message.type) {
      case 'progress':
        return call.options.onProgress?.(message.progress);
      case 'chunk':
        return call.options.onChunk?.(message.chunk);
      case 'fallback':
        return call.options.onFallback?.(message.fallback);
      case 'log':
        return call.options.onLog?.(message.line);
      case 'result':
        engine.calls.delete(message.id);
        return call.resolve(message.output);
      case 'error':
        engine.calls.delete(message.id);
        return call.reject(deserializeError(message.error));
    }
  }

  function cancel(engine: Incarnation, id: number): void {
    const call = engine.calls.get(id);
    if (!call || call.isCancelled) return;
    call.isCancelled = true;
    send(engine, { type: 'cancel', id });
    setTimeout(() => {
      if (engine.calls.has(id)) engine.process.kill();
    }, patienceMs).unref();
  }

  function run(task: string, input: unknown, options: CallOptions<unknown> = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (options.signal?.aborted) throw new AppError('cancelled', 'Cancelled.');
      const engine = (current ??= start());
      const id = ++lastId;
      const onAbort = () => cancel(engine, id);
      options.signal?.addEventListener('abort', onAbort, { once: true });
      const settle =
        <T>(then: (value: T) => void) =>
        (value: T) => {
          options.signal?.removeEventListener('abort', onAbort);
          then(value);
        };
      engine.calls.set(id, { task, options, resolve: settle(resolve), reject: settle(reject), isCancelled: false });
      send(engine, { type: 'start', id, task, device: options.device ?? 'cpu', input });
    });
  }

  return {
    // The table's types are those of the very functions that run on the other side: same build, input checked there.
    run: run as Engine<Table>['run'],
    stop: async () => {
      const engine = current;
      if (!engine) return;
      current = undefined;
      for (const id of engine.calls.keys()) cancel(engine, id);
      send(engine, { type: 'stop' });
      const timer = setTimeout(() => engine.process.kill(), patienceMs);
      await engine.ended;
      clearTimeout(timer);
    },
    kill: () => current?.process.kill(),
  };
}

function crashError(task: string | undefined, { code, signal, lastLines }: EngineExit): AppError {
  const how = signal === null ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`;
  // Native code and Node both end with a stack trace; the reason stands before it.
  const trace = lastLines.findIndex((line) => /stack trace|^\s+at /i.test(line));
  const beforeTrace = trace === -1 ? lastLines : lastLines.slice(0, trace);
  const reason =
    beforeTrace.findLast((line) => /error|fatal|terminate called|failed/i.test(line)) ?? beforeTrace.at(-1);
  return new AppError(
    'engine-crashed',
    `The engine process died (${how})${task === undefined ? '' : ` while it was running "${task}"`}.` +
      (reason === undefined ? '' : ` Its last words: ${reason.trim()}`),
    { details: { exitCode: code, signal, lastLines: [...lastLines] } },
  );
}

// The host's side of the engine: typed calls into another process. It starts the process with the first call, rejects what
// was pending when the process dies, and starts it again with the next call. Nothing here waits for a process that is gone.
import { AppError } from '../contract/base/errors.ts';
import type { Progress } from '../contract/base/progress.ts';
import { cancelled, openCalls, type Calls } from '../contract/rpc/calls.ts';
import type { CallOptions, ChunkOf, InputOf, OutputOf } from '../contract/rpc/procedure.ts';
import type { DeviceName } from '../core/onnx/runtime.ts';
import type { EngineExit, EngineLauncher, EngineProcess } from './launcher.ts';
import type { Fallback } from './placement.ts';
import type { TaskCall, TaskNews, TaskTable } from './task.ts';

/** Aborting asks the task to end: the call then rejects with `cancelled` as soon as the task has put things in order. */
export interface TaskOptions<Chunk> extends CallOptions<Chunk> {
  /** Where the task computes; 'cpu' by default. */
  readonly device?: DeviceName;
  readonly onProgress?: (progress: Progress) => void;
  /** A line of the task's log. */
  readonly onLog?: (line: string) => void;
  /** Operators of the task's graphs that ran on the CPU although `device` is another. */
  readonly onFallback?: (fallback: Fallback) => void;
}

export interface Engine<Table extends TaskTable> {
  /**
   * @throws AppError as the task threw it; `cancelled`; `engine-crashed` when the process died, with its exit code or
   * signal and the last lines it wrote.
   */
  run<Name extends keyof Table & string>(
    task: Name,
    input: InputOf<Table[Name]>,
    options?: TaskOptions<ChunkOf<Table[Name]>>,
  ): Promise<OutputOf<Table[Name]>>;
  /** Cancels what runs, waits until it has ended or its time is up, and ends the process. */
  stop(): Promise<void>;
  /** Ends the process at once. Nothing on disk is damaged by it: every file appears whole or not at all. */
  kill(): void;
}

export interface EngineOptions {
  /** How long a cancelled task may take before the process is killed. */
  readonly patienceMs?: number;
  /** A process that dies more often than this within a minute is not started again until the minute has passed. */
  readonly maxCrashesPerMinute?: number;
}

/** One process, from its start to its end. */
interface Incarnation {
  readonly process: EngineProcess;
  readonly calls: Calls;
  /** The calls that run, and how each is cancelled. */
  readonly running: Map<Promise<unknown>, AbortController>;
  readonly ended: Promise<void>;
}

export function createEngine<Table extends TaskTable>(
  launch: EngineLauncher,
  { patienceMs = 30_000, maxCrashesPerMinute = 3 }: EngineOptions = {},
): Engine<Table> {
  let current: Incarnation | undefined;
  let crashes: { at: number; error: AppError }[] = [];

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
    const calls = openCalls(process, 'wait for the answer');
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const engine: Incarnation = { process, calls, running: new Map(), ended };
    process.onExit((exit) => {
      const isUnexpected = current === engine && (engine.running.size > 0 || exit.code !== 0); // else it was stopped
      if (current === engine) current = undefined;
      if (isUnexpected) crashes.push({ at: performance.now(), error: crashError(undefined, exit) });
      calls.end((task) => crashError(task, exit));
      resolve();
    });
    return engine;
  }

  async function run(
    task: string,
    input: unknown,
    { device = 'cpu', signal, onChunk, onProgress, onFallback, onLog }: TaskOptions<unknown> = {},
  ): Promise<unknown> {
    if (signal?.aborted) throw cancelled();
    const engine = (current ??= start());
    const abort = new AbortController();
    const onAbort = () => abort.abort();
    signal?.addEventListener('abort', onAbort, { once: true });
    const tell = (news: TaskNews) => {
      if (news.type === 'progress') onProgress?.(news.progress);
      else if (news.type === 'chunk') onChunk?.(news.chunk);
      else if (news.type === 'fallback') onFallback?.(news.fallback);
      else onLog?.(news.line);
    };
    const call = engine.calls.call(task, { device, input } satisfies TaskCall, {
      signal: abort.signal,
      onChunk: (news) => tell(news as TaskNews), // of our own engine
    });
    let timer: NodeJS.Timeout | undefined;
    abort.signal.addEventListener('abort', () => {
      timer = setTimeout(() => engine.process.kill(), patienceMs).unref();
    });
    engine.running.set(call, abort);
    try {
      return await call;
    } finally {
      clearTimeout(timer);
      engine.running.delete(call);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  return {
    // The table's types are those of the very functions that run on the other side: same build, input checked there.
    run: run as Engine<Table>['run'],
    stop: async () => {
      const engine = current;
      if (!engine) return;
      current = undefined;
      for (const abort of engine.running.values()) abort.abort();
      await Promise.allSettled(engine.running.keys()); // the impatient timer of each sees to it
      engine.process.kill();
      await engine.ended;
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

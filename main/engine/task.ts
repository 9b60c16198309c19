// What the engine process can be asked to do. A task is defined once: the schema of its input, its function, and so its
// types on both sides. A host imports the *types* of the table only, never the code.
import type * as v from 'valibot';
import type { OnWork } from '../contract/base/progress.ts';
import type { Runtime } from '../core/onnx/runtime.ts';

export interface TaskContext<Chunk = never> {
  /** The engine on the device that the caller chose. */
  readonly runtime: Runtime;
  /** Aborted when the caller cancels. Look at it between runs: run() blocks the thread, so nothing else can happen then. */
  readonly signal: AbortSignal;
  readonly onWork: OnWork;
  /** Sends a part of a streamed result. */
  readonly onChunk: (chunk: Chunk) => void;
  /** A line for people: a fallback, a file skipped. */
  readonly log: (line: string) => void;
}

/**
 * Long tasks (capture, training, export) run one after another in the order they came: each may need most of the memory.
 * Quick ones have a queue of their own, and so go on between the runs of a long one; live ones, which answer while a slider
 * is moved, wait for neither.
 */
export type Lane = 'long' | 'quick' | 'live';

export interface Task<Schema extends v.GenericSchema, Output, Chunk> {
  readonly lane: Lane;
  readonly input: Schema;
  readonly run: (input: v.InferOutput<Schema>, context: TaskContext<Chunk>) => Promise<Output>;
}

/** Gives a task its types. */
export function defineTask<const Schema extends v.GenericSchema, Output, Chunk = never>(
  task: Task<Schema, Output, Chunk>,
): Task<Schema, Output, Chunk> {
  return task;
}

/** A task of any type: its input is checked against its own schema before it runs. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the one place where tasks of different types stand in one table
export type AnyTask = Task<any, unknown, any>;
export type TaskTable = Readonly<Record<string, AnyTask>>;

export type TaskInput<T extends AnyTask> = v.InferInput<T['input']>;
export type TaskOutput<T extends AnyTask> = Awaited<ReturnType<T['run']>>;
export type TaskChunk<T extends AnyTask> = Parameters<Parameters<T['run']>[1]['onChunk']>[0];

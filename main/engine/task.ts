// What the engine process can be asked to do. A task is defined once: the schema of its input, its function, and so its
// types on both sides. A host imports the *types* of the table only, never the code, which needs ONNX Runtime.
//
// A task is a procedure of contract/rpc whose input is checked (it also has defaults to fill in) and whose output and chunks
// are typed without a check. The types are those of the very function that runs, so a second description of them could only
// disagree; and arrays pass as they are.
import type * as v from 'valibot';
import type { OnWork, Progress } from '../contract/base/progress.ts';
import { typed, type AnySchema, type Signature } from '../contract/rpc/procedure.ts';
import type { DeviceName, Runtime } from '../core/onnx/runtime.ts';
import type { Fallback } from './placement.ts';

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
 * is moved, wait for neither; and what waits for the network lets nobody wait for it. Shared ones run all at once: they put
 * what they compute into one batch.
 */
export type Lane = 'long' | 'quick' | 'live' | 'network' | 'shared';

export interface Task<Input extends AnySchema, Output, Chunk> extends Signature<
  Input,
  v.GenericSchema<Output>,
  v.GenericSchema<Chunk>
> {
  readonly lane: Lane;
  readonly run: (input: v.InferOutput<Input>, context: TaskContext<Chunk>) => Promise<Output>;
}

/** Gives a task its types. */
export function defineTask<const Input extends AnySchema, Output, Chunk = never>(
  task: Omit<Task<Input, Output, Chunk>, 'output' | 'chunk'>,
): Task<Input, Output, Chunk> {
  return { ...task, output: typed<Output>(), chunk: typed<Chunk>() };
}

/** A task of any type: its input is checked against its own schema before it runs. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the one place where tasks of different types stand in one table
export type AnyTask = Task<any, any, any>;
export type TaskTable = Readonly<Record<string, AnyTask>>;

/** How a call of a task travels: with the device that is to compute. */
export interface TaskCall {
  readonly device: DeviceName;
  readonly input: unknown;
}

/** What a task tells while it runs. */
export type TaskNews =
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'chunk'; readonly chunk: unknown }
  /** Operators of its graphs that ran on the CPU although the device is another. */
  | { readonly type: 'fallback'; readonly fallback: Fallback }
  | { readonly type: 'log'; readonly line: string };

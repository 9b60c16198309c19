// The workbench's way to the engine process.
import type { ChunkOf, InputOf, OutputOf } from '../contract/rpc/procedure.ts';
import type { TaskOptions } from '../engine/engine.ts';
import type { Tasks } from '../engine/tasks.ts';

/** The device and what is told of it are the host's to choose. */
export type ComputeOptions<Chunk> = Omit<TaskOptions<Chunk>, 'device' | 'onFallback'>;

/** Runs a task in the engine process, on the device that the host chose. */
export type Compute = <Name extends keyof Tasks>(
  task: Name,
  input: InputOf<Tasks[Name]>,
  options?: ComputeOptions<ChunkOf<Tasks[Name]>>,
) => Promise<OutputOf<Tasks[Name]>>;

// What every host starts: an open project, and a way to compute. The operations of the product are functions on it, one
// file per noun beside this one; a host only asks for them and shows what they tell.
import type { ChunkOf, InputOf, OutputOf } from '../contract/rpc/procedure.ts';
import type { TaskOptions } from '../engine/engine.ts';
import type { Tasks } from '../engine/tasks.ts';
import type { Project } from '../storage/project/project.ts';
import type { LiveCurves } from './liveCurves.ts';
import type { Speed } from './speed.ts';

/** The device and what is told of it are the host's to choose. */
export type ComputeOptions<Chunk> = Omit<TaskOptions<Chunk>, 'device' | 'onFallback'>;

/** Runs a task in the engine process, on the device that the host chose. */
export type Compute = <Name extends keyof Tasks>(
  task: Name,
  input: InputOf<Tasks[Name]>,
  options?: ComputeOptions<ChunkOf<Tasks[Name]>>,
) => Promise<OutputOf<Tasks[Name]>>;

export interface Workbench {
  readonly project: Project;
  readonly compute: Compute;
  /** In an engine process of its own, which ends with the task; as `compute` where a host has none to spare. */
  readonly computeAfresh?: Compute;
  /** Of the device that `compute` computes on. */
  readonly speed: Speed;
  /** Of the runs that this process trains. */
  readonly curves: LiveCurves;
}

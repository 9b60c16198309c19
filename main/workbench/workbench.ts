// What every host starts: an open project, and a way to compute. The operations of the product are functions on it, one
// file per noun beside this one; a host only asks for them and shows what they tell.
import type { Progress } from '../contract/base/progress.ts';
import type { TaskChunk, TaskInput, TaskOutput } from '../engine/task.ts';
import type { Tasks } from '../engine/tasks.ts';
import type { Project } from '../storage/project/project.ts';

export interface ComputeOptions<Chunk> {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  readonly onChunk?: (chunk: Chunk) => void;
  /** Lines for the job's log. */
  readonly onLog?: (line: string) => void;
}

/** Runs a task in the engine process, on the device that the host chose. */
export type Compute = <Name extends keyof Tasks>(
  task: Name,
  input: TaskInput<Tasks[Name]>,
  options?: ComputeOptions<TaskChunk<Tasks[Name]>>,
) => Promise<TaskOutput<Tasks[Name]>>;

export interface Workbench {
  readonly project: Project;
  readonly compute: Compute;
  /** In an engine process of its own, which ends with the task; as `compute` where a host has none to spare. */
  readonly computeAfresh?: Compute;
}

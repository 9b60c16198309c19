// What every host starts: an open project, and a way to compute. The operations of the product are functions on it, one
// file per noun beside this one; a host only asks for them and shows what they tell.
import { AppError } from '../contract/base/errors.ts';
import type { Progress } from '../contract/base/progress.ts';
import type { TaskChunk, TaskInput, TaskOutput } from '../engine/task.ts';
import type { Tasks } from '../engine/tasks.ts';
import { runJob, type JobContext } from '../jobs/runJob.ts';
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

/**
 * Does `work` as a job of the project. One that does the same and stopped before its end goes on; else one is added.
 * @param isSame tells from a job's description whether it does the same; by default when it reads the same.
 * @throws AppError `locked` when another process is doing the same: they would write to one folder.
 */
export async function asJob<T>(
  { project }: Workbench,
  kind: string,
  description: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
  work: (context: JobContext) => Promise<T>,
  isSame: (description: unknown) => boolean = (other) => JSON.stringify(other) === JSON.stringify(description),
): Promise<T> {
  const { jobs } = project;
  const same = jobs
    .list(['queued', 'running', 'paused', 'interrupted', 'cancelled', 'failed'])
    .findLast((job) => job.kind === kind && isSame(job.description));
  if (same?.state === 'running' || same?.state === 'paused') {
    throw new AppError(
      'locked',
      `Another process has this job: ${project.otherHolders().join(', ')}. Wait for it, or end it and try again.`,
    );
  }
  const { id } = same ?? jobs.add(kind, description);
  if (same && same.state !== 'queued') jobs.move(id, 'queued');
  return runJob(jobs, id, (_job, context) => work(context), { signal });
}

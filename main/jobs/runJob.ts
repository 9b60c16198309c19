// One job from start to end, with its state kept: whatever happens to this process, the repository tells afterwards what
// became of it.
import { serializeError, toAppError } from '../contract/base/errors.ts';
import type { Progress } from '../contract/base/progress.ts';
import type { JobRecord, JobRepository } from './job.ts';

export interface JobContext {
  /** Asks the work to stop; it leaves a checkpoint and throws. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  /** A line for the job's log. */
  readonly onLog?: (line: string) => void;
}

export interface RunJobOptions {
  readonly signal: AbortSignal;
  /** What the job is when it stopped because of the signal; cancelled by default. */
  readonly stoppedAs?: () => 'paused' | 'cancelled';
  readonly onProgress?: (progress: Progress) => void;
  readonly onLog?: (line: string) => void;
  /** Progress is kept no more often: each time is a write to the disk. */
  readonly keepProgressMs?: number;
}

/**
 * @param id of a job that is queued, paused or interrupted.
 * @throws AppError of the work; `conflict` when another process has the job.
 */
export async function runJob<T>(
  repository: JobRepository,
  id: string,
  work: (job: JobRecord, context: JobContext) => Promise<T>,
  options: RunJobOptions,
): Promise<T> {
  const { signal, stoppedAs = () => 'cancelled', keepProgressMs = 2000 } = options;
  const job = repository.move(id, 'running');
  let keptAt = -Infinity;
  let held: Progress | null = null;
  const onProgress = (progress: Progress) => {
    options.onProgress?.(progress);
    held = progress;
    if (performance.now() - keptAt >= keepProgressMs) keep();
  };
  const keep = () => {
    if (held) repository.setProgress(id, held);
    keptAt = performance.now();
    held = null;
  };
  let output: T;
  try {
    output = await work(job, { signal, onProgress, ...(options.onLog ? { onLog: options.onLog } : {}) });
  } catch (thrown) {
    const error = toAppError(thrown);
    try {
      keep(); // what was reached stays visible
      if (signal.aborted) repository.move(id, stoppedAs());
      // A crashed engine is no fault of the job: it goes on from its checkpoint.
      else repository.move(id, error.code === 'engine-crashed' ? 'interrupted' : 'failed', serializeError(error));
    } catch {
      // The disk is full, or another host has moved the job: the first error is the one worth telling.
    }
    throw error;
  }
  keep(); // plans of later jobs are estimated from it
  repository.move(id, 'succeeded');
  return output;
}

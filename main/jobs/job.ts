// A job: long work as a serialisable description, so that it outlives the process that runs it (and could one day run
// elsewhere). queued → running ⇄ paused → succeeded | failed | cancelled | interrupted; what was interrupted, failed or
// cancelled can go on from its last checkpoint.
import type { SerializedError } from '../contract/base/errors.ts';
import type { JobState } from '../contract/domain/job.ts';

export interface JobRecord {
  readonly id: string;
  readonly kind: string;
  /** What is to be done: JSON, understood by whatever executes jobs of this kind. */
  readonly description: unknown;
  readonly state: JobState;
  readonly error: SerializedError | null;
}

/** Where jobs are kept. Moves that the states do not allow are refused with `conflict`. */
export interface JobRepository {
  add(kind: string, description: unknown): JobRecord;
  get(id: string): JobRecord;
  list(states?: readonly JobState[]): readonly JobRecord[];
  move(id: string, to: JobState, error?: SerializedError | null): JobRecord;
  setProgress(id: string, progress: unknown): void;
}

// Runs a project's jobs one after another, in the order in which they were queued, and keeps their states: whatever
// happens to this process, the repository tells afterwards what was under way.
//
// Pausing and cancelling are the same to the work: it is asked to stop, and leaves a checkpoint. What differs is the state.
import { AppError, serializeError, toAppError } from '../contract/errors.ts';
import type { Progress } from '../contract/progress.ts';
import type { JobRecord, JobRepository } from './job.ts';

export interface JobContext {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  /** It ran before, and may find a checkpoint. */
  readonly isResumed: boolean;
}

/** Does the work of one kind of job. */
export type Execute = (description: unknown, context: JobContext) => Promise<unknown>;

export interface JobRunnerOptions {
  readonly repository: JobRepository;
  readonly kinds: Readonly<Record<string, Execute>>;
  readonly onProgress?: (id: string, progress: Progress) => void;
  /** Progress is kept no more often: each time is a write to the disk. */
  readonly keepProgressMs?: number;
}

interface Waiting {
  readonly id: string;
  readonly isResumed: boolean;
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: AppError) => void;
}

type StopState = 'paused' | 'cancelled';

export class JobRunner {
  readonly #options: JobRunnerOptions;
  readonly #queue: Waiting[] = [];
  #current: { readonly id: string; readonly abort: AbortController; stopAs: StopState } | null = null;

  constructor(options: JobRunnerOptions) {
    this.#options = options;
  }

  /**
   * Marks what a dead process left running as interrupted. Only to be called when no other process has the project open.
   * @returns those jobs.
   */
  recover(): readonly JobRecord[] {
    const { repository } = this.#options;
    return repository
      .list(['running', 'paused'])
      .filter(({ id }) => id !== this.#current?.id)
      .map(({ id }) => repository.move(id, 'interrupted'));
  }

  /** @returns the job's id at once, and its output when it has succeeded. */
  submit(kind: string, description: unknown): { readonly id: string; readonly output: Promise<unknown> } {
    this.#executorOf(kind);
    const { id } = this.#options.repository.add(kind, description);
    return { id, output: this.#enqueue(id, false) };
  }

  /** Lets a job go on that was paused, interrupted, cancelled or failed. @throws AppError `not-found`, `conflict`. */
  resume(id: string): Promise<unknown> {
    const { repository } = this.#options;
    const { kind, state } = repository.get(id);
    this.#executorOf(kind);
    if (this.#current?.id === id || this.#queue.some((waiting) => waiting.id === id)) {
      throw new AppError('conflict', 'The job is running or waiting already.');
    }
    // A paused job goes straight on when its turn comes.
    if (state !== 'queued' && state !== 'paused') repository.move(id, 'queued');
    return this.#enqueue(id, true);
  }

  /** The work stops at its next checkpoint; its promise rejects with `cancelled`. @throws AppError `conflict`. */
  pause(id: string): void {
    if (this.#current?.id !== id) throw new AppError('conflict', 'Only a running job can be paused.');
    this.#stop('paused');
  }

  /** @throws AppError `not-found`, `conflict` when it is over. */
  cancel(id: string): void {
    if (this.#current?.id === id) {
      this.#stop('cancelled');
      return;
    }
    this.#options.repository.move(id, 'cancelled');
    const place = this.#queue.findIndex((waiting) => waiting.id === id);
    if (place >= 0) this.#queue.splice(place, 1)[0]?.reject(new AppError('cancelled', 'Cancelled.'));
  }

  #stop(stopAs: StopState): void {
    if (!this.#current) return;
    this.#current.stopAs = stopAs;
    this.#current.abort.abort();
  }

  #executorOf(kind: string): Execute {
    const execute = this.#options.kinds[kind];
    if (execute) return execute;
    throw new AppError('unsupported', `There are no jobs of the kind "${kind}".`);
  }

  #enqueue(id: string, isResumed: boolean): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ id, isResumed, resolve, reject });
      void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    if (this.#current) return;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) await this.#run(next);
  }

  async #run({ id, isResumed, resolve, reject }: Waiting): Promise<void> {
    const { repository, onProgress, keepProgressMs = 2000 } = this.#options;
    const current = { id, abort: new AbortController(), stopAs: 'cancelled' as StopState };
    this.#current = current;
    let keptAt = -Infinity;
    try {
      const { kind, description } = repository.move(id, 'running');
      const output = await this.#executorOf(kind)(description, {
        signal: current.abort.signal,
        isResumed,
        onProgress: (progress) => {
          onProgress?.(id, progress);
          if (performance.now() - keptAt < keepProgressMs) return;
          keptAt = performance.now();
          repository.setProgress(id, progress);
        },
      });
      repository.move(id, 'succeeded');
      resolve(output);
    } catch (thrown) {
      const error = toAppError(thrown);
      try {
        if (current.abort.signal.aborted) repository.move(id, current.stopAs);
        // A crashed engine is no fault of the job: it goes on from its checkpoint.
        else if (error.code === 'engine-crashed') repository.move(id, 'interrupted', serializeError(error));
        else repository.move(id, 'failed', serializeError(error));
      } catch {
        // The disk is full, or another host has moved the job: the first error is the one worth telling.
      }
      reject(error);
    } finally {
      this.#current = null;
    }
  }
}

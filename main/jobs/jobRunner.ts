// Runs a project's jobs one after another, in the order in which they were queued. Pausing and cancelling are the same to
// the work: it is asked to stop, and leaves a checkpoint. What differs is the state.
import { AppError, toAppError } from '../contract/base/errors.ts';
import type { Progress } from '../contract/base/progress.ts';
import type { JobRepository } from './job.ts';
import { runJob, type JobContext } from './runJob.ts';

/** Does the work of one kind of job. `isResumed`: it ran before, and may find a checkpoint. */
export type Execute = (description: unknown, context: JobContext & { readonly isResumed: boolean }) => Promise<unknown>;

export interface JobRunnerOptions {
  readonly repository: JobRepository;
  /** By the names of their kinds. */
  readonly kinds: ReadonlyMap<string, Execute>;
  readonly onProgress?: (id: string, progress: Progress) => void;
  readonly onLog?: (id: string, line: string) => void;
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

  /** The job that is running now. */
  get current(): string | null {
    return this.#current?.id ?? null;
  }

  /** Whether this process runs the job, or will when its turn comes. */
  holds(id: string): boolean {
    return this.#current?.id === id || this.#queue.some((waiting) => waiting.id === id);
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
    if (this.holds(id)) {
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

  /** Lets go of what waits: it stays queued in the repository, for whoever opens the project next. */
  drop(): void {
    for (const { reject } of this.#queue.splice(0)) reject(new AppError('cancelled', 'The project is being closed.'));
  }

  #stop(stopAs: StopState): void {
    if (!this.#current) return;
    this.#current.stopAs = stopAs;
    this.#current.abort.abort();
  }

  #executorOf(kind: string): Execute {
    const execute = this.#options.kinds.get(kind);
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
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      const { id, isResumed, resolve, reject } = next;
      const current = { id, abort: new AbortController(), stopAs: 'cancelled' as StopState };
      this.#current = current;
      const { repository, onProgress, onLog, keepProgressMs } = this.#options;
      const settle = await runJob(
        repository,
        id,
        ({ kind, description }, context) => this.#executorOf(kind)(description, { ...context, isResumed }),
        {
          signal: current.abort.signal,
          stoppedAs: () => current.stopAs,
          onProgress: (progress) => onProgress?.(id, progress),
          onLog: (line) => onLog?.(id, line),
          ...(keepProgressMs === undefined ? {} : { keepProgressMs }),
        },
      ).then(
        (output) => () => resolve(output),
        (thrown: unknown) => () => reject(toAppError(thrown)),
      );
      // Before the caller hears of it: what it does then must find no job under way.
      this.#current = null;
      settle();
    }
  }
}

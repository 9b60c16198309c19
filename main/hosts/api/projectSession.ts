// The open project: its workbench, its jobs and what is known of them beyond what the database keeps. What other processes
// write is noticed within a second.
import type { Immutable } from '../../contract/base/data.ts';
import type { Job } from '../../contract/domain/job.ts';
import type { Progress } from '../../contract/base/progress.ts';
import type { InferInput } from 'valibot';
import { AppError, serializeError, toAppError } from '../../contract/base/errors.ts';
import type { AnySchema } from '../../contract/rpc/procedure.ts';
import { CHANGING } from '../../contract/base/changing.ts';
import type { JobRepository } from '../../jobs/job.ts';
import { JobRunner } from '../../jobs/jobRunner.ts';
import type { JobRecord, JobStore } from '../../storage/entities/jobs.ts';
import type { InStorageThread } from '../../storage/storageWork.ts';
import { storedRequest, type JobKind } from '../../workbench/jobKind.ts';
import { describeJob, JOB_KINDS } from '../../workbench/jobKinds.ts';
import { openWorkbench, type OpenedWorkbench } from '../../workbench/openWorkbench.ts';
import type { Speed } from '../../workbench/speed.ts';
import type { Compute } from '../../workbench/compute.ts';
import type { EventBus } from './eventBus.ts';
import { JOB_FINISHED, JOB_STARTED, JobLogs, stopLine, type LogLine } from '../../jobs/jobLogs.ts';

const POLL_MS = 1000;
/** How long closing waits for a running job to reach its checkpoint. */
const CLOSING_MS = 20_000;

export interface SessionOptions {
  readonly folder: string;
  readonly isSample: boolean;
  /** For the message that another process gets: 'the desktop app'. */
  readonly host: string;
  readonly compute: Compute;
  readonly thread: InStorageThread;
  readonly computeAfresh: Compute;
  readonly speed: Speed;
  readonly events: EventBus;
}

export class ProjectSession {
  readonly workbench: OpenedWorkbench;
  readonly isSample: boolean;
  readonly logs: JobLogs;
  readonly #events: EventBus;
  readonly #jobs: JobStore;
  readonly #runner: JobRunner;
  readonly #progress = new Map<string, Progress>();
  readonly #outputs = new Map<string, unknown>();
  readonly #stopping = new Set<string>();
  readonly #ends = new Map<string, Promise<unknown>>();
  readonly #poll: NodeJS.Timeout;
  #dataVersion: number;
  #isToldOfReplacement = false;

  private constructor(workbench: OpenedWorkbench, { isSample, events }: SessionOptions) {
    this.workbench = workbench;
    this.isSample = isSample;
    this.#events = events;
    this.#jobs = workbench.project.jobs;
    this.logs = new JobLogs(workbench.project.folder);
    this.#runner = new JobRunner({
      repository: this.#observed(this.#jobs),
      kinds: new Map(
        [...JOB_KINDS].map(([name, kind]) => [
          name,
          (description, context) => kind.run(this.workbench, description, context),
        ]),
      ),
      onProgress: (id, progress) => this.#onProgress(id, progress),
      onLog: (id, line) => void this.#log(id, line),
    });
    this.#dataVersion = workbench.project.dataVersion();
    this.#poll = setInterval(() => this.#look(), POLL_MS);
    this.#poll.unref();
  }

  /** @throws AppError as opening a project does. */
  static async open(options: SessionOptions): Promise<ProjectSession> {
    const { folder, host, compute, computeAfresh, speed, thread } = options;
    return new ProjectSession(await openWorkbench(folder, { host, compute, computeAfresh, speed, thread }), options);
  }

  // --- jobs ---

  /** The newest first. */
  jobs(): readonly Job[] {
    this.#jobs.interruptOrphans();
    return this.#jobs
      .list()
      .toReversed()
      .map((record) => this.#show(record));
  }

  /** @throws AppError `not-found`. */
  job(id: string): Job {
    return this.#show(this.#jobs.get(id));
  }

  /** Null: it has not succeeded since the project was opened. */
  output(id: string): unknown {
    this.#jobs.get(id);
    return this.#outputs.get(id) ?? null;
  }

  submit<Schema extends AnySchema>(kind: JobKind<Schema>, request: Immutable<InferInput<Schema>>): Job {
    const { id, output } = this.#runner.submit(kind.name, storedRequest(kind, request));
    this.#follow(id, kind.name, output);
    return this.job(id);
  }

  pause(id: string): Job {
    const { kind, state } = this.#jobs.get(id);
    if (JOB_KINDS.get(kind)?.canPause !== true) throw new AppError('unsupported', 'Such a job cannot be paused.');
    if (state === 'running') this.#refuseElsewhere(id);
    this.#runner.pause(id);
    return this.#stop(id, 'Pausing at the next checkpoint.');
  }

  cancel(id: string): Job {
    this.#jobs.interruptOrphans();
    if (this.#jobs.get(id).state === 'running') this.#refuseElsewhere(id);
    this.#runner.cancel(id);
    return this.#runner.current === id ? this.#stop(id, 'Cancelling.') : this.job(id);
  }

  resume(id: string): Job {
    this.#jobs.interruptOrphans();
    const { kind, description, state } = this.#jobs.get(id);
    if (state === 'running') this.#refuseElsewhere(id);
    JOB_KINDS.get(kind)?.check(description);
    this.#follow(id, kind, this.#runner.resume(id));
    return this.job(id);
  }

  async logOf(id: string, after: number): Promise<readonly LogLine[]> {
    this.#jobs.get(id);
    return this.logs.read(id, after);
  }

  /** Resolves when the job has left the queue: it ended, or was stopped. */
  async settled(id: string): Promise<void> {
    await this.#ends.get(id);
  }

  /** Stops what runs at its checkpoint, and closes the project. */
  async close(): Promise<void> {
    clearInterval(this.#poll);
    // Queued jobs first, so that none of them starts; they stay queued in the database, and can be resumed.
    const { current } = this.#runner;
    this.#runner.drop();
    if (current !== null) {
      const kind = this.#jobs.get(current).kind;
      if (JOB_KINDS.get(kind)?.canPause === true) this.#runner.pause(current);
      else this.#runner.cancel(current);
      await Promise.race([this.#ends.get(current), later(CLOSING_MS)]);
    }
    await this.logs.flush();
    await this.workbench.project.end();
  }

  #refuseElsewhere(id: string): void {
    if (this.#runner.holds(id)) return;
    const holder = this.#jobs.holderOf(id);
    if (holder !== null) throw new AppError('locked', `The job is running in ${holder}.`);
  }

  #follow(id: string, kind: string, output: Promise<unknown>): void {
    this.#stopping.delete(id);
    const end = output
      .then(
        (result) => {
          this.#outputs.set(id, result);
          this.#log(id, JOB_FINISHED);
        },
        (thrown: unknown) => {
          const { code, message, stack = null } = serializeError(thrown);
          this.#log(id, stopLine(thrown, this.#jobs.get(id).state));
          if (code !== 'cancelled' && code !== 'engine-crashed') {
            this.#events.notice('error', `${this.job(id).title}: ${message}`, code, stack);
          }
        },
      )
      .catch(() => undefined) // the project was closed meanwhile
      .finally(() => {
        this.#stopping.delete(id);
        this.#tellEnd(id);
        this.#events.changed(...(JOB_KINDS.get(kind)?.changes ?? []));
      });
    this.#ends.set(id, end);
  }

  #tellEnd(id: string): void {
    try {
      this.#events.emit({ type: 'job', job: this.job(id) });
    } catch {
      // The project is closed.
    }
  }

  #stop(id: string, line: string): Job {
    this.#stopping.add(id);
    this.#log(id, line);
    const job = this.job(id);
    this.#events.emit({ type: 'job', job });
    return job;
  }

  #onProgress(id: string, progress: Progress): void {
    this.#progress.set(id, progress);
    this.#events.emit({ type: 'job', job: this.job(id) });
  }

  #log(id: string, text: string): void {
    const line = this.logs.add(id, text);
    this.#events.emit({ type: 'jobLog', id, ...line });
  }

  /** Tells of every job that is added or gets on. Of its end tells `#follow`, when output and log are there, too. */
  #observed(jobs: JobStore): JobRepository {
    const tell = (record: JobRecord): JobRecord => {
      this.#events.emit({ type: 'job', job: this.#show(record) });
      return record;
    };
    return {
      add: (kind, description) => tell(jobs.add(kind, description)),
      get: (id) => jobs.get(id),
      list: (states) => jobs.list(states),
      move: (id, to, error) => {
        const record = jobs.move(id, to, error ?? null);
        if (to === 'running') {
          this.#log(id, JOB_STARTED);
        }
        return to === 'running' || to === 'queued' ? tell(record) : record;
      },
      setProgress: (id, progress) => jobs.setProgress(id, progress),
    };
  }

  #show({ id, kind, description, state, progress, error, created, updated }: JobRecord): Job {
    const { isKnown, ...title } = describeJob(kind, description);
    const isOurs = this.#runner.holds(id);
    const isStopping = this.#stopping.has(id);
    return {
      id,
      kind,
      ...title,
      state,
      // What the database keeps was written from this very shape.
      progress: this.#progress.get(id) ?? (progress as Job['progress']),
      error: error,
      created,
      updated,
      isStopping,
      canPause: state === 'running' && isOurs && !isStopping && JOB_KINDS.get(kind)?.canPause === true,
      canResume: ['queued', 'paused', 'interrupted', 'failed', 'cancelled'].includes(state) && !isOurs && isKnown,
      canCancel: ['queued', 'paused', 'interrupted'].includes(state) || (state === 'running' && isOurs && !isStopping),
    };
  }

  #tellOnceIfReplaced(): void {
    if (this.#isToldOfReplacement) return;
    try {
      this.workbench.project.checkPlace();
    } catch (thrown) {
      this.#isToldOfReplacement = true;
      const { message, code } = toAppError(thrown);
      this.#events.notice('error', message, code);
    }
  }

  #look(): void {
    try {
      this.#tellOnceIfReplaced();
      // A process that was killed writes nothing that would be noticed.
      for (const record of this.#jobs.interruptOrphans()) this.#events.emit({ type: 'job', job: this.#show(record) });
      const version = this.workbench.project.dataVersion();
      if (version === this.#dataVersion) return;
      this.#dataVersion = version;
      this.#events.changed(...CHANGING);
    } catch {
      // The file is gone or locked: whoever does something next is told.
    }
  }
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

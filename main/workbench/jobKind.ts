// A kind of job: the one schema of its stored request, what it is called in a list, and how it is done. A request is JSON
// that says everything, so a job can be done by another process, or by another face of the program, than the one asked.
// Invariant: only requests that their kind can read again are stored.
import * as v from 'valibot';
import type { Immutable } from '../contract/base/data.ts';
import type { Changing } from '../contract/base/changing.ts';
import { AppError } from '../contract/base/errors.ts';
import { validate } from '../contract/base/validate.ts';
import type { AnySchema } from '../contract/rpc/procedure.ts';
import { JOB_FINISHED, JOB_STARTED, JobLogs, stopLine } from '../jobs/jobLogs.ts';
import { runJob, type JobContext, type RunJobOptions } from '../jobs/runJob.ts';
import type { Workbench } from './workbench.ts';

export interface JobTitle {
  readonly title: string;
  /** The name of what the job makes or works on. */
  readonly subject: string;
}

export interface JobKind<Schema extends AnySchema = AnySchema, Output = unknown> {
  readonly name: string;
  readonly request: Schema;
  /** Whether it leaves a checkpoint when it is stopped. */
  readonly canPause: boolean;
  /** What may be different once it has ended, however it ends. */
  readonly changes: readonly Changing[];
  /** Null for a request that the kind cannot read: one of another version of the program, or a forged one. */
  titleOf(stored: unknown): JobTitle | null;
  /** Whether a stored request asks for the same as `request`, so that its job is to be continued. */
  isSame(stored: unknown, request: unknown): boolean;
  /** @throws AppError `invalid-file` for a stored request that the kind cannot read. */
  check(stored: unknown): void;
  /** @throws AppError as `check`, and as the work does. */
  run(workbench: Workbench, stored: unknown, context: JobContext): Promise<Output>;
}

interface Definition<Schema extends AnySchema, Output> extends Pick<
  JobKind<Schema, Output>,
  'name' | 'request' | 'canPause' | 'changes'
> {
  readonly title: (request: v.InferOutput<Schema>) => string;
  readonly subject: (request: v.InferOutput<Schema>) => string;
  readonly run: (workbench: Workbench, request: v.InferOutput<Schema>, context: JobContext) => Promise<Output>;
  /** What tells two requests apart; the whole request when left out. */
  readonly identity?: (request: v.InferOutput<Schema>) => unknown;
}

export function jobKind<const Schema extends AnySchema, Output>({
  identity = (request) => request,
  ...definition
}: Definition<Schema, Output>): JobKind<Schema, Output> {
  const { name, request, canPause, changes } = definition;
  const identityOf = (value: unknown) => {
    const parsed = v.safeParse(request, value);
    return parsed.success ? JSON.stringify(identity(parsed.output)) : null;
  };
  const read = (stored: unknown) => validate(request, stored, `The stored job (${name})`, 'invalid-file');
  return {
    ...{ name, request, canPause, changes },
    titleOf: (stored) => {
      const parsed = v.safeParse(request, stored);
      return parsed.success
        ? { title: definition.title(parsed.output), subject: definition.subject(parsed.output) }
        : null;
    },
    isSame: (stored, asked) => {
      const known = identityOf(stored);
      return known !== null && known === identityOf(asked);
    },
    check: (stored) => void read(stored),
    run: async (workbench, stored, context) => definition.run(workbench, read(stored), context),
  };
}

/** A request as it is stored. @throws AppError `usage` for one that the kind could not read again. */
export function storedRequest<Schema extends AnySchema>(
  { request }: JobKind<Schema>,
  value: Immutable<v.InferInput<Schema>>,
): unknown {
  validate(request, value, 'The request');
  return value;
}

/** Who runs a job to its end: it can be stopped, and may want to see how far it is. */
export type RunOptions = Pick<RunJobOptions, 'signal' | 'onProgress' | 'onLog'>;

/**
 * Does a job to its end in this process. One that asks for the same and stopped before its end is continued; else one is
 * added.
 * @throws AppError `locked` when another process is doing the same: they would write to one folder; and as the work does.
 */
export async function runToEnd<Schema extends AnySchema, Output>(
  workbench: Workbench,
  kind: JobKind<Schema, Output>,
  request: Immutable<v.InferInput<Schema>>,
  options: RunOptions,
): Promise<Output> {
  const { jobs } = workbench.project;
  const stored = storedRequest(kind, request);
  const same = jobs
    .list(['queued', 'running', 'paused', 'interrupted', 'cancelled', 'failed'])
    .findLast((job) => job.kind === kind.name && kind.isSame(job.description, stored));
  return resumeToEnd(workbench, kind, same?.id ?? jobs.add(kind.name, stored).id, options);
}

/** Continues a stored job to its end in this process. @throws AppError as runToEnd; `not-found`; `conflict` when it is over. */
export async function resumeToEnd<Output>(
  workbench: Workbench,
  kind: JobKind<AnySchema, Output>,
  id: string,
  options: RunOptions,
): Promise<Output> {
  const { project } = workbench;
  project.jobs.interruptOrphans();
  const { state, description } = project.jobs.get(id);
  kind.check(description);
  if (state === 'running' || state === 'paused') {
    const holder = project.jobs.holderOf(id) ?? 'this process';
    throw new AppError('locked', `The job is ${state} in ${holder}. Wait for it, or cancel it there and try again.`);
  }
  if (state !== 'queued') project.jobs.move(id, 'queued');
  const logs = new JobLogs(project.folder);
  const log = (line: string) => {
    logs.add(id, line);
    options.onLog?.(line);
  };
  logs.add(id, JOB_STARTED);
  try {
    const output = await runJob(project.jobs, id, (job, context) => kind.run(workbench, job.description, context), {
      ...options,
      onLog: log,
    });
    logs.add(id, JOB_FINISHED);
    return output;
  } catch (thrown) {
    logs.add(id, stopLine(thrown, project.jobs.get(id).state));
    throw thrown;
  } finally {
    await logs.flush();
  }
}

// Stored jobs by their kinds. One whose kind is not in the table of nouns.ts is of another version of the program, or forged:
// it is listed, and cannot be resumed.
import { AppError } from '../contract/base/errors.ts';
import { resumeToEnd, type JobKind, type JobTitle, type RunOptions } from './jobKind.ts';
import { jobKinds } from './nouns.ts';
import type { Workbench } from './workbench.ts';

/** By their names, which come from stored rows: `__proto__` must not be one. */
export const JOB_KINDS: ReadonlyMap<string, JobKind> = new Map(jobKinds.map((kind) => [kind.name, kind]));

/** What a stored job is called; `isKnown` false: its kind or its request cannot be read, so it cannot be resumed. */
export function describeJob(kind: string, stored: unknown): JobTitle & { readonly isKnown: boolean } {
  const known = JOB_KINDS.get(kind)?.titleOf(stored) ?? null;
  if (known) return { ...known, isKnown: true };
  return { title: `A job of another version (${kind.slice(0, 40)})`, subject: '', isKnown: false };
}

/** Continues a job to its end in this process, whichever face began it. @throws AppError as resumeToEnd; `unsupported`. */
export async function resumeJob(workbench: Workbench, id: string, options: RunOptions): Promise<unknown> {
  const { kind } = workbench.project.jobs.get(id);
  const known = JOB_KINDS.get(kind);
  if (!known) throw new AppError('unsupported', `There are no jobs of the kind "${kind.slice(0, 40)}".`);
  return resumeToEnd(workbench, known, id, options);
}

// How many threads the engine may take. On a cluster a job is given some of a node's processors; a library that counts them
// sees all, and as many jobs as a node holds would each take every one.
import { AppError } from '../contract/base/errors.ts';
import type { ThreadOptions } from '../core/onnx/ortSession.ts';

/**
 * `ERRATA_THREADS`, else what Slurm gave to this task; by default there is no limit.
 * @throws AppError `usage` when ERRATA_THREADS is not a number of threads.
 */
export function threadLimit(environment: Readonly<Record<string, string | undefined>>): ThreadOptions {
  const { ERRATA_THREADS: wanted, SLURM_CPUS_PER_TASK: given } = environment;
  if (wanted !== undefined && wanted !== '' && !isCount(wanted)) {
    const shown = wanted.slice(0, 40);
    throw new AppError('usage', `ERRATA_THREADS is “${shown}”: set it to a number of threads, 1 or more.`);
  }
  const threads = [wanted, given].find((text) => text !== undefined && isCount(text));
  return threads === undefined ? {} : { threads: Number(threads) };
}

function isCount(text: string): boolean {
  return /^[1-9]\d{0,3}$/u.test(text);
}

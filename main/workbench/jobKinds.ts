// The kinds of jobs. A stored job whose kind is not here is of another version of the program, or forged: it is listed, and
// cannot be resumed.
import { captureJob } from './activations.ts';
import { bisectJob } from './bisection.ts';
import { evaluateJob, trainJob } from './dictionaries.ts';
import { behaviourJob, evaluationJob } from './evaluationJobs.ts';
import { exportJob, verifyJob } from './exports.ts';
import { statisticsJob } from './features.ts';
import { findJob } from './finder.ts';
import type { JobKind } from './jobKind.ts';

const KINDS: readonly JobKind[] = [
  captureJob,
  trainJob,
  evaluateJob,
  statisticsJob,
  findJob,
  evaluationJob,
  behaviourJob,
  exportJob,
  verifyJob,
  bisectJob,
];

/** By their names, which come from stored rows: `__proto__` must not be one. */
export const JOB_KINDS: ReadonlyMap<string, JobKind> = new Map(KINDS.map((kind) => [kind.name, kind]));

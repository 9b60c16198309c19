// The nouns of the contract that work on the open project, each with its procedures, and the kinds of jobs that they start. A
// host mounts the table and runs the kinds, so what is added here is served, listed and resumed everywhere.
import type { ErrataContract } from '../contract/api/contract.ts';
import { activations, captureJob } from './activations.ts';
import { behaviour } from './behaviour.ts';
import { bisectJob } from './bisection.ts';
import type { Procedures } from './call.ts';
import { dictionary, evaluateJob } from './dictionary.ts';
import { edit } from './edit.ts';
import { evaluation } from './evaluation.ts';
import { behaviourJob, evaluationJob } from './evaluationJobs.ts';
import { export_ } from './export.ts';
import { exportJob, verifyJob } from './exports.ts';
import { feature } from './feature.ts';
import { statisticsJob } from './features.ts';
import { findJob } from './findEdit.ts';
import { finder } from './finder.ts';
import { history } from './history.ts';
import { downloadJob, hub } from './hub.ts';
import { intruder } from './intruder.ts';
import type { JobKind } from './jobKind.ts';
import { label } from './label.ts';
import { list } from './list.ts';
import { model } from './model.ts';
import { playground } from './playground.ts';
import { suggestion } from './suggestion.ts';
import { trainJob } from './training.ts';

export const nouns = {
  model,
  hub,
  activations,
  dictionary,
  feature,
  label,
  list,
  intruder,
  suggestion,
  edit,
  playground,
  behaviour,
  evaluation,
  finder,
  export: export_,
  history,
} satisfies { readonly [Noun in keyof ErrataContract]?: Procedures<Noun> };

/** Every kind of job; the command line's `job resume` and the window's button know no others. */
export const jobKinds: readonly JobKind[] = [
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
  downloadJob,
];

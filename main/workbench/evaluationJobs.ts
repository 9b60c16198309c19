// Evaluations and runs of behaviours as jobs. One that was stopped starts anew when it is resumed: nothing of it was stored.
import * as v from 'valibot';
import { parseEdit } from '../core/edits/edit.ts';
import { shortId } from '../core/edits/version.ts';
import { parseBudget } from '../core/evaluation/verdict.ts';
import type { JobContext } from '../jobs/runJob.ts';
import type { EvaluationSummary } from '../storage/entities/evaluations.ts';
import { editNamed } from './editParts.ts';
import { evaluateEdit, runBehaviour, type BehaviourRun } from './evaluation.ts';
import type { Workbench } from './workbench.ts';

export const EVALUATION_JOB = 'evaluation';
export const BEHAVIOUR_JOB = 'behaviour';

export const evaluationRequestSchema = v.object({
  /** Operations, as in an edit's file; and the version that they are of. */
  edit: v.unknown(),
  version: v.nullable(v.string()),
  /** Content ids. */
  behaviours: v.array(v.string()),
  /** Names of behaviours. */
  targets: v.exactOptional(v.array(v.string())),
  text: v.exactOptional(v.union([v.object({ store: v.string() }), v.object({ corpus: v.string() })])),
  settings: v.record(v.string(), v.unknown()),
  /** Null: no verdict. */
  budget: v.unknown(),
  author: v.string(),
});
export type EvaluationRequest = v.InferOutput<typeof evaluationRequestSchema>;

/** What an evaluation is of, for a list. */
export function evaluatedName({ version }: Pick<EvaluationRequest, 'version'>): string {
  return version === null ? 'the working edit' : shortId(version);
}

/** @returns the stored evaluation; its report is read by its id. */
export async function runEvaluation(
  workbench: Workbench,
  { edit, behaviours, budget, ...request }: EvaluationRequest,
  context: JobContext,
): Promise<EvaluationSummary> {
  const { report: _, ...summary } = await evaluateEdit(
    workbench,
    {
      ...request,
      edit: parseEdit(edit),
      behaviours: behaviours.map((id) => workbench.project.behaviours.get(id)),
      budget: budget === null ? null : parseBudget(budget),
    },
    context,
  );
  return summary;
}

export const behaviourRequestSchema = v.object({
  name: v.string(),
  /** A version, or null: the model without any edit. */
  version: v.nullable(v.string()),
  model: v.exactOptional(v.string()),
  author: v.string(),
});
export type BehaviourRequest = v.InferOutput<typeof behaviourRequestSchema>;

/** Runs all cases of a stored behaviour; what was found is stored as a result. */
export async function runStoredBehaviour(
  workbench: Workbench,
  { name, version, model, author }: BehaviourRequest,
  context: JobContext,
): Promise<Omit<BehaviourRun, 'outcomes'>> {
  const { outcomes: _, ...run } = await runBehaviour(
    workbench,
    {
      behaviour: workbench.project.behaviours.get(name),
      treatment: version === null ? null : editNamed(workbench, version),
      ...(model === undefined ? {} : { model }),
      author,
    },
    context,
  );
  return run;
}

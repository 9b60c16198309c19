// Evaluations and runs of behaviours as jobs. One that was stopped begins again when it is resumed: nothing of it was stored.
import * as v from 'valibot';
import type { Immutable } from '../contract/base/data.ts';
import { budgetSchema } from '../contract/domain/budgetSettings.ts';
import { evaluationRequestSettings } from '../contract/domain/evaluationSettings.ts';
import { operationsSchema } from '../contract/domain/edit.ts';
import { shortId } from '../core/edits/version.ts';
import { CASE_SPLITS, type Behaviour } from '../contract/domain/behaviour.ts';
import { parseBehaviour } from '../core/behaviours/behaviour.ts';
import type { JobContext } from '../jobs/runJob.ts';
import type { EvaluationSummary } from '../storage/entities/evaluations.ts';
import { editNamed, type EditOfVersion } from './editParts.ts';
import { evaluateEdit, runBehaviour, type BehaviourRun } from './evaluateEdit.ts';
import { jobKind } from './jobKind.ts';
import type { Workbench } from './workbench.ts';

const editSchema = v.strictObject({ operations: operationsSchema });
/** A behaviour of the project by its content id or name; or one that the project does not have, as it reads. */
const behaviourSchema = v.union([v.string(), v.record(v.string(), v.unknown())]);
type BehaviourInRequest = v.InferOutput<typeof behaviourSchema>;

const evaluationRequestSchema = v.object({
  edit: editSchema,
  /** The version that the edit is of; null: none. */
  version: v.nullable(v.string()),
  behaviours: v.array(behaviourSchema),
  /** Names of behaviours. */
  targets: v.exactOptional(v.array(v.string())),
  text: v.exactOptional(v.union([v.object({ store: v.string() }), v.object({ corpus: v.string() })])),
  settings: evaluationRequestSettings,
  /** Null: no verdict. */
  budget: v.nullable(budgetSchema),
  author: v.string(),
});
export type EvaluationRequest = Immutable<v.InferInput<typeof evaluationRequestSchema>>;

/** @throws AppError `not-found`, `usage`. */
export function behaviourOf({ project }: Pick<Workbench, 'project'>, behaviour: BehaviourInRequest): Behaviour {
  return typeof behaviour === 'string' ? project.behaviours.get(behaviour) : parseBehaviour(behaviour);
}

/** @returns the stored evaluation; its report is read by its id. */
async function runEvaluation(
  workbench: Workbench,
  { behaviours, ...request }: v.InferOutput<typeof evaluationRequestSchema>,
  context: JobContext,
): Promise<EvaluationSummary> {
  const { report: _, ...summary } = await evaluateEdit(
    workbench,
    {
      ...request,
      behaviours: behaviours.map((behaviour) => behaviourOf(workbench, behaviour)),
    },
    context,
  );
  return summary;
}

const evaluatedName = ({ version }: Pick<EvaluationRequest, 'version'>): string =>
  version === null ? 'the working edit' : shortId(version);

export const evaluationJob = jobKind({
  name: 'evaluation',
  request: evaluationRequestSchema,
  title: (request) => `Evaluate ${evaluatedName(request)}`,
  subject: evaluatedName,
  run: runEvaluation,
  canPause: false,
  changes: ['evaluations'],
});

const behaviourRequestSchema = v.object({
  name: v.string(),
  /** The behaviour, where the project does not have it. */
  behaviour: v.exactOptional(v.record(v.string(), v.unknown())),
  /** A version, or null: the model without any edit, or with `edit`. */
  version: v.nullable(v.string()),
  edit: v.exactOptional(editSchema),
  model: v.exactOptional(v.string()),
  split: v.exactOptional(v.picklist(CASE_SPLITS)),
  instruction: v.exactOptional(v.string()),
  author: v.string(),
});
type BehaviourRequest = v.InferOutput<typeof behaviourRequestSchema>;

/** Runs cases of a behaviour; what all cases of a stored one show is stored as a result. */
function runBehaviourJob(
  workbench: Workbench,
  { name, behaviour, version, edit, ...request }: BehaviourRequest,
  context: JobContext,
): Promise<BehaviourRun> {
  const edited: EditOfVersion | null =
    edit !== undefined ? { edit, version } : version === null ? null : editNamed(workbench, version);
  return runBehaviour(
    workbench,
    { ...request, behaviour: behaviourOf(workbench, behaviour ?? name), treatment: edited },
    context,
  );
}

export const behaviourJob = jobKind({
  name: 'behaviour',
  request: behaviourRequestSchema,
  title: ({ name }) => `Run ${name}`,
  subject: ({ name }) => name,
  run: runBehaviourJob,
  canPause: false,
  changes: ['behaviours'],
});

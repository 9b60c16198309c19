// Evaluations of edits and versions of a project, and runs of single behaviours.
import { resolve } from 'node:path';
import type { EvaluationReport } from '../contract/domain/evaluationReport.ts';
import type { Estimate } from '../contract/domain/estimate.ts';
import { AppError } from '../contract/base/errors.ts';
import type { EvaluationRequestSettings } from '../contract/domain/evaluationSettings.ts';
import { DEFAULT_HELD_OUT } from '../contract/domain/trainingSettings.ts';
import type { Behaviour, CaseSplit } from '../contract/domain/behaviour.ts';
import { behaviourId } from '../core/behaviours/behaviour.ts';
import { RESULT_FORMAT } from '../core/behaviours/behaviourResult.ts';
import { rateEstimate } from '../core/evaluation/intervals.ts';
import type { Budget } from '../contract/domain/budgetSettings.ts';
import packageFacts from '../../package.json' with { type: 'json' };
import type { EvaluationSummary } from '../storage/entities/evaluations.ts';
import { findStore } from './activations.ts';
import { requireTrainingStore, type ProjectDictionary } from './dictionaries.ts';
import { partsOf, statisticsFolders, type EditOfVersion } from './editParts.ts';
import { findModel, modelInput, type ProjectModel } from './models.ts';
import type { ComputeOptions } from './compute.ts';
import type { Workbench } from './workbench.ts';

export interface EvaluateEditRequest extends EditOfVersion {
  readonly behaviours: readonly Behaviour[];
  /** Names of those that the edit is for; by default all that are not to be kept. */
  readonly targets?: readonly string[];
  /** A store by name or a corpus by path; by default what the dictionary's training held out. */
  readonly text?: { readonly store: string } | { readonly corpus: string };
  /** What is left out has its default. */
  readonly settings?: EvaluationRequestSettings;
  readonly budget: Budget | null;
  readonly author: string;
}

export interface EditEvaluation extends EvaluationSummary {
  readonly report: EvaluationReport;
}

type Progressing = Pick<ComputeOptions<never>, 'signal' | 'onProgress'>;

/** Evaluates and stores the report. @throws AppError as evaluateEdit does, `not-found` for a dictionary the project lacks. */
export async function evaluateEdit(
  workbench: Workbench,
  request: EvaluateEditRequest,
  options: Progressing = {},
): Promise<EditEvaluation> {
  const { project, compute } = workbench;
  const { edit, version, behaviours, targets, text, settings = {}, budget, author } = request;
  const { model, dictionaries } = await partsOf(workbench, edit);
  const [first] = dictionaries;
  if (!first) throw new AppError('empty', 'The edit has no operations: there is nothing to evaluate.');
  const report = await compute(
    'edit.evaluate',
    {
      model: await modelInput(project.folder, model),
      edit,
      dictionaries: dictionaries.map(({ folder }) => folder),
      statistics: await statisticsFolders(workbench, dictionaries),
      behaviours: [...behaviours],
      ...(targets === undefined ? {} : { targets: [...targets] }),
      text: await textOf(workbench, first, text),
      settings,
      budget,
    },
    options,
  );
  return { ...project.evaluations.add(report, version, { author }), report };
}

export interface RunBehaviourRequest {
  readonly behaviour: Behaviour;
  /** Null: the model without any edit. */
  readonly treatment: EditOfVersion | null;
  /** The model's name, where there is no edit that tells it; can be left out when the project has only one. */
  readonly model?: string;
  readonly split?: CaseSplit;
  readonly instruction?: string;
  /** Behaviours whose prompts show what the model's own answers are like: what does not pass is then judged as sound or not. */
  readonly preserve?: readonly Behaviour[];
  readonly author: string;
}

export interface BehaviourRun {
  readonly behaviour: string;
  readonly passRate: Estimate;
  /** Of the answers to cases that do not pass, those that are sound; null where nothing was judged. */
  readonly sound: Estimate | null;
  readonly outcomes: readonly { readonly passed: boolean; readonly score: number | null; readonly output: string }[];
  /** The stored result; null for a run of one split, of an edit that is no version, or with an instruction. */
  readonly result: string | null;
}

/** Runs a behaviour; a run of all its cases on the model or on a version is stored as a result. */
export async function runBehaviour(
  workbench: Workbench,
  request: RunBehaviourRequest,
  options: Progressing = {},
): Promise<BehaviourRun> {
  const { project, compute } = workbench;
  const { behaviour, treatment, split, instruction, preserve, author } = request;
  const parts = treatment
    ? await partsOf(workbench, treatment.edit)
    : { model: await modelNamed(workbench, request.model), dictionaries: [] };
  const { outcomes, sound } = await compute(
    'behaviour.run',
    {
      model: await modelInput(project.folder, parts.model),
      edit: treatment?.edit ?? { operations: [] },
      dictionaries: parts.dictionaries.map(({ folder }) => folder),
      behaviour,
      ...(split === undefined ? {} : { split }),
      ...(instruction === undefined ? {} : { instruction }),
      ...(preserve === undefined ? {} : { preserve }),
    },
    options,
  );
  const passed = outcomes.filter((outcome) => outcome.passed).length;
  const passRate = rateEstimate(passed, outcomes.length);
  const isVersion = treatment === null || treatment.version !== null;
  const isStored = split === undefined && instruction === undefined && isVersion && !project.isReadOnly;
  const stored = project.behaviours.find(behaviour.name);
  if (!isStored || stored?.id !== behaviourId(behaviour))
    return { behaviour: behaviour.name, passRate, sound, outcomes, result: null };
  const { id } = project.behaviours.addResult({
    format: RESULT_FORMAT,
    version: treatment?.version ?? null,
    model: parts.model.hash,
    behaviour: stored.id,
    cases: outcomes,
    metrics: { passRate: metricOf(passRate), ...(sound ? { sound: metricOf(sound) } : {}) },
    tool: `Errata ${packageFacts.version}`,
    author,
    time: new Date().toISOString(),
  });
  return { behaviour: behaviour.name, passRate, sound, outcomes, result: id };
}

function metricOf({ value, low, high, n }: Estimate) {
  return { value, low, high, sample: n };
}

/** The only model, or that of a name. */
export async function modelNamed({ project }: Workbench, name: string | undefined): Promise<ProjectModel> {
  if (name !== undefined) return findModel(project.folder, name);
  const [only, other] = project.catalog.list('model');
  if (only !== undefined && other === undefined) return findModel(project.folder, only.name);
  throw new AppError(
    'usage',
    only === undefined ? 'The project has no model yet.' : 'The project has several models: choose one with --model.',
  );
}

const OTHER_TEXT = 'Choose another held-out text: --corpus heldout.jsonl, for example.';

async function textOf(workbench: Workbench, dictionary: ProjectDictionary, text: EvaluateEditRequest['text']) {
  if (text && 'corpus' in text) return { from: 'corpus' as const, path: resolve(text.corpus) };
  const store = text
    ? { folder: await findStore(workbench, text.store), heldOutFraction: DEFAULT_HELD_OUT }
    : await requireTrainingStore(dictionary, OTHER_TEXT);
  return { from: 'store' as const, ...store };
}

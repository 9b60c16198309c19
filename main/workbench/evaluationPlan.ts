// What an evaluation would run and how long it will probably take, before it is started; and what keeps it from running.
import { plannedTexts } from '../core/evaluation/plannedTexts.ts';
import { completeEvaluationSettings, type EvaluationSettings } from '../contract/domain/evaluationSettings.ts';
import type { SuiteRole } from '../core/evaluation/report.ts';
import { chooseSuites } from '../core/evaluation/suites.ts';
import type { JobRecord } from '../storage/entities/jobs.ts';
import { partsOf, statisticsFolders } from './editParts.ts';
import { behaviourOf, evaluationJob, type EvaluationRequest } from './evaluationJobs.ts';
import { AppError } from '../contract/base/errors.ts';
import type { ProjectModel } from './models.ts';
import type { Workbench } from './workbench.ts';

export interface EvaluationPlan {
  readonly operations: number;
  readonly suites: readonly { readonly name: string; readonly role: SuiteRole; readonly cases: number }[];
  readonly texts: number;
  readonly seconds: number | null;
  readonly basis: 'evaluations' | 'device' | null;
  readonly hasForecast: boolean;
  readonly warnings: readonly string[];
}

/** Tokens that a text of an evaluation has, by a guess: a prompt, an answer, or half a context. */
const TOKENS_PER_TEXT = 64;
/** Reading one token costs two operations per weight; generated ones are many small products, far from full speed. */
const OPERATIONS_PER_WEIGHT = 2;
const SLOWNESS = 12;
/** The fastest of so many earlier evaluations is believed: the others waited for something. */
const LOOKED_AT = 5;

/**
 * @param gigaflops of the device; null when it cannot be told.
 * @throws AppError `empty` for an edit without operations, suites without cases or nothing to run on; `not-found`; `usage`.
 */
export async function planEvaluation(
  workbench: Workbench,
  request: Omit<EvaluationRequest, 'budget' | 'author'>,
  gigaflops: () => Promise<number | null>,
): Promise<EvaluationPlan> {
  const { project } = workbench;
  const { edit } = request;
  const settings = completeEvaluationSettings(request.settings);
  const { model, dictionaries } = await partsOf(workbench, edit);
  const behaviours = request.behaviours.map((behaviour) => behaviourOf(workbench, behaviour));
  const suites = chooseSuites(behaviours, request.targets, settings);
  if (suites.length === 0 && settings.contexts < 2) {
    throw new AppError('empty', 'There are no behaviours and no held-out text: nothing to evaluate on.');
  }
  const planned = suites.map(({ role, cases, trial }) => ({ role, cases: cases.length, trial: trial.length }));
  const texts = plannedTexts(
    planned,
    settings.contexts,
    settings,
    suites.some(({ role }) => role === 'target'),
  );
  const statistics = await statisticsFolders(workbench, dictionaries);
  const measured = secondsPerText(project.jobs.list());
  const guessed = measured === null ? guessPerText(model, await gigaflops()) : null;
  const perText = measured ?? guessed;
  return {
    operations: edit.operations.length,
    suites: suites.map(({ behaviour, role, cases }) => ({ name: behaviour.name, role, cases: cases.length })),
    texts,
    seconds: perText === null ? null : perText * texts,
    basis: measured !== null ? 'evaluations' : guessed !== null ? 'device' : null,
    hasForecast: dictionaries.every(({ quality }) => quality !== null && quality.hash in statistics),
    warnings: warnings(settings, suites, dictionaries.length > Object.keys(statistics).length),
  };
}

function warnings(
  settings: EvaluationSettings,
  suites: readonly { readonly role: SuiteRole }[],
  lacksStatistics: boolean,
): string[] {
  const told: string[] = [];
  if (!suites.some(({ role }) => role === 'target'))
    told.push('No behaviour is a target: nothing says what the edit is for.');
  if (settings.baselines && settings.instruction === '') {
    told.push('Without an instruction there is no prompt-only baseline beside the edit.');
  }
  if (!settings.baselines)
    told.push('Without baselines nobody can tell whether a random edit would have done as well.');
  if (lacksStatistics) told.push('Without statistics of the features nothing is forecast.');
  return told;
}

/** From evaluations that were run here as jobs; null before there is one. */
function secondsPerText(jobs: readonly JobRecord[]): number | null {
  const known = jobs
    .filter(({ kind, state }) => kind === evaluationJob.name && state === 'succeeded')
    .slice(-LOOKED_AT)
    .flatMap(({ progress, created, updated }) => {
      const { total } = (progress ?? {}) as { readonly total?: number | null };
      const seconds = (Date.parse(updated) - Date.parse(created)) / 1000;
      return total && seconds > 0 ? [seconds / total] : [];
    });
  return known.length === 0 ? null : Math.min(...known);
}

function guessPerText({ layers, hiddenSize, vocabularySize }: ProjectModel, gigaflops: number | null): number | null {
  if (gigaflops === null) return null;
  const weights = 12 * layers * hiddenSize ** 2 + hiddenSize * vocabularySize;
  return (SLOWNESS * TOKENS_PER_TEXT * OPERATIONS_PER_WEIGHT * weights) / (gigaflops * 1e9);
}

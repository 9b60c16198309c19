// What an evaluation would run and how long it will probably take, before it is started; and what keeps it from running.
import type { SuiteRole } from '../contract/domain/evaluationReport.ts';
import { plannedSuite, plannedTexts } from '../core/evaluation/plannedTexts.ts';
import { completeEvaluationSettings, type EvaluationSettings } from '../contract/domain/evaluationSettings.ts';
import { chooseSuites, type Suite } from '../core/evaluation/suites.ts';
import type { JobRecord } from '../storage/entities/jobs.ts';
import { partsOf, statisticsFolders } from './editParts.ts';
import { behaviourInText } from './evaluationDefaults.ts';
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
 * @param gigaflops of the device; null when it cannot be told. Measured when left out.
 * @throws AppError `empty` for an edit without operations, suites without cases or nothing to run on; `not-found`; `usage`.
 */
export async function planEvaluation(
  workbench: Workbench,
  request: Omit<EvaluationRequest, 'budget' | 'author'>,
  gigaflops: () => Promise<number | null> = () => workbench.speed.gigaflops(),
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
  const texts = plannedTexts(
    suites.map(plannedSuite),
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
    hasForecast: dictionaries.every(({ hash }) => hash !== null && hash in statistics),
    warnings: [
      ...(await textWarnings(request.text, suites, settings)),
      ...warnings(settings, suites, dictionaries.length > Object.keys(statistics).length),
    ],
  };
}

/** Losing a behaviour that the text contains counts as damage to the text. */
async function textWarnings(
  text: EvaluationRequest['text'],
  suites: readonly Suite[],
  { contexts }: EvaluationSettings,
): Promise<string[]> {
  const targets = suites.filter(({ role }) => role === 'target').map(({ behaviour }) => behaviour);
  if (contexts < 2 || targets.length === 0) return [];
  if (text === undefined || !('corpus' in text)) {
    return [
      'Text of the training corpus may contain the behaviour, and losing it then counts as damage. Choose held-out text without it.',
    ];
  }
  const found = await behaviourInText(text.corpus, targets);
  if (found === null) return [];
  return [
    `The held-out text contains ${found.behaviour} (“${found.words.slice(0, 60)}”), and losing it counts as damage. Choose text without it.`,
  ];
}

/** Refuses now what could not be run when its turn comes. @throws AppError as planEvaluation. */
export async function checkEvaluation(workbench: Workbench, request: Parameters<typeof planEvaluation>[1]) {
  await planEvaluation(workbench, request, () => Promise.resolve(null));
}

function warnings(
  settings: EvaluationSettings,
  suites: readonly { readonly role: SuiteRole }[],
  lacksStatistics: boolean,
): string[] {
  const told: string[] = [];
  if (!suites.some(({ role }) => role === 'target'))
    told.push('No behaviour is a target, so nothing says what the edit is for.');
  if (settings.baselines && settings.instruction === '') {
    told.push('Without an instruction there is no prompt-only baseline.');
  }
  if (!settings.baselines) told.push('Without baselines, a random edit could do as well and you would not know.');
  if (lacksStatistics) told.push('Without feature statistics there is no forecast.');
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

// How many texts an evaluation will read or continue: what its progress counts, and its time is predicted from.
import type { SuiteRole } from '../../contract/domain/evaluationReport.ts';
import type { EvaluationSettings } from '../../contract/domain/evaluationSettings.ts';
import { isAnsweredInText } from '../behaviours/checks.ts';
import { referenceAnswers } from './answerSoundness.ts';
import type { Suite } from './suites.ts';

export interface PlannedSuite {
  readonly role: SuiteRole;
  readonly cases: number;
  readonly trial: number;
  /** Cases that are answered in text. */
  readonly answers: number;
}

export function plannedSuite({ role, cases, trial }: Pick<Suite, 'role' | 'cases' | 'trial'>): PlannedSuite {
  return { role, cases: cases.length, trial: trial.length, answers: cases.filter(isAnsweredInText).length };
}

/** @param contexts of held-out text that there are. @param directions whether the edit acts on the target's prompts. */
export function plannedTexts(
  suites: readonly PlannedSuite[],
  contexts: number,
  settings: EvaluationSettings,
  directions: boolean,
): number {
  const { baselines, randomSeeds, doses, continuations, instruction, trialContexts } = settings;
  const cases = suites.reduce((sum, suite) => sum + suite.cases, 0);
  const texts = contexts < 2 ? 0 : Math.min(contexts, settings.contexts);
  const perTrial =
    suites.reduce((sum, { role, trial }) => sum + (role === 'other' ? 0 : trial), 0) + Math.min(texts, trialContexts);
  const baselineTrials = baselines ? 1 + randomSeeds + 1 + (directions ? 3 : 0) + (instruction === '' ? 0 : 1) : 0;
  const doseTrials = new Set(doses.filter((dose) => dose !== 0 && dose !== 1)).size;
  const reference = referenceAnswers(suites.flatMap(({ role, answers }) => (role === 'keep' ? answers : [])));
  return (
    reference + 2 * cases + 3 * texts + 2 * Math.min(continuations, texts) + perTrial * (baselineTrials + doseTrials)
  );
}

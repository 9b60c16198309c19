// Trials: an intervention on fewer cases and contexts than the main figures, for baselines and doses; and how doses compare.
import type { SmallSuite, SuiteRole, Trial } from '../../contract/domain/evaluationReport.ts';
import type { Estimate } from '../../contract/domain/estimate.ts';
import { isTextCheck, refuses } from '../behaviours/checks.ts';
import { rateEstimate, ratioEstimate, relativeDifference } from './intervals.ts';
import type { CaseOutcome } from '../behaviours/runBehaviour.ts';
import { at } from './spread.ts';
import { replacedBySound, scoresOf, type Faults, type SuiteOutcomes } from './suites.ts';
import type { Reading } from '../interventions/intervenableModel.ts';

/** What the main figures were made of. */
export interface MainRun {
  readonly outcomes: readonly SuiteOutcomes[];
  readonly readings: { readonly before: readonly Reading[]; readonly after: readonly Reading[] } | null;
  /** Of the model. */
  readonly vocabularySize: number;
}

export interface TrialOutcomes {
  readonly suite: SuiteOutcomes;
  /** Of the suite's trial cases. */
  readonly outcomes: readonly CaseOutcome[];
  /** Of a target's answers; null where none was judged. */
  readonly faults: Faults | null;
}

export interface TrialRun {
  readonly outcomes: readonly TrialOutcomes[];
  readonly readings: { readonly chosen: readonly number[]; readonly readings: readonly Reading[] } | null;
}

/** What the main figures already gave, at the cases and contexts of the trials. */
export function cachedRun(
  { outcomes, readings }: MainRun,
  which: 'before' | 'after',
  chosen: readonly number[],
): TrialRun {
  return {
    outcomes: outcomes
      .filter(({ role }) => role !== 'other')
      .map((suite) => ({
        suite,
        outcomes: suite.trial.map((index) => at(suite[which], index)),
        faults: suite.soundness && suite.trial.map((index) => at(suite.soundness?.[which] ?? [], index)),
      })),
    readings:
      readings && chosen.length >= 2 ? { chosen, readings: chosen.map((index) => at(readings[which], index)) } : null,
  };
}

export function trialOf({ outcomes, readings }: TrialRun, cache: MainRun): Trial {
  const suites = outcomes.map(({ suite, outcomes: now }): SmallSuite => {
    const scores = scoresOf(now);
    return {
      name: suite.behaviour.name,
      role: suite.role,
      rate: rateEstimate(now.filter(({ passed }) => passed).length, now.length),
      score: scores === null ? null : mean(scores),
    };
  });
  const ofRole = (role: SuiteRole) => outcomes.filter(({ suite }) => suite.role === role);
  const kept = ofRole('keep').flatMap(({ suite, outcomes: now }) =>
    now.filter((_, index) => at(suite.before, at(suite.trial, index)).passed).map(({ passed }) => passed),
  );
  const target = ofRole('target').flatMap(({ outcomes: now }) => now.map(({ passed }) => passed));
  const answers = ofRole('target').flatMap(({ suite, outcomes: now }) =>
    suite.cases.some(({ checks }) => checks.some(isTextCheck)) ? now : [],
  );
  const pooled = (passes: readonly boolean[]): Estimate | null =>
    passes.length === 0 ? null : rateEstimate(passes.filter(Boolean).length, passes.length);
  const parts = ofRole('target').map(remainingOf);
  const before =
    readings && cache.readings ? readings.chosen.map((index) => at(cache.readings?.before ?? [], index)) : null;
  return {
    suites,
    kept: pooled(kept),
    target: pooled(target),
    targetRefuses: pooled(answers.map(({ output }) => refuses(output))),
    targetSound: replacedBySound(
      ofRole('target').flatMap(({ suite, outcomes: now, faults }) =>
        now.flatMap(({ passed }, index) =>
          !passed && at(suite.before, at(suite.trial, index)).passed ? [faults?.[index] ?? null] : [],
        ),
      ),
    ),
    remaining: parts.length === 0 ? null : mean(parts),
    ...textFigures(before, readings?.readings ?? null, cache.vocabularySize),
    failure: null,
  };
}

/** What is left of a target under a trial, by what it was before. */
function remainingOf({ suite, outcomes }: TrialOutcomes): number {
  const before = suite.trial.map((index) => at(suite.before, index));
  const [scoresBefore, scoresAfter] = [scoresOf(before), scoresOf(outcomes)];
  if (scoresBefore && scoresAfter && suite.behaviour.aim === 'lower') {
    return Math.abs(mean(scoresAfter)) / Math.max(Math.abs(mean(scoresBefore)), 1e-9);
  }
  const share = (these: readonly CaseOutcome[]) => {
    const passed = these.filter(({ passed }) => passed).length / these.length;
    return suite.behaviour.aim === 'raise' ? 1 - passed : passed;
  };
  return share(outcomes) / Math.max(share(before), 1 / outcomes.length);
}

function textFigures(
  before: readonly Reading[] | null,
  after: readonly Reading[] | null,
  vocabularySize: number,
): Pick<Trial, 'crossEntropy' | 'kl'> {
  if (!before || !after) return { crossEntropy: null, kl: null };
  const total = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0);
  const losses = (readings: readonly Reading[]) => readings.map((reading) => total(reading.losses));
  const tokens = after.map(({ losses: { length } }) => length);
  const worst = Math.log(vocabularySize);
  const loss = losses(before).reduce((sum, value) => sum + value, 0) / tokens.reduce((sum, count) => sum + count, 0);
  return {
    crossEntropy: relativeDifference(losses(before), losses(after), 0, [-1, worst / loss - 1]),
    kl: ratioEstimate(
      after.map(({ kl, losses: { length } }) => total(kl.subarray(0, length))),
      tokens,
      0,
      [0, worst],
    ),
  };
}

/** At least as good in all of target, kept cases and cross-entropy, and better in one. */
export function dominates(one: Trial, other: Trial): boolean {
  const costs = ({ remaining, kept, crossEntropy }: Trial) => [
    remaining ?? 0,
    1 - (kept?.value ?? 1),
    crossEntropy?.value ?? 0,
  ];
  if (one.failure !== null) return false;
  if (other.failure !== null) return true;
  const [mine, theirs] = [costs(one), costs(other)];
  return mine.every((cost, index) => cost <= at(theirs, index)) && mine.some((cost, index) => cost < at(theirs, index));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

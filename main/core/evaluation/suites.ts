// The suites of an evaluation: which cases of which behaviour, what for, and what is reported of each.
import type {
  CaseMarks,
  ContinuationKl,
  SoundAnswers,
  SuiteReport,
  SuiteRole,
} from '../../contract/domain/evaluationReport.ts';
import { AppError } from '../../contract/base/errors.ts';
import type { Behaviour, Case } from '../../contract/domain/behaviour.ts';
import { behaviourId } from '../behaviours/behaviour.ts';
import { isTextCheck, refuses } from '../behaviours/checks.ts';
import { isLoop, meanPair, ratePair } from './collateral.ts';
import { isSignificant, rateEstimate } from './intervals.ts';
import type { EvaluationSettings } from '../../contract/domain/evaluationSettings.ts';
import type { AnswerFault } from '../../contract/domain/soundness.ts';
import { casesOf, type CaseOutcome } from '../behaviours/runBehaviour.ts';
import { at, spread } from './spread.ts';

export interface Suite {
  readonly behaviour: Behaviour;
  readonly role: SuiteRole;
  readonly cases: readonly Case[];
  /** Indices of the cases that trials run on. */
  readonly trial: readonly number[];
}

export interface SuiteOutcomes extends Suite {
  readonly before: readonly CaseOutcome[];
  readonly after: readonly CaseOutcome[];
  /** Null: no answer was judged. */
  readonly soundness: JudgedSuite | null;
}

/** What is wrong with the answer to each case; null where no text was generated, empty where it is sound. */
export type Faults = readonly (readonly AnswerFault[] | null)[];

export interface JudgedSuite {
  readonly before: Faults;
  readonly after: Faults;
  /** See SoundAnswers. */
  readonly reference: number;
}

const LISTED_CASES = 60;
/** Of a prompt or an answer in the report, in characters. */
const LONGEST_SHOWN = 2000;

/** @throws AppError `usage` for a name that is twice or unknown, or a target that is to be kept; `empty` for fewer than two cases. */
export function chooseSuites(
  behaviours: readonly Behaviour[],
  targets: readonly string[] | undefined,
  settings: EvaluationSettings,
): Suite[] {
  const names = behaviours.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new AppError('usage', `Two behaviours have the name ${JSON.stringify(twice)}.`);
  const unknown = targets?.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new AppError('usage', `No behaviour has the name ${JSON.stringify(unknown.slice(0, 100))}.`);
  return behaviours.map((behaviour): Suite => {
    const { name, aim } = behaviour;
    const cases = casesOf(behaviour, settings.split === 'all' ? undefined : settings.split);
    if (cases.length < 2)
      throw new AppError('empty', `The behaviour ${name} has one case: two are the least for an interval.`);
    const isTarget = targets?.includes(name) ?? aim !== 'keep';
    if (isTarget && aim === 'keep') {
      throw new AppError(
        'usage',
        `${name} has the aim “preserve”, so it cannot be a target. Change its aim, or leave it out of the targets.`,
      );
    }
    const role = isTarget ? 'target' : aim === 'keep' ? 'keep' : 'other';
    const size = role === 'target' ? settings.trialTargetCases : settings.trialKeepCases;
    return { behaviour, role, cases, trial: spread([...cases.keys()], size) };
  });
}

export function suiteReport(
  { behaviour, role, cases, before, after, soundness }: SuiteOutcomes,
  kl: ContinuationKl | null,
  seed: number,
): SuiteReport {
  const passes = (outcomes: readonly CaseOutcome[]) => outcomes.map(({ passed }) => passed);
  const rate = ratePair(passes(before), passes(after));
  const heldOut = [...cases.keys()].filter((index) => at(cases, index).isHeldOut);
  const generates = cases.some(({ checks }) => checks.some(isTextCheck));
  const [scoresBefore, scoresAfter] = [scoresOf(before), scoresOf(after)];
  const changed = [...cases.keys()].filter((index) => at(before, index).passed !== at(after, index).passed);
  const shown = ({ output, score }: CaseOutcome) => (score === null ? shortened(output) : score.toFixed(3));
  return {
    name: behaviour.name,
    behaviour: behaviourId(behaviour),
    aim: behaviour.aim,
    role,
    rate,
    isSignificant: isSignificant(rate.difference),
    heldOut:
      heldOut.length === 0 || heldOut.length === cases.length
        ? null
        : ratePair(
            heldOut.map((index) => at(before, index).passed),
            heldOut.map((index) => at(after, index).passed),
          ),
    score: scoresBefore && scoresAfter && meanPair(scoresBefore, scoresAfter, seed),
    refuses: generates
      ? ratePair(
          before.map(({ output }) => refuses(output)),
          after.map(({ output }) => refuses(output)),
        )
      : null,
    loops: generates
      ? ratePair(
          before.map(({ ids }) => isLoop(ids)),
          after.map(({ ids }) => isLoop(ids)),
        )
      : null,
    sound: soundness && soundAnswers(before, after, soundness),
    kl,
    brokenCases: changed.filter((index) => at(before, index).passed).length,
    mendedCases: changed.filter((index) => at(after, index).passed).length,
    changed: spread(changed, LISTED_CASES).map((index) => ({
      prompt: shortened(at(cases, index).prompt),
      before: shown(at(before, index)),
      after: shown(at(after, index)),
      passedBefore: at(before, index).passed,
      ...(soundness?.after[index] ? { faults: soundness.after[index] } : {}),
    })),
    outcomes: { before: marksOf(before), after: marksOf(after) },
  };
}

/** Null where no text was generated. */
function soundAnswers(
  before: readonly CaseOutcome[],
  after: readonly CaseOutcome[],
  { before: faultsBefore, after: faultsAfter, reference }: JudgedSuite,
): SoundAnswers | null {
  const judged = [...faultsAfter.keys()].filter((index) => faultsAfter[index] && faultsBefore[index]);
  if (judged.length === 0) return null;
  const isSound = (faults: Faults, index: number) => faults[index]?.length === 0;
  const gone = judged.filter((index) => at(before, index).passed && !at(after, index).passed);
  const counts: Partial<Record<AnswerFault, number>> = {};
  for (const index of gone) {
    const [first] = faultsAfter[index] ?? [];
    if (first !== undefined) counts[first] = (counts[first] ?? 0) + 1;
  }
  return {
    share: ratePair(
      judged.map((index) => isSound(faultsBefore, index)),
      judged.map((index) => isSound(faultsAfter, index)),
    ),
    replaced: replacedBySound(gone.map((index) => faultsAfter[index] ?? null)),
    faults: counts,
    reference,
  };
}

/** @param faults of the answers that took the place of a behaviour. @returns the share that is sound; null where there are none. */
export function replacedBySound(faults: Faults): SoundAnswers['replaced'] {
  const judged = faults.filter((each) => each !== null);
  return judged.length === 0 ? null : rateEstimate(judged.filter(({ length }) => length === 0).length, judged.length);
}

function marksOf(outcomes: readonly CaseOutcome[]): CaseMarks {
  return { passed: outcomes.map(({ passed }) => (passed ? '1' : '0')).join(''), scores: scoresOf(outcomes) };
}

/** Null: not every case has a score. */
export function scoresOf(outcomes: readonly CaseOutcome[]): number[] | null {
  const scores = outcomes.map(({ score }) => score).filter((score) => score !== null);
  return scores.length === outcomes.length ? scores : null;
}

/** Both ends of what is too long for a report. */
function shortened(text: string): string {
  if (text.length <= LONGEST_SHOWN) return text;
  const half = LONGEST_SHOWN / 2;
  return `${text.slice(0, half)} … ${text.slice(-half)}`.toWellFormed();
}

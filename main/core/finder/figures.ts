// What an edit does to cases that the unedited model passes: figures with their intervals, and the dose-response curve.
import type { FoundDose, FoundFigures, KeptFigures } from '../../contract/domain/finding.ts';
import type { Estimate } from '../../contract/domain/estimate.ts';
import type { Edit } from '../../contract/domain/edit.ts';
import { rateEstimate, ratioEstimate } from '../evaluation/intervals.ts';
import {
  NO_INTERVENTION,
  type RunOptions,
  type IntervenableModel,
  type Intervention,
} from '../interventions/intervenableModel.ts';
import type { TrialScore } from './causalScorer.ts';
import { caseHarm, caseRemaining, harm, keptShare, remaining } from './objective.ts';
import type { RemainingCases } from './remainingCases.ts';
import type { ScoredText, ShownCase } from './shownCase.ts';
import type { Pool, Trials } from './trials.ts';

export const DOSES: readonly number[] = [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2];

/** @param remainingCases null where scores decide. */
export async function measureFigures(
  trials: Trials,
  edit: Edit,
  { remainingCases, seed }: { readonly remainingCases: RemainingCases | null; readonly seed: number },
): Promise<FoundFigures> {
  const { shown: target, keep } = trials;
  const [after, keptAfter] = [await trials.scores(target, edit), await trials.scores(keep, edit)];
  const said = (await remainingCases?.with(edit)) ?? null;
  const shown = said ? said.shown.length : target.cases.filter((_, index) => after[index]?.isShown === true).length;
  return {
    target: {
      cases: target.cases.length,
      shown: shown / target.cases.length,
      remaining: remaining(target.cases, target.before, after),
      estimates: {
        shown: rateEstimate(shown, target.cases.length),
        remaining: remainingEstimate(target.cases, target.before, after, seed),
      },
      sound: said?.sound && said.sound.of > 0 ? rateEstimate(said.sound.count, said.sound.of) : null,
    },
    kept: {
      cases: keep.cases.length,
      share: keptShare(keep.cases, keep.before, keptAfter),
      harm: harm(keep.cases, keep.before, keptAfter),
      behaviours: keptFigures(keep, keptAfter),
    },
  };
}

function keptFigures({ cases, before }: Pool, after: readonly TrialScore[]): KeptFigures[] {
  return [...new Set(cases.map(({ behaviour }) => behaviour))].map((behaviour) => {
    const own = [...cases.keys()].filter((index) => cases[index]?.behaviour === behaviour);
    const decided = own.filter((index) => before[index]?.isShown === true);
    const alike = decided.filter((index) => after[index]?.isShown === true).length;
    const lost = own.reduce((sum, index) => {
      const each = cases[index];
      return each ? sum + caseHarm(each, before[index], after[index]) : sum;
    }, 0);
    const isText = behaviour === 'text';
    return {
      behaviour,
      rate: isText || decided.length === 0 ? null : rateEstimate(alike, decided.length),
      harm: lost / own.length,
      cases: own.length,
    };
  });
}

/**
 * The curve over `strengths`, by teacher forcing of what the unedited model said.
 * @throws AppError `diverged`, `cancelled`.
 */
export async function doseResponse(
  intervenable: IntervenableModel,
  edit: Edit,
  { target, keep }: { readonly target: readonly ShownCase[]; readonly keep: readonly ShownCase[] },
  { strengths, seed, ...options }: RunOptions & { readonly strengths: readonly number[]; readonly seed: number },
): Promise<FoundDose[]> {
  const scores = (cases: readonly ShownCase[], intervention: Intervention) =>
    scoresOf(intervenable, cases, intervention, options);
  const [before, keptBefore] = [await scores(target, NO_INTERVENTION), await scores(keep, NO_INTERVENTION)];
  const doses: FoundDose[] = [];
  for (const strength of strengths) {
    const [after, keptAfter] = [await scores(target, { edit, strength }), await scores(keep, { edit, strength })];
    doses.push({
      strength,
      remaining: remainingEstimate(target, before, after, seed),
      harm: harm(keep, keptBefore, keptAfter),
    });
  }
  return doses;
}

function remainingEstimate(
  cases: readonly ShownCase[],
  before: readonly TrialScore[],
  after: readonly TrialScore[],
  seed: number,
): Estimate {
  const each = cases.map((shown, index) => caseRemaining(shown, before[index], after[index]));
  return ratioEstimate(
    each.map(({ left }) => left),
    each.map(({ whole }) => whole),
    seed,
  );
}

/** ln p of what was said, less that of the likeliest alternative. Whether decoding still says it is not asked. */
async function scoresOf(
  intervenable: IntervenableModel,
  cases: readonly ShownCase[],
  intervention: Intervention,
  options: RunOptions,
): Promise<TrialScore[]> {
  const texts = cases.flatMap(({ said, against }) => [said, ...against]);
  const values = await intervenable.logProbabilities(intervention, texts, options);
  const sums = new Map<ScoredText, number>();
  for (const [index, text] of texts.entries()) {
    const { promptLength, scoredFrom = promptLength } = text;
    const scored = (values[index] ?? []).slice(scoredFrom - promptLength);
    sums.set(
      text,
      scored.reduce((sum, value) => sum + value, 0),
    );
  }
  return cases.map(({ said, against }) => {
    const best = Math.max(...against.map((text) => sums.get(text) ?? NaN));
    return { score: (sums.get(said) ?? NaN) - (against.length > 0 ? best : 0), isShown: false };
  });
}

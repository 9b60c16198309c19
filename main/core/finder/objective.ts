// What a search minimises: what is left of the behaviour, and the harm to what must stay. Both are means over cases of
// teacher-forced scores, so they move before any greedy text does.
import type { TrialScore } from './causalScorer.ts';
import type { ShownCase } from './shownCase.ts';

/** A text whose probability fell by e⁻⁴ counts as gone: further falling earns nothing, so one case cannot pay for others. */
const GONE_NATS = 4;
/** A case that greedy decoding no longer shows still counts as shown while it keeps a thirtieth of its probability. */
const MARGIN_NATS = Math.log(30);

/**
 * What is left of a behaviour: 1 as before, 0 gone.
 * Texts: mean of 1 + max(ln p − ln p₀, −4)/4, at most 1.25 a case. Compared continuations: mean |difference| over mean
 * |difference before|, so a preference turned round is not a preference removed.
 * @param weights how often each case counts; once when left out.
 */
export function remaining(
  cases: readonly ShownCase[],
  before: readonly TrialScore[],
  after: readonly TrialScore[],
  weights?: readonly number[],
): number {
  let sum = 0;
  let all = 0;
  for (const [index, shown] of cases.entries()) {
    const { left, whole } = caseRemaining(shown, before[index], after[index]);
    const weight = weights?.[index] ?? 1;
    sum += weight * left;
    all += weight * whole;
  }
  return sum / all;
}

/** What one case adds to the sums whose quotient is `remaining`. */
export function caseRemaining(
  { against }: ShownCase,
  before: TrialScore | undefined,
  after: TrialScore | undefined,
): { readonly left: number; readonly whole: number } {
  const [s0, s] = [before?.score ?? NaN, after?.score ?? NaN];
  if (against.length > 0) return { left: Math.abs(s), whole: Math.abs(s0) };
  return { left: Math.min(1.25, 1 + Math.max(s - s0, -GONE_NATS) / GONE_NATS), whole: 1 };
}

/** Shares of the cases: of texts those still shown, with a margin; of comparisons those still decided as before. */
export function shownShare(
  cases: readonly ShownCase[],
  before: readonly TrialScore[],
  after: readonly TrialScore[],
): number {
  const shown = cases.filter((each, index) => isStillShown(each, before[index], after[index]));
  return shown.length / cases.length;
}

export function isStillShown(
  { against }: ShownCase,
  before: TrialScore | undefined,
  after: TrialScore | undefined,
): boolean {
  if (!before || !after) return true;
  return after.isShown || (against.length === 0 && after.score - before.score > -MARGIN_NATS);
}

/**
 * Nats lost on what must stay, ≥ 0: of texts max(0, ln p₀ − ln p), of comparisons the same of ln σ(difference). Mean over the
 * cases of each behaviour; of the behaviours the worst counts, since what is kept elsewhere makes up for nothing.
 */
export function harm(cases: readonly ShownCase[], before: readonly TrialScore[], after: readonly TrialScore[]): number {
  const losses = new Map<string, number[]>();
  for (const [index, shown] of cases.entries()) {
    const list = losses.get(shown.behaviour) ?? [];
    list.push(caseHarm(shown, before[index], after[index]));
    losses.set(shown.behaviour, list);
  }
  return Math.max(0, ...[...losses.values()].map(mean));
}

/** Nats lost on one case. */
export function caseHarm(
  { against }: ShownCase,
  before: TrialScore | undefined,
  after: TrialScore | undefined,
): number {
  const [s0, s] = [before?.score ?? NaN, after?.score ?? NaN];
  return Math.max(0, against.length > 0 ? logSigmoid(s0) - logSigmoid(s) : s0 - s);
}

/** Of the cases that were shown before, the share that greedy decoding, or the comparison, still decides alike; mean over behaviours. */
export function keptShare(
  cases: readonly ShownCase[],
  before: readonly TrialScore[],
  after: readonly TrialScore[],
): number {
  const kept = new Map<string, number[]>();
  for (const [index, { behaviour }] of cases.entries()) {
    if (before[index]?.isShown !== true) continue; // plain text: what greedy decoding would not have said
    const list = kept.get(behaviour) ?? [];
    list.push(after[index]?.isShown === true ? 1 : 0);
    kept.set(behaviour, list);
  }
  return kept.size === 0 ? 1 : mean([...kept.values()].map(mean));
}

function logSigmoid(x: number): number {
  return Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)));
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

// Baselines that do as well as an edit, in words: a wrong sign, random features or a plain direction that removes as much,
// leaves as much sound and keeps as much says that nothing shows the edit's features to be the cause.
import { percent } from '../base/figures.ts';
import type { Estimate } from './estimate.ts';

/** How the kinds of baselines are called. */
export const BASELINE_NAMES = {
  noEdit: 'no edit',
  edit: 'the edit',
  promptOnly: 'prompt only',
  randomFeatures: 'random features',
  randomFeaturesAndGates: 'random features and gates',
  wrongSign: 'wrong sign',
  steer: 'additive steer',
  differenceOfMeans: 'difference of means',
  differenceOfMeansProjection: 'difference of means, projected out',
} as const;
export type BaselineKind = keyof typeof BASELINE_NAMES;

/** What is compared of a baseline, and of the edit on the same cases. */
export interface RivalTrial {
  readonly kind: string;
  readonly remaining: number | null;
  readonly target: Estimate | null;
  readonly targetSound?: Estimate | null | undefined;
  readonly kept: Estimate | null;
  readonly crossEntropy: Estimate | null;
  readonly failure: string | null;
}

/** What a baseline may leave more of the behaviour by its mean score, where that has no interval. */
const SCORE_SLACK = 0.05;

/**
 * A sentence for each kind of baseline that does as well as the edit: no figure of it is beyond the edit's interval to the
 * worse. Empty where the edit does nothing itself.
 */
export function rivals(baselines: readonly RivalTrial[]): string[] {
  const edit = baselines.find(({ kind }) => kind === 'edit');
  if (!edit || edit.remaining === null || edit.remaining > 0.9) return [];
  const told = new Set<string>();
  return baselines.flatMap((baseline) => {
    const { kind } = baseline;
    if (kind === 'edit' || kind === 'noEdit' || told.has(kind) || !doesAsWell(baseline, edit)) return [];
    told.add(kind);
    const name = BASELINE_NAMES[kind as BaselineKind];
    return [
      `“${name}” does as well as the edit${figuresOf(baseline, edit)}: nothing here shows that the edit is better.`,
    ];
  });
}

function doesAsWell(one: RivalTrial, edit: RivalTrial): boolean {
  if (one.failure !== null || one.remaining === null || edit.remaining === null) return false;
  const allowed = edit.target ? Math.max(edit.target.high, edit.remaining) : edit.remaining + SCORE_SLACK;
  return (
    one.remaining <= Math.max(allowed, edit.remaining + SCORE_SLACK) &&
    isAtLeast(one.targetSound, edit.targetSound) &&
    isAtLeast(one.kept, edit.kept) &&
    (!one.crossEntropy || !edit.crossEntropy || one.crossEntropy.value <= edit.crossEntropy.high)
  );
}

/** Not below the edit's interval; what was not measured of both is not held against it. */
function isAtLeast(one: Estimate | null | undefined, edit: Estimate | null | undefined): boolean {
  return !one || !edit || one.value >= edit.low;
}

function figuresOf(one: RivalTrial, edit: RivalTrial): string {
  const pair = (what: string, a: number | null | undefined, b: number | null | undefined) =>
    a === null || a === undefined || b === null || b === undefined
      ? []
      : [`${what} ${percent(a)} against ${percent(b)}`];
  const parts = [
    ...pair('left', one.remaining, edit.remaining),
    ...pair('sound', one.targetSound?.value, edit.targetSound?.value),
    ...pair('kept', one.kept?.value, edit.kept?.value),
  ];
  return ` (${parts.join(', ')}; ${edit.target?.n ?? 0} cases)`;
}

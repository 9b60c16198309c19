// How a stage's progress becomes that of its whole task: which share of the time each stage takes, about as measured on the sample. The
// shares need not be exact, since a fraction that is a little off still rises from 0 to 1 once, and never falls.
import type { Work } from '../contract/base/progress.ts';

export interface Part {
  /** How the stage's name begins; of several that fit, the longest counts. */
  readonly stage: string;
  readonly share: number;
  /**
   * Its stages are numbered and nobody knows how many come ('Choosing operation 3'): each takes this share of what remains of
   * the part.
   */
  readonly each?: number;
}

const TRAINING: readonly Part[] = [
  { stage: 'Training', share: 0.95 },
  { stage: 'Calibrating thresholds', share: 0.01 },
  { stage: 'Evaluating the reconstruction', share: 0.02 },
  { stage: 'Scoring with', share: 0.02 },
];

/** By task, in the order of its stages. A task with one stage needs no row: its fraction is that of the stage. */
export const PARTS: Readonly<Record<string, readonly Part[]>> = {
  'feature.statistics': [
    { stage: 'Looking at the text', share: 0.01 },
    { stage: 'Tokenizing the corpus', share: 0.05 },
    { stage: 'Counting where features fire', share: 0.72 },
    { stage: 'Comparing when features fire', share: 0.05 },
    { stage: 'Writing what was counted', share: 0.01 },
    { stage: 'Comparing decoder directions', share: 0.03 },
    { stage: 'Drawing the map', share: 0.09 },
    { stage: 'Computing effects on the logits', share: 0.04 },
  ],
  'edit.find': [
    { stage: 'Reading', share: 0.11 },
    { stage: 'Encoding texts', share: 0.08 },
    { stage: 'Measuring causes', share: 0.21 },
    { stage: 'Choosing operation', share: 0.18, each: 0.5 },
    { stage: 'Making it smaller', share: 0.12 },
    { stage: 'Reading held-out', share: 0.26 },
    { stage: 'Measuring other doses', share: 0.04 },
  ],
  'activations.capture': [
    { stage: 'Tokenizing the corpus', share: 0.03 },
    { stage: 'Capturing activations', share: 0.97 },
  ],
  'dictionary.train': TRAINING,
  'dictionary.resume': TRAINING,
};

/** Where in the whole task a report of work is, 0 to 1; null: it is of no stage that the task is known by. */
export function wholeFraction(parts: readonly Part[], { stage, done, total }: Work): number | null {
  const [part] = parts
    .filter((each) => stage.startsWith(each.stage))
    .toSorted((a, b) => b.stage.length - a.stage.length);
  if (!part) return null;
  const before = parts.slice(0, parts.indexOf(part)).reduce((sum, { share }) => sum + share, 0);
  const within = total === null ? 0 : total === 0 ? 1 : Math.min(1, done / total);
  if (part.each === undefined) return before + part.share * within;
  const number = Number(/\d+$/u.exec(stage)?.[0] ?? 1);
  const until = (stages: number) => 1 - (1 - (part.each ?? 0)) ** stages;
  return before + part.share * (until(number - 1) + (until(number) - until(number - 1)) * within);
}

/** Seconds that remain at the pace so far; null until a fiftieth is done, when there is no pace yet. */
export function wholeRemaining(fraction: number, seconds: number): number | null {
  return fraction < 0.02 ? null : (seconds / fraction) * (1 - fraction);
}

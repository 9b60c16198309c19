// How widely and how long a search for an edit looks.
import * as v from 'valibot';

const count = (least: number, most: number) =>
  v.pipe(
    v.number('expected a number'),
    v.integer('expected a whole number'),
    v.minValue(least, `at least ${least}`),
    v.maxValue(most, `at most ${most}`),
  );
const share = v.pipe(v.number('expected a number'), v.minValue(0, 'at least 0'), v.maxValue(1, 'at most 1'));

export const findSettingsSchema = v.strictObject({
  seed: v.optional(count(0, 2 ** 31), 0),
  /** Cases of the target, and of each behaviour to be kept, that are looked at. */
  targetCases: v.optional(count(2, 10_000), 160),
  keepCases: v.optional(count(1, 10_000), 128),
  /** Cases of each behaviour's split `report` that the result is measured on, which no choice was made with. 0: none. */
  reportCases: v.optional(count(0, 10_000), 96),
  /** Where in a prompt contrast looks at a feature: its largest activation anywhere, that on the last token, or both. */
  positions: v.optional(v.picklist(['anywhere', 'last', 'both']), 'both'),
  /** Features of each dictionary that contrast proposes. */
  candidates: v.optional(count(1, 10_000), 512),
  mostOperations: v.optional(count(1, 256), 16),
  /** The search ends when so small a share of the target's texts is still shown, */
  goalShown: v.optional(share, 0.01),
  /** or, where continuations are compared, when so little of the mean difference is left. */
  goalRemaining: v.optional(share, 0.45),
  /**
   * How much a mean of one nat lost on the worst of the kept behaviours weighs against the whole behaviour, at first: it is
   * halved, and halved again, where nothing else helps.
   */
  harmWeight: v.optional(v.pipe(v.number('expected a number'), v.minValue(0), v.maxValue(1000)), 4),
  /** Tokens that one round of the search may read: with it grow the time, and the number of things tried. */
  tokensPerRound: v.optional(count(1000, 100_000_000), 120_000),
});

export type FindSettings = Readonly<v.InferOutput<typeof findSettingsSchema>>;

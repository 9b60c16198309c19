// On how much of what was measured an edit acted at all: a figure of text on which it never did says nothing about the edit.
import * as v from 'valibot';
import type { DataOf } from '../base/data.ts';
import { percent } from '../base/figures.ts';

export const actedEntries = {
  /** Tokens, or answers, on which the edit moved an activation. */
  count: v.number(),
  of: v.number(),
  /** Contexts with such a token, and how many contexts there are: the units of intervals. */
  units: v.number(),
  ofUnits: v.number(),
};
export type Acted = DataOf<v.ObjectSchema<typeof actedEntries, undefined>>;

/** Fewer units in which an edit acted carry no interval. */
export const FEW_ACTED = 10;

/** The rule of three, exactly: the largest share that none of n units shows with a probability of 5%. */
export function mostUnseen(n: number): number {
  return 1 - 0.05 ** (1 / n);
}

/** 'acted on 12 of 7,494 tokens' */
export function actedText({ count, of }: Pick<Acted, 'count' | 'of'>, what = 'tokens'): string {
  return `acted on ${count.toLocaleString('en')} of ${of.toLocaleString('en')} ${what}`;
}

/** What a reader must know where an edit acted in too few contexts of held-out text; null where it acted in enough. */
export function actedWarning(acted: Acted): string | null {
  const { units, ofUnits } = acted;
  if (units >= FEW_ACTED) return null;
  const seen = `On the held-out text the edit ${actedText(acted)}, in ${units} of ${ofUnits} contexts`;
  const ask = 'Measure on text on which it acts, too.';
  return units === 0
    ? `${seen}: it may still act in up to ${percent(mostUnseen(ofUnits))} of such contexts (95%), and what it does there was not measured. ${ask}`
    : `${seen}: too few to say what it does there. ${ask}`;
}

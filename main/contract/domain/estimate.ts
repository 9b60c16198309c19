// An estimate with its 95% interval, and the words for where there is none. How intervals are made stands in
// main/core/evaluation/intervals.ts.
import * as v from 'valibot';
import type { DataOf } from '../base/data.ts';

/** Why the numbers of an interval say nothing. */
export const NO_INTERVAL = {
  one: 'there is one unit only',
  allEqual: 'all units have the same value, so how they vary is not known',
  fewActed: 'the edit acted in too few of them',
} as const;
export type NoInterval = keyof typeof NO_INTERVAL;

export const estimateSchema = v.object({
  value: v.number(),
  /** Bounds of the 95% interval. */
  low: v.number(),
  high: v.number(),
  /** Units behind it. */
  n: v.number(),
  /** Why low and high say nothing; left out where they are the interval. */
  noInterval: v.exactOptional(v.picklist(Object.keys(NO_INTERVAL) as NoInterval[])),
});
export type Estimate = DataOf<typeof estimateSchema>;

/** '[91.2%, 97.8%]', or that the interval is not defined, and why. */
export function boundsText(
  { low, high, noInterval }: Pick<Estimate, 'low' | 'high' | 'noInterval'>,
  show: (value: number) => string,
): string {
  return noInterval === undefined
    ? `[${show(low)}, ${show(high)}]`
    : `[interval not defined: ${NO_INTERVAL[noInterval]}]`;
}

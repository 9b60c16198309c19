import { boundsText, type NoInterval } from '../../../../main/contract/domain/estimate.ts';

/** An estimate with its 95% interval and the size of its sample. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
  readonly noInterval?: NoInterval | undefined;
}

/** '95.3% [91.2%, 97.8%], n = 280' */
export function intervalText(interval: Interval, format: (value: number) => string): string {
  return `${format(interval.value)} ${boundsText(interval, format)}, n = ${interval.n}`;
}

/** An estimate with its 95% interval and the size of its sample. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
}

/** '95.3% [91.2%, 97.8%], n = 280' */
export function intervalText({ value, low, high, n }: Interval, format: (value: number) => string): string {
  return `${format(value)} [${format(low)}, ${format(high)}], n = ${n}`;
}

import type { Point } from './thin.ts';

/** One curve of a chart. */
export interface Series {
  readonly name: string;
  /** In order of x. */
  readonly points: readonly Point[];
}

/** As many colours as there are tokens; then they begin again. */
export function seriesColour(index: number): string {
  return `var(--series-${(index % 6) + 1})`;
}

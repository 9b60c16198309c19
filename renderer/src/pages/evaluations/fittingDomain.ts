// The axis of shares that fits what is drawn: all intervals and limits, with a margin, within 0 to 1.

interface Row {
  readonly limit?: number | undefined;
  readonly marks: readonly { readonly estimate: { readonly low: number; readonly high: number } }[];
}

/** Steps of five percent, so that the ticks are round. */
const STEP = 0.05;

export function fittingDomain(rows: readonly Row[]): readonly [number, number] {
  const all = rows.flatMap(({ limit, marks }) => [
    ...(limit === undefined ? [] : [limit]),
    ...marks.flatMap(({ estimate }) => [estimate.low, estimate.high]),
  ]);
  if (all.length === 0) return [0, 1];
  const low = Math.max(0, Math.floor((Math.min(...all) - STEP / 4) / STEP) * STEP);
  const high = Math.min(1, Math.ceil((Math.max(...all) + STEP / 4) / STEP) * STEP);
  return low < high ? [Number(low.toFixed(2)), Number(high.toFixed(2))] : [0, 1];
}

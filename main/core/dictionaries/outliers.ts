// Activations of extreme norm, told the same way in training, evaluation and statistics: a row ten times as far from the
// centre as the median row, or more (dictionary_learning uses the same multiple). The centre is the median of each
// coordinate, which a tenth of the rows cannot pull, however far away they lie; they would pull a mean as far as they like, and
// with it the distances of all others.
import type { RowSelection } from '../activations/rowSelection.ts';
import { readSequentially } from '../activations/sequentialReader.ts';
import type { ActivationStore } from '../activations/store.ts';

export interface OutlierBound {
  /** `[d]` */
  readonly centre: Float64Array;
  /** Distance from the centre, in raw units, from which on a row is an outlier; infinite where most rows are equal. */
  readonly limit: number;
}

const OUTLIER_MULTIPLE = 10;
/** Rows that the centre is taken from, evenly over those given. */
const CENTRE_ROWS = 2048;

/** @param rows at least one, all of one width. */
export function outlierBound(rows: readonly Float32Array[]): OutlierBound {
  const [first = new Float32Array(0)] = rows;
  const stride = Math.max(1, Math.floor(rows.length / CENTRE_ROWS));
  const chosen = rows.filter((_, index) => index % stride === 0);
  const column = new Float64Array(chosen.length);
  const centre = new Float64Array(first.length);
  for (let j = 0; j < centre.length; j++) {
    for (const [index, row] of chosen.entries()) column[index] = row[j] ?? NaN;
    centre[j] = medianOf(column);
  }
  const middle = medianOf(Float64Array.from(rows, (row) => distance(row, centre)));
  return { centre, limit: middle > 0 ? OUTLIER_MULTIPLE * middle : Infinity };
}

/** Of the first rows of a selection. */
export async function outlierBoundOf(store: ActivationStore, selection: RowSelection): Promise<OutlierBound> {
  for await (const { values } of readSequentially(store, selection, Math.min(CENTRE_ROWS, selection.count()))) {
    return outlierBound(rowsOf(values, store.width));
  }
  return { centre: new Float64Array(store.width), limit: Infinity };
}

/** Views of the rows of `[rows, width]`. */
export function rowsOf(values: Float32Array, width: number): Float32Array[] {
  return Array.from({ length: values.length / width }, (_, row) => values.subarray(row * width, (row + 1) * width));
}

export function isOutlier(row: Float32Array, { centre, limit }: OutlierBound): boolean {
  return distance(row, centre) >= limit;
}

/** The rows that are none, moved together at the start of the same array. */
export function withoutOutliers(values: Float32Array, width: number, bound: OutlierBound): Float32Array {
  let kept = 0;
  for (const row of rowsOf(values, width)) {
    if (isOutlier(row, bound)) continue;
    values.set(row, kept * width);
    kept++;
  }
  return values.subarray(0, kept * width);
}

export function distance(row: Float32Array, from: Float64Array | Float32Array): number {
  let sum = 0;
  for (let j = 0; j < row.length; j++) sum += ((row[j] as number) - (from[j] as number)) ** 2;
  return Math.sqrt(sum);
}

function medianOf(values: Float64Array): number {
  return values.toSorted()[values.length >> 1] ?? NaN;
}

// Centring and scaling of the activations before training: x' = (x − mean)·scale with E‖x'‖² = 1. Centring removes most dead
// features (arXiv 2605.31518); the scale makes one learning rate fit all sites. Both are folded into the weights at the end.
import { ShuffledReader } from '../activations/shuffledReader.ts';
import type { RowSelection } from '../activations/rowSelection.ts';
import type { ActivationStore } from '../activations/store.ts';
import { AppError } from '../../contract/base/errors.ts';
import { distance, isOutlier, outlierBound, rowsOf, type OutlierBound } from './outliers.ts';
import type { Normalisation } from './trainingState.ts';

const SAMPLE_ROWS = 1 << 16;
/** Of a wide site fewer rows, but never fewer than a batch. */
const SAMPLE_BYTES = 64 << 20;
const SAMPLE_BATCH = 1024;
/** Rows that differ less than this share of their mean's norm are equal: the smallest step of a float32 is 6e-8. */
const EQUAL_SHARE = 1e-9;

export interface MeasuredNormalisation extends Normalisation {
  /** Which rows are outliers; nothing is learned from them. */
  readonly outliers: OutlierBound;
}

/** Measured on a sample of the rows that depends on the seed alone. @throws AppError `empty` when all rows are equal, `invalid-file`. */
export async function measureNormalisation(
  store: ActivationStore,
  selection: RowSelection,
  seed: number,
): Promise<MeasuredNormalisation> {
  const available = selection.count();
  const batchSize = Math.min(SAMPLE_BATCH, available);
  const wanted = Math.min(SAMPLE_ROWS, available, Math.floor(SAMPLE_BYTES / (4 * store.width)));
  const reader = new ShuffledReader(store, { batchSize, seed: seed + 1, selection, epochs: 1, bufferBytes: 64 << 20 });
  const { width } = store;
  const sample: Float32Array[] = [];
  try {
    for (let rows = 0; rows === 0 || rows < wanted; rows += batchSize) {
      const batch = await reader.next();
      if (!batch) break;
      sample.push(batch);
    }
  } finally {
    await reader.close();
  }
  const rows = sample.flatMap((batch) => rowsOf(batch, width));
  if (!rows.every((row) => row.every(Number.isFinite))) {
    throw new AppError('invalid-file', `${store.folder}: some of its activations are not finite numbers.`);
  }
  const outliers = outlierBound(rows);
  const kept = rows.filter((row) => !isOutlier(row, outliers));
  const mean = new Float64Array(width);
  for (const row of kept) for (let j = 0; j < width; j++) mean[j]! += (row[j] as number) / kept.length;
  const meanSquare = kept.reduce((sum, row) => sum + distance(row, mean) ** 2, 0) / kept.length;
  const meanNorm = Math.sqrt(mean.reduce((sum, value) => sum + value * value, 0));
  if (!(meanSquare > (EQUAL_SHARE * meanNorm) ** 2))
    throw new AppError('empty', `${store.folder}: its activations do not vary; there is nothing to learn.`);
  return { mean: Float32Array.from(mean), scale: 1 / Math.sqrt(meanSquare), outliers };
}

/**
 * Puts the mean in the place of outliers: nothing is learned from such a row, and the batch keeps its size.
 * @param batch `[rows, d]`, changed in place
 * @returns how many there were.
 */
export function replaceOutliers(batch: Float32Array, { mean, outliers }: MeasuredNormalisation): number {
  let replaced = 0;
  for (const row of rowsOf(batch, mean.length)) {
    if (!isOutlier(row, outliers)) continue;
    row.set(mean);
    replaced++;
  }
  return replaced;
}

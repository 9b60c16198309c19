// Centring and scaling of the activations before training: x' = (x − mean)·scale with E‖x'‖² = 1. Centring removes most dead
// features (arXiv 2605.31518); the scale makes one learning rate fit all sites. Both are folded into the weights at the end.
import { ShuffledReader } from '../activations/shuffledReader.ts';
import type { RowSelection } from '../activations/rowSelection.ts';
import type { ActivationStore } from '../activations/store.ts';
import { AppError } from '../../contract/base/errors.ts';
import type { Normalisation } from './trainingState.ts';

const SAMPLE_ROWS = 1 << 16;
/** Of a wide site fewer rows, but never fewer than a batch. */
const SAMPLE_BYTES = 64 << 20;
const SAMPLE_BATCH = 1024;
/** A row this many times the median norm from the mean is an outlier (dictionary_learning uses the same multiple). */
const OUTLIER_MULTIPLE = 10;
/** Rows that differ less than this share of their mean's norm are equal: the smallest step of a float32 is 6e-8. */
const EQUAL_SHARE = 1e-9;

export interface MeasuredNormalisation extends Normalisation {
  /** Distance from the mean, in raw units, from which on a row is an outlier. */
  readonly outlierNorm: number;
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
  const everything = meanAndNorms(sample, width);
  const outlierNorm = OUTLIER_MULTIPLE * median(everything.norms);
  // Once more without the outliers, which would pull the mean and blow up the scale.
  const { mean, norms } = meanAndNorms(sample, width, { mean: everything.mean, limit: outlierNorm });
  const meanSquare = norms.reduce((sum, norm) => sum + norm * norm, 0) / norms.length;
  if (!Number.isFinite(everything.norms.reduce((sum, norm) => sum + norm, 0))) {
    throw new AppError('invalid-file', `${store.folder}: some of its activations are not finite numbers.`);
  }
  const meanNorm = Math.sqrt(mean.reduce((sum, value) => sum + value * value, 0));
  if (!(meanSquare > (EQUAL_SHARE * meanNorm) ** 2))
    throw new AppError('empty', `${store.folder}: its activations do not vary; there is nothing to learn.`);
  return { mean: Float32Array.from(mean), scale: 1 / Math.sqrt(meanSquare), outlierNorm };
}

function meanAndNorms(
  sample: readonly Float32Array[],
  width: number,
  filter?: { readonly mean: Float64Array; readonly limit: number },
): { mean: Float64Array; norms: Float64Array } {
  const rows = sample.flatMap((batch) =>
    Array.from({ length: batch.length / width }, (_, row) => batch.subarray(row * width, (row + 1) * width)),
  );
  const kept = filter ? rows.filter((row) => distance(row, filter.mean) < filter.limit) : rows;
  const mean = new Float64Array(width);
  for (const row of kept) for (let j = 0; j < width; j++) mean[j]! += (row[j] as number) / kept.length;
  return { mean, norms: Float64Array.from(kept, (row) => distance(row, mean)) };
}

function distance(row: Float32Array, mean: Float64Array | Float32Array): number {
  let sum = 0;
  for (let j = 0; j < row.length; j++) sum += ((row[j] as number) - (mean[j] as number)) ** 2;
  return Math.sqrt(sum);
}

function median(values: Float64Array): number {
  const sorted = values.toSorted();
  return sorted[Math.floor(sorted.length / 2)] as number;
}

/**
 * Puts the mean in the place of outliers: nothing is learned from such a row, and the batch keeps its size.
 * @param batch `[rows, d]`, changed in place
 */
export function replaceOutliers(batch: Float32Array, { mean, outlierNorm }: MeasuredNormalisation): void {
  const d = mean.length;
  const limit = outlierNorm * outlierNorm;
  for (let start = 0; start < batch.length; start += d) {
    let sum = 0;
    for (let j = 0; j < d; j++) sum += ((batch[start + j] as number) - (mean[j] as number)) ** 2;
    if (sum >= limit) batch.set(mean, start);
  }
}

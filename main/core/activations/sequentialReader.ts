// Batches from a store in the order of its rows: for evaluation and for statistics over all features.

import type { RowSelection } from './rowSelection.ts';
import type { ActivationStore } from './store.ts';

export interface SequentialBatch {
  /** Float32 `[rows.length, width]`, the caller's to keep. */
  readonly values: Float32Array<ArrayBuffer>;
  /** Which rows of the store these are. */
  readonly rows: Float64Array;
}

const READ_BYTES = 4 << 20;

/** Every selected row once, in batches of `batchSize`, the last one smaller. The next read is under way while one is used. */
export async function* readSequentially(
  store: ActivationStore,
  selection: RowSelection,
  batchSize: number,
): AsyncGenerator<SequentialBatch, void, undefined> {
  const { width } = store;
  const rowsPerRead = Math.max(batchSize, Math.floor(READ_BYTES / store.bytesPerRow));
  const readFrom = (first: number) => {
    if (first >= selection.end) return null;
    const reading = store.readRows(first, Math.min(rowsPerRead, selection.end - first));
    reading.catch(() => undefined); // told when it is awaited
    return reading;
  };
  let missing = selection.count();
  let values = new Float32Array(Math.min(batchSize, missing) * width);
  let rows = new Float64Array(Math.min(batchSize, missing));
  let filled = 0;
  let next = readFrom(selection.first);
  try {
    for (let first = selection.first; next; first += rowsPerRead) {
      const read = await next;
      const end = first + read.length / width;
      next = readFrom(end);
      for (let row = first; row < end; row++) {
        if (!selection.has(row)) continue;
        values.set(read.subarray((row - first) * width, (row - first + 1) * width), filled * width);
        rows[filled++] = row;
        if (filled < rows.length) continue;
        yield { values, rows };
        missing -= filled;
        values = new Float32Array(Math.min(batchSize, missing) * width);
        rows = new Float64Array(Math.min(batchSize, missing));
        filled = 0;
      }
    }
  } finally {
    await next?.catch(() => undefined); // the store may be closed right after
  }
}

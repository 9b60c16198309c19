// Mean and scale against a plain computation in double precision, on stores written by the real writer. Tolerance 1e-6: the
// mean is kept in float32.
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { RowSelection } from '../activations/rowSelection.ts';
import { openStore, type ActivationStore } from '../activations/store.ts';
import { describeStore, openWriter } from '../../testing/activations/makeStore.ts';
import { temporaryFolder } from '../../testing/models/temporaryFolder.ts';
import { Random } from '../numerics/random.ts';
import { measureNormalisation, replaceOutliers } from './normalisation.ts';

const width = 6;
const contextLength = 8;
/** 1 024 contexts of BOS and 7 tokens: seven whole batches of the sample. */
const contexts = 1024;

let opened: ActivationStore[] = [];
afterEach(async () => {
  await Promise.all(opened.map((store) => store.close()));
  opened = [];
});

type RowAt = (row: number) => ArrayLike<number>;

async function storeOf(
  rowAt: RowAt,
  changes: Partial<ReturnType<typeof describeStore>> = {},
): Promise<ActivationStore> {
  const folder = join(await temporaryFolder(), 'store');
  const description = describeStore({ width, contexts, contextLength, rowsPerShard: 5000, ...changes });
  const writer = await openWriter(folder, description);
  const rows = description.contexts * description.contextLength;
  const values = new Float32Array(rows * description.width);
  for (let row = 0; row < rows; row++) values.set(rowAt(row), row * description.width);
  await writer.write(0, values);
  await writer.finish();
  const store = await openStore(folder);
  opened.push(store);
  return store;
}

/** Scattered around a mean that is not zero; what stands on a BOS is like nothing else. */
function scattered(): Float32Array[] {
  const random = new Random(3);
  return Array.from({ length: contexts * contextLength }, (_, row) =>
    Float32Array.from({ length: width }, (_, j) =>
      row % contextLength === 0 ? 1e4 : 5 * j + (j + 1) * random.normal(),
    ),
  );
}

function expected(rows: readonly Float32Array[]): { mean: number[]; scale: number } {
  const mean = Array.from({ length: width }, (_, j) => rows.reduce((sum, row) => sum + row[j]! / rows.length, 0));
  const square = rows.reduce((sum, row) => sum + row.reduce((all, value, j) => all + (value - mean[j]!) ** 2, 0), 0);
  return { mean, scale: 1 / Math.sqrt(square / rows.length) };
}

const isToken = (_: unknown, row: number) => row % contextLength !== 0;

function expectNear(actual: { mean: Float32Array; scale: number }, wanted: { mean: number[]; scale: number }): void {
  wanted.mean.forEach((value, j) =>
    expect(Math.abs(actual.mean[j]! - value)).toBeLessThan(1e-6 * Math.max(1, Math.abs(value))),
  );
  expect(Math.abs(actual.scale / wanted.scale - 1)).toBeLessThan(1e-6);
}

async function measure(store: ActivationStore, seed = 1) {
  return measureNormalisation(store, await RowSelection.of(store), seed);
}

describe('normalisation', () => {
  it('centres, and makes the mean squared norm 1, BOS not counted', async () => {
    const rows = scattered();
    const measured = await measure(await storeOf((row) => rows[row]!));
    const tokens = rows.filter(isToken);
    expectNear(measured, expected(tokens));
    const { mean, scale } = measured;
    const squares = tokens.map((row) => row.reduce((sum, value, j) => sum + ((value - mean[j]!) * scale) ** 2, 0));
    expect(squares.reduce((a, b) => a + b, 0) / squares.length).toBeCloseTo(1, 5);
  });

  it('leaves outliers out, and says from where on a row is one', async () => {
    const rows = scattered();
    const outliers = new Set([11, 505, 4002, 8001]);
    for (const row of outliers) rows[row] = new Float32Array(width).fill(300);
    const measured = await measure(await storeOf((row) => rows[row]!));
    const kept = rows.filter((row, at) => isToken(row, at) && !outliers.has(at));
    expectNear(measured, expected(kept));
    // Ten times the median distance, which four of 7 168 rows do not move.
    const { mean } = measured;
    const distances = kept.map((row) => Math.hypot(...row.map((value, j) => value - mean[j]!))).sort((a, b) => a - b);
    const median = distances[distances.length >> 1]!;
    expect(measured.outliers.limit / (10 * median)).toBeGreaterThan(0.95);
    expect(measured.outliers.limit / (10 * median)).toBeLessThan(1.05);
  });

  it('is the same with a tenth of the rows as far away as they like, all on one side', async () => {
    const rows = scattered();
    const isPlanted = (at: number) => at % 10 === 3;
    const kept = rows.filter((row, at) => isToken(row, at) && !isPlanted(at));
    for (const far of [50, 300, 1e6]) {
      const planted = rows.map((row, at) => (isPlanted(at) ? new Float32Array(width).fill(far) : row));
      const measured = await measure(await storeOf((row) => planted[row]!));
      expectNear(measured, expected(kept));
      const batch = Float32Array.from([...planted[13]!, ...planted[14]!]);
      expect(replaceOutliers(batch, measured)).toBe(1);
      expect(batch.subarray(width)).toEqual(planted[14]);
    }
  });

  it('depends on the seed alone', async () => {
    const rows = scattered();
    // 50 tokens more than the sample's batches: which 50 are left out is drawn by the seed.
    const store = await storeOf((row) => rows[row % rows.length]!, { contexts: contexts + 50 });
    const measured = await measure(store, 7);
    expect(await measure(store, 7)).toEqual(measured);
    expect((await measure(store, 8)).mean).not.toEqual(measured.mean);
  });

  it('takes a small store whole', async () => {
    const rows = scattered().slice(0, 5 * contextLength);
    const measured = await measure(await storeOf((row) => rows[row]!, { contexts: 5 }));
    expectNear(measured, expected(rows.filter(isToken)));
  });

  it.each([NaN, Infinity])('refuses activations with %d in them', async (value) => {
    const rows = scattered();
    const store = await storeOf((row) => rows[row]!);
    const readStored = store.readStored.bind(store);
    // The writer would not have written them: a damaged disk.
    store.readStored = async (first, target) => {
      await readStored(first, target);
      new Float32Array(target.buffer, target.byteOffset, target.byteLength / 4)[2 * width + 3] = value;
    };
    await expect(measure(store)).rejects.toMatchObject({
      code: 'invalid-file',
      message: expect.stringContaining(store.folder) as string,
    });
  });

  it.each([0, 0.1, 1e6])('refuses activations that are all %d', async (value) => {
    const store = await storeOf(() => new Float32Array(width).fill(value));
    await expect(measure(store)).rejects.toMatchObject({
      code: 'empty',
      message: expect.stringContaining(store.folder) as string,
    });
  });
});

describe('an outlier in a batch', () => {
  const normalisation = {
    mean: Float32Array.of(1, 2, 3),
    scale: 0.5,
    outliers: { centre: Float64Array.of(1, 2, 3), limit: 5 },
  };

  it('gives its place to the mean', () => {
    const batch = Float32Array.of(1, 2, 3, 4, 6, 3, 4, 5.99, 3, -100, 2, 3, 0, 0, 0);
    replaceOutliers(batch, normalisation);
    // The second row lies exactly at the limit, the third just inside of it.
    expect([...batch]).toEqual([1, 2, 3, 1, 2, 3, 4, Math.fround(5.99), 3, 1, 2, 3, 0, 0, 0]);
  });

  it('is never a row of ordinary ones', () => {
    const random = new Random(1);
    const batch = Float32Array.from({ length: 300 }, () => 1 + 0.5 * random.normal());
    const before = batch.slice();
    replaceOutliers(batch, normalisation);
    expect(batch).toEqual(before);
  });
});

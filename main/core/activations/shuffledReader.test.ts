import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RowSelection, splitContexts } from './rowSelection.ts';
import { ShuffledReader, type ShuffleOptions } from './shuffledReader.ts';
import { openStore, type ActivationStore } from './store.ts';
import { describeStore, makeStore, valueAt } from '../../testing/activations/makeStore.ts';

const WIDTH = 32;
const BYTES_PER_ROW = WIDTH * 4;
let folder: string;
let store: ActivationStore;
let halves: ActivationStore;
let selection: RowSelection;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-shuffle-'));
  const shape = { contexts: 2500, contextLength: 8, width: WIDTH, rowsPerShard: 3001 }; // 20 000 rows, 2.56 MB
  await makeStore(join(folder, 'f32'), describeStore(shape));
  await makeStore(join(folder, 'f16'), describeStore({ ...shape, dtype: 'f16' }));
  store = await openStore(join(folder, 'f32'));
  halves = await openStore(join(folder, 'f16'));
  selection = await RowSelection.of(store, { contexts: splitContexts(store, 0.1).train });
});
afterAll(async () => {
  await store.close();
  await halves.close();
  await rm(folder, { recursive: true, force: true });
});

/** 2250 contexts of 7 rows that are not BOS. */
const SELECTED = 2250 * 7;
const buffers: [string, number][] = [
  ['larger than the store', 64 << 20],
  ['a fifth of the store', 4000 * BYTES_PER_ROW],
  ['tiny', 300 * BYTES_PER_ROW],
];

function reader(changes: Partial<ShuffleOptions> = {}, from: ActivationStore = store): ShuffledReader {
  return new ShuffledReader(from, {
    batchSize: 100,
    seed: 1,
    selection,
    bufferBytes: 4000 * BYTES_PER_ROW,
    ...changes,
  });
}

/** Row numbers in the order in which they come; checks that each row is whole. */
async function rowNumbers(from: ShuffledReader, batches: number): Promise<number[]> {
  const numbers: number[] = [];
  for (let i = 0; i < batches; i++) {
    const batch = await from.next();
    if (!batch) break;
    for (let at = 0; at < batch.length; at += WIDTH) {
      const row = batch[at]!;
      if (batch[at + 9] !== valueAt(row, 9)) expect(batch[at + 9]).toBe(valueAt(row, 9));
      numbers.push(row);
    }
  }
  return numbers;
}

describe('the shuffled reader', () => {
  it.each(buffers)('gives every selected row once per epoch (buffer %s)', async (_, bufferBytes) => {
    const shuffled = reader({ batchSize: 125, bufferBytes, epochs: 3 });
    expect(shuffled.rowsPerEpoch).toBe(SELECTED);
    const numbers = await rowNumbers(shuffled, Infinity);
    expect(numbers.length).toBe(3 * SELECTED); // 15 750 rows are 126 batches
    const expected = Array.from({ length: 2250 * 8 }, (_unused, row) => row).filter((row) => row % 8 !== 0);
    for (const epoch of [0, 1, 2]) {
      const rows = numbers.slice(epoch * SELECTED, (epoch + 1) * SELECTED);
      expect(rows.sort((a, b) => a - b)).toEqual(expected);
    }
    expect(await shuffled.next()).toBe(null);
    await shuffled.close();
  });

  it('ends after the last full batch, which may span epochs', async () => {
    const shuffled = reader({ batchSize: 4000, epochs: 2 });
    expect((await rowNumbers(shuffled, Infinity)).length).toBe(Math.floor((2 * SELECTED) / 4000) * 4000);
    await shuffled.close();
  });

  it.each(buffers)(
    'repeats itself from the seed and differs between seeds and epochs (buffer %s)',
    async (_, bufferBytes) => {
      const take = async (seed: number, skipEpochs = 0) => {
        const shuffled = reader({ seed, bufferBytes });
        if (skipEpochs > 0) await shuffled.restore({ ...shuffled.state(), epoch: skipEpochs });
        const numbers = await rowNumbers(shuffled, 40);
        await shuffled.close();
        return numbers;
      };
      const first = await take(5);
      expect(await take(5)).toEqual(first);
      expect(await take(6)).not.toEqual(first);
      expect(await take(5, 1)).not.toEqual(first);
    },
  );

  it.each(buffers)('goes on exactly from a cursor, anywhere (buffer %s)', async (_, bufferBytes) => {
    const whole = reader({ bufferBytes });
    const states: string[] = [];
    const batches: number[][] = [];
    for (let i = 0; i < 330; i++) {
      states.push(JSON.stringify(whole.state()));
      batches.push(await rowNumbers(whole, 1));
    }
    await whole.close();
    // 157.5 batches are an epoch: both borders, their neighbours, and what lies between.
    for (const at of [0, 1, 77, 156, 157, 158, 200, 314, 315, 316]) {
      const resumed = reader({ bufferBytes });
      await rowNumbers(resumed, 3); // restoring forgets what came before
      await resumed.restore(JSON.parse(states[at]!));
      expect(await rowNumbers(resumed, 3), `from batch ${at}`).toEqual(batches.slice(at, at + 3).flat());
      await resumed.close();
    }
  });

  it('refuses a cursor that is not its own', async () => {
    const shuffled = reader();
    const state = shuffled.state();
    await expect(reader({ seed: 2 }).restore(state)).rejects.toMatchObject({ code: 'mismatch' });
    await expect(reader({ bufferBytes: 1 << 20 }).restore(state)).rejects.toMatchObject({ code: 'mismatch' });
    const all = await RowSelection.of(store);
    await expect(reader({ selection: all }).restore(state)).rejects.toMatchObject({ code: 'mismatch' });
    await expect(reader({}, halves).restore(state)).rejects.toMatchObject({ code: 'mismatch' });
    await expect(shuffled.restore({ ...state, position: 1e9 })).rejects.toMatchObject({ code: 'invalid-file' });
    for (const damaged of [null, {}, { ...state, epoch: -1 }, { ...state, position: 0.5 }]) {
      await expect(shuffled.restore(damaged)).rejects.toMatchObject({ code: 'invalid-file' });
    }
    await reader({ batchSize: 7 }).restore(state); // the order does not depend on the batches
    expect(() => reader({ batchSize: 0 })).toThrow();
    expect(() => reader({ batchSize: SELECTED + 1 })).toThrow(/cannot be taken/);
  });

  it('mixes rows from all over the store into every batch', async () => {
    const shuffled = reader({ bufferBytes: 6000 * BYTES_PER_ROW });
    const numbers = await rowNumbers(shuffled, 157);
    await shuffled.close();
    for (let batch = 0; batch < 157; batch++) {
      const contexts = new Set(numbers.slice(batch * 100, (batch + 1) * 100).map((row) => Math.floor(row / 8)));
      // 100 draws of 3000 buffered rows from 375 or more contexts hit 87 different ones on average, deviation about 3.
      expect(contexts.size).toBeGreaterThan(70);
    }
    // Neighbours in the order are no neighbours in the store: no correlation beyond five standard errors (1/√n each).
    const mean = numbers.reduce((a, b) => a + b) / numbers.length;
    const variance = numbers.reduce((sum, row) => sum + (row - mean) ** 2, 0);
    const covariance = numbers.slice(1).reduce((sum, row, i) => sum + (row - mean) * (numbers[i]! - mean), 0);
    // Rows of one group share its blocks' places, which leaves a little: bounded at 0.1.
    expect(Math.abs(covariance / variance)).toBeLessThan(0.1);
  });

  it('reads float16 as its exact values', async () => {
    const wide = await RowSelection.of(halves, { contexts: { first: 0, end: 100 } });
    const shuffled = reader({ selection: wide, epochs: 1 }, halves);
    const batch = await shuffled.next();
    for (let at = 0; at < batch!.length; at += WIDTH) {
      for (let j = 0; j < WIDTH; j++) expect(batch![at + j]).toBe(Math.f16round(valueAt(batch![at]!, j)));
    }
    await shuffled.close();
  });

  it('fills an array it is given, and refuses two calls at once', async () => {
    const shuffled = reader({ batchSize: 10 });
    const target = new Float32Array(10 * WIDTH);
    const first = shuffled.next(target);
    await expect(shuffled.next()).rejects.toMatchObject({ code: 'internal' });
    expect(await first).toBe(target);
    expect(target[1]).toBe(valueAt(target[0]!, 1));
    await expect(shuffled.next(new Float32Array(3))).rejects.toMatchObject({ code: 'internal' });
    await shuffled.close();
  });

  it('has read the next group when it is needed, though the thread was blocked', async () => {
    const pendingReads = () =>
      process.getActiveResourcesInfo().filter((resource) => resource === 'FSReqPromise').length;
    const blocked = async (ms: number) => {
      const shuffled = reader({ bufferBytes: 8000 * BYTES_PER_ROW });
      await rowNumbers(shuffled, 1);
      // No turn of the event loop from here on: only reads that were started before can go on.
      for (const until = performance.now() + ms; performance.now() < until;);
      const reads = pendingReads();
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      const left = pendingReads();
      await shuffled.close();
      return { reads, left };
    };
    let outcome = await blocked(300);
    // A slow disk, or one that others use, needs longer.
    for (let ms = 600; outcome.left > 0 && ms < 20_000; ms *= 2) outcome = await blocked(ms);
    expect(outcome.reads).toBeGreaterThan(10);
    expect(outcome.left).toBe(0);
  });

  it('tells when a shard has been cut, at the batch that needs it', async () => {
    const path = join(folder, 'cut');
    await makeStore(path, describeStore({ contexts: 500, width: WIDTH, rowsPerShard: 1000 }));
    const cut = await openStore(path);
    await truncate(join(path, 'activations-00002.safetensors'), 1000);
    const shuffled = reader({ selection: await RowSelection.of(cut), bufferBytes: 500 * BYTES_PER_ROW }, cut);
    await expect(rowNumbers(shuffled, 100)).rejects.toMatchObject({ code: 'invalid-file' });
    await shuffled.close();
    await cut.close();
  });
});

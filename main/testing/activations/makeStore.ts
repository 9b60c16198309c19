// Stores for tests, written by the real writer: a row's first number is the row's own number, the others follow a formula.
// As a program, `makeStore.ts FOLDER`, it writes one slowly, to be killed.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openCorpus } from '../../core/activations/corpus.ts';
import type { StoreDescription, StorePlan } from '../../core/activations/manifest.ts';
import { packCorpus } from '../../core/activations/packing.ts';
import { StoreWriter } from '../../core/activations/storeWriter.ts';

export const describeStore = (changes: Partial<StoreDescription> = {}): StoreDescription => ({
  model: 'a'.repeat(64),
  tokenizer: 'b'.repeat(64),
  corpus: 'c'.repeat(64),
  site: 'blocks.0.hook_resid_post',
  width: 4,
  dtype: 'f32',
  contextLength: 8,
  maxContexts: null,
  contexts: 50,
  bosTokenId: 0,
  batchSize: 4,
  rowsPerShard: 60,
  ...changes,
});

export function valueAt(row: number, column: number): number {
  return column === 0 ? row : Math.fround(Math.sin(row * 31 + column));
}

export function rowsFrom(first: number, count: number, width: number): Float32Array<ArrayBuffer> {
  const rows = new Float32Array(count * width);
  for (let i = 0; i < rows.length; i++) rows[i] = valueAt(first + Math.floor(i / width), i % width);
  return rows;
}

/** Contexts of BOS (0) and letters, in a file. */
async function packLetters(path: string, { contexts, contextLength }: StoreDescription): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'errata-letters-'));
  await writeFile(join(folder, 'letters.txt'), 'x'.repeat(contexts * (contextLength - 1)));
  const encoder = {
    bosTokenId: 0,
    opening: [0],
    encode: (text: string) => Int32Array.from(text, (_, i) => 1 + (i % 100)),
  };
  await packCorpus(path, await openCorpus(join(folder, 'letters.txt')), encoder, { contextLength });
  await rm(folder, { recursive: true });
  return contexts;
}

export function openWriter(folder: string, description: StoreDescription): Promise<StoreWriter> {
  const plan: StorePlan = description;
  return StoreWriter.open(folder, plan, (path) => packLetters(path, description));
}

export async function makeStore(folder: string, description: StoreDescription, delayMs = 0): Promise<void> {
  const writer = await openWriter(folder, description);
  const rowsPerBatch = description.batchSize * description.contextLength;
  const rows = description.contexts * description.contextLength;
  const start = Math.floor(writer.completeRows / rowsPerBatch) * rowsPerBatch;
  for (let first = start; first < rows; first += rowsPerBatch) {
    await writer.write(first, rowsFrom(first, Math.min(rowsPerBatch, rows - first), description.width));
    if (delayMs > 0) await sleep(delayMs);
  }
  await writer.finish();
}

const [, program, folder] = process.argv;
if (program === import.meta.filename && folder !== undefined) await makeStore(folder, describeStore(), 10);

// Every reader of readers.ts over damaged samples; `npm run torture` runs the same for minutes.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { damageArbitrary } from './damage.ts';
import { READERS } from './readers.ts';
import { Sample } from './tryReader.ts';

const RUNS = Number(process.env['ERRATA_FUZZ_RUNS'] ?? 100);

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

describe('a damaged file gives values that hold up or one error that names it, in bounded time and memory', () => {
  it.each(READERS.map((reader) => [reader.name, reader] as const))('%s', async (_, reader) => {
    const folder = await mkdtemp(join(tmpdir(), 'errata-fuzz-'));
    folders.push(folder);
    const sample = await Sample.make(reader, folder);
    const outcomes = { read: 0, refused: 0, 'not written': 0 };
    await fc.assert(
      fc.asyncProperty(damageArbitrary(reader.structure !== undefined), async (damage) => {
        outcomes[await sample.try(damage)]++;
      }),
      { numRuns: RUNS, endOnFailure: false },
    );
    expect(outcomes.read + outcomes.refused).toBeGreaterThan(RUNS / 4); // most damage reaches the reader
  });
});

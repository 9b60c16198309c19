import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashFile } from '../files/hash.ts';
import { Random } from '../numerics/random.ts';
import { readManifest, writeManifest, type StoreDescription } from './manifest.ts';
import { RowSelection, splitContexts } from './rowSelection.ts';
import { readSequentially } from './sequentialReader.ts';
import { openStore } from './store.ts';
import type { StoreWriter } from './storeWriter.ts';
import { describeStore, makeStore, openWriter, rowsFrom, valueAt } from '../../testing/activations/makeStore.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-store-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function hashes(store: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of await readdir(store)) found[name] = await hashFile(join(store, name));
  return found;
}

const newWriter = (changes: Partial<StoreDescription> = {}): Promise<StoreWriter> =>
  openWriter(join(folder, 'store'), describeStore(changes));

describe('a store', () => {
  it.each(['f32', 'f16'] as const)('gives back the rows and the contexts that were written (%s)', async (dtype) => {
    const path = join(folder, 'store');
    const description = describeStore({ dtype });
    await makeStore(path, description);
    // 400 rows in shards of 60: seven, the last of 40.
    expect((await readdir(path)).length).toBe(2 + 7);
    const store = await openStore(path);
    expect([store.rows, store.width]).toEqual([400, 4]);
    await store.verify();
    const rounded = (value: number) => (dtype === 'f16' ? Math.f16round(value) : value);
    for (const [first, count] of [
      [0, 400],
      [59, 2],
      [100, 200],
      [399, 1],
      [17, 0],
    ] as const) {
      const rows = await store.readRows(first, count);
      expect(rows).toEqual(rowsFrom(first, count, 4).map(rounded));
    }
    const target = new Float32Array(12);
    await store.readRows(60, 2, target.subarray(4));
    expect([...target]).toEqual([0, 0, 0, 0, ...rowsFrom(60, 2, 4).map(rounded)]);
    expect([...(await store.contexts.read(1, 1))]).toEqual([0, 8, 9, 10, 11, 12, 13, 14]);
    await expect(store.readRows(399, 2)).rejects.toMatchObject({ code: 'internal' });
    await store.close();
  });

  it('takes rows in any portions, and rows it has again', async () => {
    await makeStore(join(folder, 'whole'), describeStore());
    const writer = await newWriter();
    for (let first = 0; first < 400; first += 7) {
      const from = Math.max(0, first - 5);
      await writer.write(from, rowsFrom(from, Math.min(400, first + 7) - from, 4));
    }
    await writer.finish();
    expect(await hashes(join(folder, 'store'))).toEqual(await hashes(join(folder, 'whole')));
  });

  it('is the same to the byte after kill -9 at any moment', async () => {
    await makeStore(join(folder, 'whole'), describeStore());
    const program = fileURLToPath(new URL('../../testing/activations/makeStore.ts', import.meta.url));
    const store = join(folder, 'store');
    let kills = 0;
    // Unbroken it takes 13 × 10 ms after the start. Killed later and later, it gets further each time.
    for (let delay = 60; ; delay += 35) {
      const child = spawn(process.execPath, [program, store], { stdio: 'inherit' });
      const timer = setTimeout(() => child.kill('SIGKILL'), delay);
      const [code] = (await once(child, 'close')) as [number | null];
      clearTimeout(timer);
      if (code === 0) break;
      expect(code).toBe(null);
      kills++;
    }
    expect(kills).toBeGreaterThan(3);
    expect(await hashes(store)).toEqual(await hashes(join(folder, 'whole')));
  });

  it('goes on after an abort, and is refused until it is complete', async () => {
    await makeStore(join(folder, 'whole'), describeStore());
    const writer = await newWriter();
    await writer.write(0, rowsFrom(0, 150, 4));
    while (writer.completeRows < 120) await new Promise((resolve) => setTimeout(resolve, 1));
    await writer.abort();
    await expect(writer.write(150, rowsFrom(150, 1, 4))).rejects.toMatchObject({ code: 'cancelled' });
    const store = join(folder, 'store');
    expect((await readdir(store)).filter((name) => name.includes('partial'))).toEqual([]);
    await expect(openStore(store)).rejects.toMatchObject({ code: 'conflict', details: { shards: 2, of: 7 } });
    const again = await newWriter();
    expect(again.completeRows).toBe(120);
    await again.write(96, rowsFrom(96, 304, 4));
    await again.finish();
    expect(await hashes(store)).toEqual(await hashes(join(folder, 'whole')));
  });

  it('goes on behind a journal that ends in half a line, and behind the manifest of an earlier version', async () => {
    await makeStore(join(folder, 'whole'), describeStore());
    const store = join(folder, 'store');
    const journal = join(store, 'shards.jsonl');
    const goOn = async (rows: number) => {
      const writer = await newWriter();
      await writer.write(writer.completeRows, rowsFrom(writer.completeRows, rows, 4));
      const complete = Math.floor((writer.completeRows + rows) / 60) * 60;
      while (writer.completeRows < complete) await new Promise((resolve) => setTimeout(resolve, 1));
      await writer.abort();
      return writer.completeRows;
    };
    expect(await goOn(150)).toBe(120);
    expect((await readFile(journal, 'utf8')).split('\n')).toHaveLength(3);
    await appendFile(journal, '{"file":"activations-00002');
    expect(await goOn(70)).toBe(180);
    // Earlier versions wrote the manifest again after every shard.
    await writeManifest(store, await readManifest(store));
    await rm(journal);
    const writer = await newWriter();
    expect(writer.completeRows).toBe(180);
    await writer.write(180, rowsFrom(180, 220, 4));
    await writer.finish();
    expect(await hashes(store)).toEqual(await hashes(join(folder, 'whole')));
    expect((await readdir(store)).filter((name) => !/^activations-|^manifest|^tokens/u.test(name))).toEqual([]);
  });

  it('refuses a journal that is not of its shards', async () => {
    const writer = await newWriter();
    await writer.write(0, rowsFrom(0, 150, 4));
    while (writer.completeRows < 120) await new Promise((resolve) => setTimeout(resolve, 1));
    await writer.abort();
    const journal = join(folder, 'store', 'shards.jsonl');
    const [first = '', second = ''] = (await readFile(journal, 'utf8')).split('\n');
    for (const lines of [[second], [first, '{"file": 7}'], [first, '['], [second, first], [first, first]]) {
      await writeFile(journal, lines.map((line) => `${line}\n`).join(''));
      await expect(newWriter(), lines.join()).rejects.toMatchObject({ code: 'invalid-file' });
    }
  });

  it('keeps only so many of its shards open', async (context) => {
    if (!existsSync('/proc/self/fd')) context.skip('This system does not list open files.');
    await makeStore(join(folder, 'store'), describeStore({ contexts: 1000, rowsPerShard: 20 }));
    const store = await openStore(join(folder, 'store'));
    const openFiles = () => readdirSync('/proc/self/fd').length;
    const before = openFiles();
    const random = new Random(3);
    for (let round = 0; round < 60; round++) {
      const firsts = Array.from({ length: 20 }, () => random.below(8000 - 50));
      const read = await Promise.all(firsts.map((first) => store.readRows(first, 50)));
      expect(read.map((rows) => [rows[0], rows[49 * 4]])).toEqual(firsts.map((first) => [first, first + 49]));
    }
    expect(openFiles() - before).toBeLessThan(70);
    await store.close();
    expect(openFiles()).toBeLessThan(before);
  });

  it('does not mix with another', async () => {
    await makeStore(join(folder, 'store'), describeStore());
    await expect(newWriter({ width: 8, dtype: 'f16' })).rejects.toMatchObject({
      code: 'mismatch',
      details: { differing: ['width', 'dtype'] },
    });
    await rm(join(folder, 'store'), { recursive: true });
    await mkdir(join(folder, 'store'));
    await expect(newWriter()).rejects.toMatchObject({ code: 'not-found' });
  });

  it('refuses numbers it cannot hold', async () => {
    const bad = (value: number) => rowsFrom(0, 400, 4).fill(value, 13, 14);
    for (const [dtype, value, message] of [
      ['f16', 70_000, /exceed what float16 can hold/],
      ['f16', NaN, /not finite/],
      ['f32', Infinity, /not finite/],
    ] as const) {
      const writer = await newWriter({ dtype });
      await writer.write(0, bad(value)).catch(() => undefined);
      await expect(writer.finish()).rejects.toMatchObject({
        code: 'unsupported',
        message: expect.stringMatching(message) as string,
      });
      expect((await readdir(join(folder, 'store'))).sort()).toEqual(['manifest.json', 'tokens.safetensors']);
      await rm(join(folder, 'store'), { recursive: true });
    }
  });

  it('tells when the disk is full, keeps whole shards, and goes on when there is room', async () => {
    const store = join(folder, 'store');
    const description = describeStore({ width: 256, rowsPerShard: 100 });
    await makeStore(join(folder, 'whole'), description);
    // ulimit -f takes blocks of 512 or 1024 bytes, by shell: files of 64 KB or less pass; a shard has 100 KB, the last one
    // less. What the operating system answers then is handled like a full disk (see contract/base/errors.ts).
    const script = `
      process.on('SIGXFSZ', () => {});
      const { describeStore, makeStore } = await import(${JSON.stringify(new URL('../../testing/activations/makeStore.ts', import.meta.url).href)});
      await makeStore(process.argv[1], describeStore({ width: 256, rowsPerShard: 100 })).catch((error) => console.log(error.code));
    `;
    const child = spawn(
      'sh',
      ['-c', 'ulimit -f 64; exec "$0" --input-type=module -e "$1" "$2"', process.execPath, script, store],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    await once(child, 'close');
    expect(output.trim()).toBe('disk-full');
    expect((await readdir(store)).sort()).toEqual(['manifest.json', 'tokens.safetensors']);
    await makeStore(store, description);
    expect(await hashes(store)).toEqual(await hashes(join(folder, 'whole')));
  });

  it('is refused when anything in it is not as it should be', async () => {
    const store = join(folder, 'store');
    await makeStore(store, describeStore());
    const manifestPath = join(store, 'manifest.json');
    const good = await readFile(manifestPath, 'utf8');
    const manifest = JSON.parse(good) as Record<string, unknown> & { shards: { file: string; rows: number }[] };
    const changed = (change: object) => JSON.stringify({ ...manifest, ...change });
    const cases: [string, string][] = [
      ['{', 'invalid-file'],
      ['[]', 'invalid-file'],
      [changed({ format: 'other' }), 'invalid-file'],
      [changed({ version: 2 }), 'invalid-file'],
      [changed({ more: 1 }), 'invalid-file'],
      [changed({ width: 5 }), 'invalid-file'],
      [changed({ width: -4 }), 'invalid-file'],
      [changed({ width: 2 ** 52 }), 'invalid-file'],
      [changed({ dtype: 'f16' }), 'invalid-file'],
      [changed({ contexts: 51, rowsPerShard: 68 }), 'invalid-file'],
      [changed({ contexts: 100, contextLength: 4 }), 'invalid-file'],
      [changed({ contexts: 1e9 }), 'invalid-file'],
      [changed({ model: 'x' }), 'invalid-file'],
      [changed({ shards: manifest.shards.slice(1) }), 'invalid-file'],
      [changed({ shards: manifest.shards.slice(0, 3) }), 'conflict'],
      [changed({ shards: manifest.shards.map((shard) => ({ ...shard, file: '../../etc/passwd' })) }), 'invalid-file'],
    ];
    for (const [content, code] of cases) {
      await writeFile(manifestPath, content);
      await expect(openStore(store), content).rejects.toMatchObject({ code });
    }
    await writeFile(manifestPath, good);
    const shard = join(store, 'activations-00003.safetensors');
    const bytes = await readFile(shard);
    await writeFile(shard, bytes.subarray(0, -1));
    await expect(openStore(store)).rejects.toMatchObject({ code: 'invalid-file' });
    await writeFile(
      shard,
      bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte)),
    );
    const damaged = await openStore(store);
    await expect(damaged.verify()).rejects.toMatchObject({ code: 'invalid-file', details: { path: shard } });
    await damaged.close();
    await writeFile(join(folder, 'outside'), bytes);
    await rm(shard);
    await expect(openStore(store)).rejects.toMatchObject({ code: 'not-found' });
    await symlink(join(folder, 'outside'), shard);
    await expect(openStore(store)).rejects.toThrow(/leads out of its folder/);
  });
});

describe('a selection of rows', () => {
  it('leaves out BOS wherever it stands, and splits by contexts', async () => {
    const path = join(folder, 'store');
    await makeStore(path, describeStore());
    const store = await openStore(path);
    const { train, heldOut } = splitContexts(store, 0.1);
    expect([train, heldOut]).toEqual([
      { first: 0, end: 45 },
      { first: 45, end: 50 },
    ]);
    const selection = await RowSelection.of(store, { contexts: heldOut });
    expect(selection.count()).toBe(5 * 7);
    expect([selection.has(360), selection.has(361), selection.has(399)]).toEqual([false, true, true]);
    expect((await RowSelection.of(store, { includeBos: true })).count()).toBe(400);
    await expect(RowSelection.of(store, { contexts: { first: 3, end: 3 } })).rejects.toMatchObject({ code: 'empty' });
    expect(() => splitContexts(store, 0)).toThrow(/held-out/);
    await store.close();
  });

  it('is read in order, in even batches', async () => {
    const path = join(folder, 'store');
    await makeStore(path, describeStore({ contexts: 5000, rowsPerShard: 7001, width: 32 }));
    const store = await openStore(path);
    const selection = await RowSelection.of(store, { contexts: { first: 1, end: 4990 } });
    let expected = 9;
    const sizes: number[] = [];
    for await (const { values, rows } of readSequentially(store, selection, 1000)) {
      sizes.push(rows.length);
      rows.forEach((row, i) => {
        if (row !== expected || values[i * 32] !== row || values[i * 32 + 31] !== valueAt(row, 31)) {
          expect([row, values[i * 32], values[i * 32 + 31]]).toEqual([expected, expected, valueAt(expected, 31)]);
        }
        expected += expected % 8 === 7 ? 2 : 1;
      });
    }
    expect(expected).toBe(4990 * 8 + 1);
    expect(sizes).toEqual([...new Array<number>(34).fill(1000), 4989 * 7 - 34_000]);
    await store.close();
  });
});

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Work } from '../../contract/base/progress.ts';
import { hashFile } from '../files/hash.ts';
import { floats, runVariant, tokens } from '../../testing/models/runVariant.ts';
import type { Model } from '../models/model.ts';
import type { CaptureOptions } from './capture.ts';
import { openCorpus } from './corpus.ts';
import { openStore } from './store.ts';
import { describeStore, makeStore } from '../../testing/activations/makeStore.ts';
import { capture, prepare, SITES, storeFolder, TEXT, TOKENIZER } from '../../testing/activations/tinyCapture.ts';

let folder: string;
let model: Model;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-capture-'));
  model = await prepare(folder);
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const program = (name: string) => fileURLToPath(new URL(`../../testing/activations/${name}`, import.meta.url));

async function hashes(name: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const site of SITES) {
    const store = storeFolder(folder, name, site);
    for (const file of await readdir(store)) found[`${site} ${file}`] = await hashFile(join(store, file));
  }
  return found;
}

const ids = (context: number) => [
  1,
  ...Array.from(TEXT.slice(context * 7, context * 7 + 7), (c) => c.charCodeAt(0) - 94),
];

describe('capture', () => {
  it('keeps what the model computes at each site, row by row', async () => {
    const work: Work[] = [];
    const result = await capture(folder, 'store', { onWork: (report) => work.push(report) });
    expect(result).toMatchObject({ contexts: 46, tokens: 46 * 8, tokensRun: 46 * 8 });
    for (const site of SITES) {
      const store = await openStore(storeFolder(folder, 'store', site));
      expect(store.manifest).toMatchObject({ site, width: 16, model: await model.hash(), bosTokenId: 1 });
      await store.verify();
      for (const context of [0, 1, 22, 45]) {
        expect([...(await store.contexts.read(context, 1))]).toEqual(ids(context));
        const results = await runVariant(model, { taps: [site] }, { input_ids: tokens(ids(context)) });
        const expected = Array.from(floats(results[site]));
        const rows = await store.readRows(context * 8, 8);
        // The same engine and graph; only the size of the batch differs, and with it the order of sums.
        rows.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-5));
      }
      await store.close();
    }
    const captured = work.filter(({ stage }) => stage === 'Capturing activations');
    expect(captured.map(({ done }) => done).slice(0, 2)).toEqual([24, 48]);
    expect(captured.at(-1)).toMatchObject({ done: 368, total: 368, unit: 'tokens' });
    expect((await readdir(folder)).sort()).toEqual(['model', 'store-hook_resid_mid', 'store-hook_z', 'text.txt']);
  });

  it('has nothing to do the second time', async () => {
    await capture(folder, 'store');
    expect(await capture(folder, 'store')).toMatchObject({ tokens: 368, tokensRun: 0 });
  });

  it('goes on to the same bytes after it was cancelled', async () => {
    await capture(folder, 'whole');
    let runs = 0;
    for (;;) {
      const controller = new AbortController();
      let batches = 0;
      // Four batches are 96 rows, less than a shard: a shard needs five.
      const onWork = ({ stage }: Work) => {
        if (stage === 'Capturing activations' && ++batches === 6) controller.abort();
      };
      runs++;
      const done = await capture(folder, 'store', { signal: controller.signal, onWork }, 5).then(
        () => true,
        (thrown: unknown) => {
          expect(thrown).toMatchObject({ code: 'cancelled' });
          return false;
        },
      );
      if (done) break;
      expect(runs).toBeLessThan(10);
    }
    expect(runs).toBeGreaterThan(2);
    expect(await hashes('store')).toEqual(await hashes('whole'));
  });

  it('goes on to the same bytes after kill -9, whenever it comes', async () => {
    await capture(folder, 'whole');
    let kills = 0;
    for (let delay = 300; ; delay += 150) {
      const child = spawn(process.execPath, [program('tinyCapture.ts'), folder], { stdio: 'inherit' });
      const timer = setTimeout(() => child.kill('SIGKILL'), delay);
      const [code] = (await once(child, 'close')) as [number | null];
      clearTimeout(timer);
      if (code === 0) break;
      expect(code).toBe(null);
      kills++;
    }
    expect(kills).toBeGreaterThan(1);
    expect(await hashes('store')).toEqual(await hashes('whole'));
    expect((await readdir(folder)).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('adds a site that was not there to one that was, over the same contexts', async () => {
    await capture(folder, 'both');
    await capture(folder, 'store', { sites: SITES.slice(0, 1) });
    expect(await capture(folder, 'store')).toMatchObject({ tokensRun: 368 });
    expect(await hashes('store')).toEqual(await hashes('both'));
  });

  it('stores float16 and a limited number of contexts on request', async () => {
    await capture(folder, 'store', { dtype: 'f16', maxContexts: 10, sites: SITES.slice(0, 1) });
    const store = await openStore(storeFolder(folder, 'store', SITES[0]!));
    expect([store.rows, store.bytesPerRow]).toEqual([80, 32]);
    await store.close();
  });
});

describe('capture is refused, and leaves nothing,', () => {
  const cases: [string, string, (options: CaptureOptions['model']) => Promise<Partial<CaptureOptions>>][] = [
    ['for an unknown site', 'unknown-site', async () => ({ sites: ['blocks.7.hook_resid_post'] })],
    ['for no site', 'usage', async () => ({ sites: [] })],
    ["for contexts longer than the model's longest", 'usage', async () => ({ contextLength: 33 })],
    ['for a batch of nothing', 'usage', async () => ({ batchSize: 0 })],
    ['for a corpus shorter than a context', 'empty', async () => ({ corpus: await corpusOf('short') })],
    [
      'for a corpus that is not UTF-8',
      'invalid-file',
      async () => ({ corpus: await corpusOf(Buffer.from([97, 255])) }),
    ],
    [
      'without a tokenizer',
      'not-found',
      async () => {
        await rm(join(folder, 'model', 'tokenizer.json'));
        return {};
      },
    ],
    [
      'with a tokenizer of another model',
      'mismatch',
      async () => {
        const { vocab } = TOKENIZER.model;
        const other = { ...TOKENIZER, model: { ...TOKENIZER.model, vocab: { ...vocab, t: 29, q: 400 } } };
        await writeFile(join(folder, 'model', 'tokenizer.json'), JSON.stringify(other));
        return {};
      },
    ],
    [
      'where the folder to put it is missing',
      'not-found',
      async () => ({ folderOf: () => join(folder, 'no', 'store') }),
    ],
    ['when it was cancelled before', 'cancelled', async () => ({ signal: AbortSignal.abort() })],
  ];
  const corpusOf = async (content: string | Uint8Array) => {
    await writeFile(join(folder, 'other.txt'), content);
    return openCorpus(join(folder, 'other.txt'));
  };

  it.each(cases)('%s', async (_, code, changesFor) => {
    const changes = await changesFor(model);
    const before = await readdir(folder);
    await expect(capture(folder, 'store', changes)).rejects.toMatchObject({ code });
    expect(await readdir(folder)).toEqual(before);
  });

  it('over other activations, which stay as they were', async () => {
    await capture(folder, 'store', { maxContexts: 20 });
    const before = await hashes('store');
    for (const changes of [
      {},
      { maxContexts: 21 },
      { maxContexts: 20, dtype: 'f16' },
      { maxContexts: 20, batchSize: 2 },
    ] as const) {
      await expect(capture(folder, 'store', changes)).rejects.toMatchObject({ code: 'mismatch' });
    }
    expect(await hashes('store')).toEqual(before);
  });
});

describe('memory', () => {
  it('stays near the buffer, however large the store', async () => {
    const path = join(folder, 'large');
    // 96 MB in shards of 16 MB, read with a buffer of 8 MB.
    await makeStore(
      path,
      describeStore({ width: 256, contextLength: 128, contexts: 750, batchSize: 64, rowsPerShard: 16_384 }),
    );
    const { stdout } = await promisify(execFile)(process.execPath, [program('readStore.ts'), path]);
    const { batches, grownMegabytes } = JSON.parse(stdout) as { batches: number; grownMegabytes: number };
    expect(batches).toBe(Math.floor((2 * 750 * 127) / 512));
    // The buffer, the heap that V8 lets grow before it collects, and the threads' own buffers; a third of the store.
    expect(grownMegabytes).toBeLessThan(32);
  });
});

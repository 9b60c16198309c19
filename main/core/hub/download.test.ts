// Downloads against a server on this machine that speaks the Hub's API and misbehaves as networks do.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startHubServer, type HubServer, type ServedRepository } from '../../testing/hub/hubServer.ts';
import { tinyModelFiles } from '../../testing/hub/makeCache.ts';
import { temporaryFolder } from '../../testing/models/temporaryFolder.ts';
import { writeSafetensors } from '../formats/safetensors.ts';
import { openModel } from '../models/model.ts';
import { findSnapshot, listCache } from './cache.ts';
import { connectHub } from './connection.ts';
import { download, type DownloadOptions } from './download.ts';
import { withFileLock } from './fileLock.ts';
import { planDownload } from './planDownload.ts';
import { chooseFiles, describeRemote } from './remote.ts';

const COMMIT = 'd'.repeat(40);
const TOKEN = 'hf_abcDEF123';
const MODEL = 'tiny/llama';
const BIG = 'lab/big';
const BIG_BYTES = 300_000;

let home: string;
let cache: string;
let server: HubServer;
let big: Uint8Array;
let signal: AbortSignal;
let logged: string[];

const environment = (more: Record<string, string> = {}) => ({ HF_ENDPOINT: server.endpoint, HF_HOME: home, ...more });
const blobsOf = (repository: string) => join(cache, `models--${repository.replace('/', '--')}`, 'blobs');

beforeEach(async () => {
  home = await temporaryFolder();
  cache = join(home, 'hub');
  signal = new AbortController().signal;
  logged = [];
  big = Uint8Array.from({ length: BIG_BYTES }, (_, index) => (index * 7919) % 251);
  const repositories: Record<string, ServedRepository> = {
    [MODEL]: {
      commit: COMMIT,
      files: {
        ...(await tinyModelFiles(join(home, 'files'), 'llama', { shards: 2 })),
        'pytorch_model.bin': 'pickle',
        'README.md': '# x',
      },
    },
    [BIG]: { commit: COMMIT, files: { 'layer_1/w.bin': big, 'layer_2/w.bin': 'small', 'config.txt': 'x' } },
    'lab/terms': { commit: COMMIT, files: { 'config.json': '{}' }, gate: 'terms' },
    'lab/waiting': { commit: COMMIT, files: { 'config.json': '{}' }, gate: 'waiting' },
    'lab/login': { commit: COMMIT, files: { 'config.json': '{}' }, gate: 'login' },
    'lab/private': { commit: COMMIT, files: { 'config.json': '{}' }, isPrivate: true },
    'lab/outward': { commit: COMMIT, files: { '../../../escaped': 'x', 'config.json': '{}' } },
  };
  server = await startHubServer(repositories);
});
afterEach(() => server.stop());

async function get(
  repository: string,
  patterns: readonly string[] = [],
  { more, ...options }: Partial<DownloadOptions> & { more?: Record<string, string> } = {},
) {
  const connection = await connectHub(environment(more));
  const remote = await describeRemote(connection, repository, 'main', signal);
  return download(connection, cache, remote, chooseFiles(remote, patterns), 'main', {
    ...{ signal, onWork: () => undefined, log: (line) => void logged.push(line), retryMs: 1 },
    ...options,
  });
}

const bigBlob = async () => {
  const names = await readdir(blobsOf(BIG));
  return names.map((name) => join(blobsOf(BIG), name));
};

describe('a download', () => {
  it('brings what a model needs and no pickle, in the layout of the cache, and opens as a model', async () => {
    const { folder } = await get(MODEL);
    expect((await readdir(folder)).sort()).toEqual([
      ...['config.json', 'model-1-of-2.safetensors', 'model-2-of-2.safetensors', 'model.safetensors.index.json'],
    ]);
    expect(await readlink(join(folder, 'config.json'))).toMatch(/^\.\.\/\.\.\/blobs\/[0-9a-f]{40}$/u);
    expect(await readlink(join(folder, 'model-1-of-2.safetensors'))).toMatch(/^\.\.\/\.\.\/blobs\/[0-9a-f]{64}$/u);
    expect(await findSnapshot(cache, MODEL)).toEqual({ folder, revision: COMMIT });
    expect((await openModel(folder)).config.modelType).toBe('llama');
    const [listed] = await listCache(cache);
    expect(listed).toMatchObject({ repository: MODEL, revisions: [{ revision: COMMIT, refs: ['main'], missing: [] }] });
    expect((await readdir(blobsOf(MODEL))).filter((name) => name.includes('.'))).toEqual([]);
  });

  it('of chosen files fetches those alone, and asks for nothing that is there already', async () => {
    await get(BIG, ['layer_2/*']);
    expect(server.requests.filter(({ url }) => url.includes('layer_1'))).toEqual([]);
    const { folder } = await get(BIG, ['layer_?/w.bin']);
    expect(await readFile(join(folder, 'layer_1/w.bin'))).toEqual(Buffer.from(big));
    const asked = server.requests.length;
    await get(BIG, ['layer_?/w.bin']);
    expect(server.requests.slice(asked).map(({ url }) => url)).toEqual([`/api/models/${BIG}/revision/main?blobs=true`]);
  });

  it('goes on where a broken connection ended, with Range and If-Range, and reads no byte twice', async () => {
    server.cuts.push(100_000, 50_000);
    const { folder } = await get(BIG, ['layer_1/*']);
    expect(await readFile(join(folder, 'layer_1/w.bin'))).toEqual(Buffer.from(big));
    const ranges = server.requests
      .filter(({ host }) => host === 'storage')
      .map(({ headers }) => [headers.range, headers['if-range']]);
    expect(ranges).toEqual([
      [undefined, undefined],
      ['bytes=100000-', '"first"'],
      ['bytes=150000-', '"first"'],
    ]);
    expect(logged).toHaveLength(2);
  });

  it('starts over when the file behind If-Range is another, and joins no halves of two files', async () => {
    server.cuts.push(100_000);
    server.spoiled.set('layer_1/w.bin', big.toReversed());
    const onWork = () => {
      server.storageTag = 'second';
      server.spoiled.clear();
    };
    const { folder } = await get(BIG, ['layer_1/*'], { onWork });
    expect(await readFile(join(folder, 'layer_1/w.bin'))).toEqual(Buffer.from(big));
    const { headers } = server.requests.findLast(({ host }) => host === 'storage') ?? { headers: {} };
    expect(headers).toMatchObject({ range: 'bytes=100000-', 'if-range': '"first"' });
  });

  it('that was killed is continued by the next one from its .incomplete', async () => {
    const script = `
      const { connectHub } = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'connection.ts')).href)});
      const { download } = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'download.ts')).href)});
      const remote = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'remote.ts')).href)});
      const { signal } = new AbortController();
      const connection = await connectHub(process.env);
      const described = await remote.describeRemote(connection, ${JSON.stringify(BIG)}, 'main', signal);
      const onWork = ({ done }) => done > 120_000 && console.log('far');
      await download(connection, ${JSON.stringify(cache)}, described, remote.chooseFiles(described, ['layer_1/*']), 'main', { signal, onWork, log: console.log });
    `;
    server.pace = { bytes: 20_000, ms: 20 };
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, ...environment() },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const [left, ...others] = await bigBlob();
    expect(others).toEqual([]);
    expect(left).toMatch(/\.incomplete$/u);
    const { size } = await stat(left ?? '');
    expect(size).toBeGreaterThan(100_000);
    expect(size).toBeLessThan(BIG_BYTES);
    server.pace = null;
    const { folder } = await get(BIG, ['layer_1/*']);
    expect(await readFile(join(folder, 'layer_1/w.bin'))).toEqual(Buffer.from(big));
    const last = server.requests.findLast(({ host }) => host === 'storage');
    expect(last?.headers).toMatchObject({ range: `bytes=${size}-`, 'if-range': '"first"' });
  });

  it('of other bytes than the list says is refused and leaves nothing', async () => {
    server.spoiled.set(
      'layer_1/w.bin',
      big.map((byte, index) => (index === 77 ? byte ^ 1 : byte)),
    );
    await expect(get(BIG, ['layer_1/*'])).rejects.toMatchObject({
      code: 'mismatch',
      message: expect.stringContaining('layer_1/w.bin') as string,
    });
    expect(await bigBlob()).toEqual([]);
    expect(await listCache(cache)).toMatchObject([{ revisions: [{ files: 0, refs: [] }] }]);
  });

  it('over a wrong .incomplete begins once more from nothing, and is right', async () => {
    await get(BIG, ['layer_1/*']);
    const [blob] = await bigBlob();
    const other = join(home, 'other');
    await mkdir(join(other, 'models--lab--big/blobs'), { recursive: true });
    await writeFile(
      join(other, 'models--lab--big/blobs', `${blob?.split('/').at(-1)}.incomplete`),
      new Uint8Array(1000),
    );
    cache = other;
    const { folder } = await get(BIG, ['layer_1/*']);
    expect(await readFile(join(folder, 'layer_1/w.bin'))).toEqual(Buffer.from(big));
    expect(logged.join()).toContain('from the beginning');
  });

  it('of more or fewer bytes than the list says is refused and leaves nothing', async () => {
    for (const [content, how] of [
      [new Uint8Array(BIG_BYTES + 1), 'longer'],
      [big.subarray(0, 1000), 'shorter'],
    ] as const) {
      server.spoiled.set('layer_1/w.bin', content);
      const message = expect.stringContaining(how) as string;
      await expect(get(BIG, ['layer_1/*'])).rejects.toMatchObject({ code: 'mismatch', message });
      expect(await bigBlob()).toEqual([]);
    }
  });

  it('gives up after five tries in a row that bring nothing, and keeps what came', async () => {
    server.cuts.push(100_000, 0, 0, 0, 0, 0, 0, 0);
    await expect(get(BIG, ['layer_1/*'])).rejects.toMatchObject({ code: 'unreachable' });
    const [left] = await bigBlob();
    expect((await stat(left ?? '')).size).toBe(100_000);
    server.cuts.length = 0;
    const { folder } = await get(BIG, ['layer_1/*']);
    expect(await readFile(join(folder, 'layer_1/w.bin'))).toEqual(Buffer.from(big));
  });

  it('that cannot fit is refused before a byte is fetched, with both figures', async () => {
    await expect(get(BIG, ['layer_1/*'], { freeBytes: async () => 299_999 })).rejects.toMatchObject({
      code: 'disk-full',
      details: { needed: BIG_BYTES, free: 299_999 },
    });
    expect(server.requests.filter(({ url }) => url.includes('resolve'))).toEqual([]);
  });

  it('that fills the disk says so, keeps what came, and goes on when there is room', async () => {
    const script = `
      const { connectHub } = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'connection.ts')).href)});
      const { download } = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'download.ts')).href)});
      const remote = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'remote.ts')).href)});
      const { signal } = new AbortController();
      const connection = await connectHub(process.env);
      const described = await remote.describeRemote(connection, ${JSON.stringify(BIG)}, 'main', signal);
      const options = { signal, onWork: () => {}, log: () => {} };
      await download(connection, ${JSON.stringify(cache)}, described, remote.chooseFiles(described, ['layer_1/*']), 'main', options)
        .catch((error) => console.log(error.code));
    `;
    // 64 blocks of 512 or 1024 bytes, by shell; the signal that comes with the limit is ignored, so the write fails.
    const child = spawn(
      'sh',
      ['-c', `trap '' XFSZ; ulimit -f 64; exec "$0" --input-type=module -e "$1"`, process.execPath, script],
      { env: { ...process.env, ...environment() }, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [said] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
    await once(child, 'exit');
    expect(said.trim()).toBe('disk-full');
    const [left] = await bigBlob();
    expect((await stat(left ?? '')).size).toBeGreaterThan(0);
    const { folder } = await get(BIG, ['layer_1/*']);
    expect(await readFile(join(folder, 'layer_1/w.bin'))).toEqual(Buffer.from(big));
  });

  it('waits for the lock of another program, and takes what that one fetched', async () => {
    await get(BIG, ['layer_1/*']);
    const [blob = ''] = await bigBlob();
    const content = await readFile(blob);
    cache = join(home, 'again');
    const etag = blob.split('/').at(-1) ?? '';
    const stages: string[] = [];
    const asked = server.requests.length;
    const waiting = Promise.withResolvers<void>();
    const options = { signal, onWait: () => undefined, onMissing: () => undefined };
    const got = withFileLock(join(cache, '.locks/models--lab--big', `${etag}.lock`), options, async () => {
      const downloading = get(BIG, ['layer_1/*'], {
        onWork: ({ stage }) => {
          stages.push(stage);
          if (stage.startsWith('Waiting')) waiting.resolve();
        },
      });
      await waiting.promise;
      await writeFile(join(blobsOf(BIG), etag), content);
      return { downloading };
    });
    await (
      await got
    ).downloading;
    expect(stages[0]).toContain('Waiting');
    expect(server.requests.slice(asked).filter(({ host }) => host === 'storage')).toEqual([]);
  });

  it('writes through no link that leads out of the cache', async () => {
    await get(BIG, ['layer_2/*']);
    const outside = join(home, 'outside');
    await mkdir(outside);
    await symlink(outside, join(cache, 'models--lab--big/snapshots', COMMIT, 'layer_1'));
    await expect(get(BIG, ['layer_1/*'])).rejects.toMatchObject({ code: 'permission' });
    expect(await readdir(outside)).toEqual([]);
  });

  it('of a list that names a file outside its folder is refused', async () => {
    await expect(get('lab/outward')).rejects.toMatchObject({ code: 'invalid-file' });
  });
});

describe('the token', () => {
  it('goes to the Hub and not to the host that it redirects to', async () => {
    await get(BIG, ['layer_1/*'], { more: { HF_TOKEN: TOKEN } });
    const withToken = (host: string) =>
      server.requests.filter((one) => one.host === host).map(({ headers }) => headers.authorization);
    expect(new Set(withToken('hub'))).toEqual(new Set([`Bearer ${TOKEN}`]));
    expect(withToken('storage').length).toBeGreaterThan(0);
    expect(new Set(withToken('storage'))).toEqual(new Set([undefined]));
  });

  it('is read from the file of hf auth login when the environment has none', async () => {
    await writeFile(join(home, 'token'), `${TOKEN}\n`);
    await get('lab/private');
    expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${TOKEN}`);
  });

  it('is in no error, no log and no file', async () => {
    const more = { HF_TOKEN: TOKEN };
    const failed = await get('lab/terms', [], { more }).catch((thrown: unknown) =>
      JSON.stringify(thrown, Object.getOwnPropertyNames(thrown)),
    );
    expect(failed).not.toContain(TOKEN);
    server.cuts.push(1000);
    await get(BIG, ['layer_1/*'], { more });
    expect(logged.join()).not.toContain(TOKEN);
    for (const file of await readdir(home, { recursive: true, withFileTypes: true }))
      if (file.isFile())
        expect((await readFile(join(file.parentPath, file.name))).includes(TOKEN), file.name).toBe(false);
  });
});

describe('a refusal of the Hub', () => {
  const refused = (repository: string, more: Record<string, string> = {}) => get(repository, [], { more });
  const login = { HF_TOKEN: TOKEN };

  it('says that the person is not logged in', async () => {
    for (const repository of ['lab/login', 'lab/terms'])
      await expect(refused(repository)).rejects.toMatchObject({
        code: 'permission',
        message: expect.stringContaining('not logged in') as string,
      });
  });

  it('says that the terms are not accepted, with the link', async () => {
    const message = `lab/terms: its terms are not accepted yet. Accept them at ${server.endpoint}/lab/terms and try again.`;
    await expect(refused('lab/terms', login)).rejects.toMatchObject({ code: 'permission', message });
  });

  it('says that the author has not answered yet', async () => {
    await expect(refused('lab/waiting', login)).rejects.toMatchObject({
      code: 'permission',
      message: expect.stringContaining('waiting for its author') as string,
    });
  });

  it('of a private or unknown repository, of a revision and of a file names it', async () => {
    await expect(refused('lab/private')).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('not logged in') as string,
    });
    await expect(refused('lab/nothing', login)).rejects.toMatchObject({ code: 'not-found' });
    const connection = await connectHub(environment());
    await expect(describeRemote(connection, MODEL, 'v9', signal)).rejects.toMatchObject({ code: 'not-found' });
    await expect(get(BIG, ['*.gguf'])).rejects.toMatchObject({ code: 'empty' });
    await expect(get(BIG)).rejects.toMatchObject({
      code: 'empty',
      message: expect.stringContaining('--file') as string,
    });
  });

  it('comes before any request when HF_HUB_OFFLINE is set, or the endpoint is not a server', async () => {
    await expect(connectHub(environment({ HF_HUB_OFFLINE: '1' }))).rejects.toMatchObject({ code: 'unreachable' });
    for (const endpoint of ['ftp://x', 'nonsense', 'http://user:secret@x'])
      await expect(connectHub({ HF_ENDPOINT: endpoint })).rejects.toMatchObject({ code: 'usage' });
    expect(server.requests).toEqual([]);
  });
});

describe('the plan of a download', () => {
  const plan = async (repository: string, patterns: readonly string[] = []) =>
    planDownload(await connectHub(environment()), cache, { repository, revision: 'main', patterns }, signal);

  it('gives shapes, bytes and memory from headers alone, and writes nothing', async () => {
    const planned = await plan(MODEL);
    expect(planned).toMatchObject({ commit: COMMIT, modelType: 'llama', bytesToFetch: planned.bytes });
    expect(planned.files.map(({ name }) => name)).not.toContain('pytorch_model.bin');
    const model = await openModel(join(home, 'files'));
    expect(planned.parameters).toBe(model.weightSize.parameters);
    expect(planned.memoryBytes).toBe(4 * planned.parameters);
    expect(planned.largest[0]).toMatchObject({ dtype: 'F32', shape: [29, 16] });
    expect(await readdir(home)).not.toContain('hub');
    await get(MODEL);
    expect((await plan(MODEL)).bytesToFetch).toBe(0);
  });

  it('of a file of many megabytes reads its header and not its numbers', async () => {
    const path = join(home, 'wide.safetensors');
    await writeSafetensors(path, [
      { name: 'W_enc', dtype: 'F32', shape: [64, 4096], data: new Float32Array(64 * 4096) },
    ]);
    await server.stop();
    server = await startHubServer({
      'lab/scope': { commit: COMMIT, files: { 'layer_3/wide.safetensors': await readFile(path) } },
    });
    const planned = await plan('lab/scope', ['layer_3/*']);
    expect(planned).toMatchObject({ modelType: null, tensors: 1, largest: [{ name: 'W_enc', shape: [64, 4096] }] });
    expect(server.requests.filter(({ host }) => host === 'storage').map(({ headers }) => headers.range)).toEqual([
      'bytes=0-65535',
    ]);
  });
});

import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { cacheRevision, tinyModelFiles } from '../../testing/hub/makeCache.ts';
import { temporaryFolder } from '../../testing/models/temporaryFolder.ts';
import { openModel } from '../models/model.ts';
import { findSnapshot, listCache } from './cache.ts';

const OLD = 'a'.repeat(40);
const NEW = 'b'.repeat(40);
const ORG = 'tiny-org/tiny.gpt2';

let home: string;
let cache: string;
let files: Record<string, Uint8Array>;

beforeEach(async () => {
  home = await temporaryFolder();
  cache = join(home, 'hub');
  files = await tinyModelFiles(join(home, 'files'), 'gpt2', { shards: 2 });
});

const bytesOf = (some: Record<string, Uint8Array>) =>
  Object.values(some).reduce((sum, { byteLength }) => sum + byteLength, 0);

describe('the cache of the Hub', () => {
  it('lists repositories, revisions with their branches, sizes and what is not a model', async () => {
    await cacheRevision(cache, { repository: ORG, revision: OLD, files });
    await cacheRevision(cache, { repository: ORG, revision: NEW, refs: ['main', 'pr/1'], files });
    await cacheRevision(cache, { repository: 'scope', revision: OLD, files: { 'layer_1/params.npz': 'abc' } });
    await mkdir(join(cache, 'datasets--org--texts/snapshots', OLD), { recursive: true });
    await mkdir(join(cache, '.locks'));
    const [scope, tiny, ...others] = (await listCache(cache))
      .toReversed()
      .toSorted((a, b) => (a.repository < b.repository ? -1 : 1));
    expect(others).toEqual([]);
    expect(scope).toMatchObject({
      repository: 'scope',
      revisions: [{ files: 1, bytes: 3, modelType: null, missing: [] }],
    });
    expect(tiny?.repository).toBe(ORG);
    const byRevision = new Map(tiny?.revisions.map((one) => [one.revision, one]));
    expect([...byRevision.keys()].sort()).toEqual([OLD, NEW]);
    expect(byRevision.get(NEW)).toMatchObject({
      ...{ refs: ['main', 'pr/1'], files: 4, bytes: bytesOf(files), modelType: 'gpt2', missing: [], problem: null },
    });
    expect(byRevision.get(OLD)).toMatchObject({ refs: [], missing: [] });
  });

  it('is empty where there is no cache', async () => {
    expect(await listCache(join(home, 'nowhere'))).toEqual([]);
  });

  it('a shard whose blob is not there is missing, and so is one without a link', async () => {
    const folder = await cacheRevision(cache, { repository: ORG, revision: NEW, refs: ['main'], files });
    await rm(join(folder, 'model-1-of-2.safetensors'));
    const [tiny] = await listCache(cache);
    expect(tiny?.revisions[0]?.missing).toEqual(['model-1-of-2.safetensors']);
    await symlink('../../blobs/nothing', join(folder, 'model-1-of-2.safetensors'));
    expect((await listCache(cache))[0]?.revisions[0]?.missing).toEqual(['model-1-of-2.safetensors']);
    await expect(findSnapshot(cache, ORG)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining(`errata hub get ${ORG} --revision ${NEW}`) as string,
    });
  });

  it('a revision with a link out of the cache is refused with the link, and hides no other', async () => {
    const secret = join(home, 'secret.json');
    await writeFile(secret, '{"model_type":"gpt2"}');
    await cacheRevision(cache, { repository: ORG, revision: OLD, refs: ['main'], files });
    const folder = await cacheRevision(cache, { repository: ORG, revision: NEW, files });
    await rm(join(folder, 'config.json'));
    await symlink(secret, join(folder, 'config.json'));
    await expect(findSnapshot(cache, ORG, NEW)).rejects.toMatchObject({ code: 'permission' });
    const revisions = (await listCache(cache))[0]?.revisions ?? [];
    expect(revisions.find(({ revision }) => revision === NEW)).toMatchObject({
      ...{ modelType: null, problem: expect.stringContaining('leads out of the cache') as string },
    });
    expect(revisions.find(({ revision }) => revision === OLD)?.problem).toBeNull();
  });

  it('a cache that is itself a link is read through it', async () => {
    await cacheRevision(cache, { repository: ORG, revision: OLD, refs: ['main'], files });
    const link = join(home, 'link');
    await symlink(cache, link);
    expect(await findSnapshot(link, ORG)).toMatchObject({ revision: OLD });
  });
});

describe('a revision of the cache', () => {
  it('is found by branch, by tag, by commit and by the beginning of one; main when none is named', async () => {
    const old = await cacheRevision(cache, { repository: ORG, revision: OLD, refs: ['v1.0'], files });
    const now = await cacheRevision(cache, { repository: ORG, revision: NEW, refs: ['main'], files });
    expect(await findSnapshot(cache, ORG)).toEqual({ folder: now, revision: NEW });
    for (const name of ['v1.0', OLD, OLD.slice(0, 7)])
      expect(await findSnapshot(cache, ORG, name)).toEqual({ folder: old, revision: OLD });
    for (const name of ['v2', 'aaaaaa', 'c'.repeat(40)])
      await expect(findSnapshot(cache, ORG, name)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('is the only one there, and must be named where there are several and no main', async () => {
    await cacheRevision(cache, { repository: ORG, revision: OLD, files });
    expect(await findSnapshot(cache, ORG)).toMatchObject({ revision: OLD });
    await cacheRevision(cache, { repository: ORG, revision: NEW, files });
    await expect(findSnapshot(cache, ORG)).rejects.toMatchObject({ code: 'usage' });
  });

  it('opens as a model through its links', async () => {
    await cacheRevision(cache, { repository: ORG, revision: OLD, refs: ['main'], files });
    const { folder } = await findSnapshot(cache, ORG);
    const model = await openModel(folder);
    expect(model.config.modelType).toBe('gpt2');
    expect(model.weightFiles.every((file) => file.includes('/blobs/'))).toBe(true);
  });
});

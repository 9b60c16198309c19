import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Locations } from './locations.ts';
import { BrowsedFiles } from './places.ts';

let folder: string;
const locations = new Locations();
let files: BrowsedFiles;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-places-'));
  await mkdir(join(folder, 'root/model'), { recursive: true });
  await mkdir(join(folder, 'root/project'));
  await mkdir(join(folder, 'root-beside'));
  await mkdir(join(folder, 'outside/deep'), { recursive: true });
  await writeFile(join(folder, 'root/model/config.json'), '{}');
  await writeFile(join(folder, 'root/model/model.safetensors'), '');
  await writeFile(join(folder, 'root/project/project.sqlite'), '');
  await writeFile(join(folder, 'root/.hidden'), '');
  await writeFile(join(folder, 'root/b.jsonl'), 'four');
  await writeFile(join(folder, 'outside/secret.txt'), '');
  await symlink(join(folder, 'outside'), join(folder, 'root/leads-out'));
  await symlink(join(folder, 'outside/secret.txt'), join(folder, 'root/secret.txt'));
  await symlink(join(folder, 'root/model'), join(folder, 'root/leads-in'));
  await symlink(join(folder, 'nowhere'), join(folder, 'root/broken'));
  files = new BrowsedFiles([join(folder, 'root'), join(folder, 'missing')], locations);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the browser of files', () => {
  it('shows what is in its roots, folders first, and tells models and projects', async () => {
    const [root, ...more] = await files.roots();
    expect(more).toEqual([]); // a root that does not exist is none
    const { parent, entries, isCut } = await files.browse(root?.path ?? '');
    expect(parent).toBeNull();
    expect(isCut).toBe(false);
    expect(entries.map(({ name, kind, bytes, holds }) => [name, kind, bytes, holds])).toEqual([
      ['leads-in', 'folder', null, 'model'],
      ['model', 'folder', null, 'model'],
      ['project', 'folder', null, 'project'],
      ['b.jsonl', 'file', 4, null],
    ]);
    const model = await files.browse(locations.pathOf(entries[1]?.location ?? ''));
    expect(locations.pathOf(model.parent ?? '')).toBe(root?.path);
  });

  it('leads nowhere else: not by links, not by parents, not by names that begin alike', async () => {
    const paths = [
      folder,
      '/',
      join(folder, 'root/..'),
      join(folder, 'root/../outside'),
      join(folder, 'root/leads-out'),
      join(folder, 'root/leads-out/deep'),
      join(folder, 'root/leads-out/../../outside'),
      join(folder, 'root/secret.txt'),
      join(folder, 'root-beside'),
      join(folder, 'outside/secret.txt'),
      join(folder, 'outside/does-not-exist'), // nor does it tell what there is
      `${join(folder, 'root')}\0`,
    ];
    for (const path of paths) {
      await expect(files.browse(path), path).rejects.toMatchObject({ code: 'permission' });
      await expect(files.locate(path), path).rejects.toMatchObject({ code: 'permission' });
    }
    await expect(files.locate('root')).rejects.toMatchObject({ code: 'usage' });
    await expect(files.locate(join(folder, 'root/nothing'))).rejects.toMatchObject({ code: 'not-found' });
    expect(await files.locate(join(folder, 'root/leads-in'))).toMatchObject({ holds: 'model' });
  });
});

describe('locations', () => {
  it('are known only to the host that gave them, and one for each path', () => {
    const other = new Locations();
    const id = locations.grant('/a');
    expect(locations.grant('/a')).toBe(id);
    expect(locations.pathOf(id)).toBe('/a');
    expect(id).toMatch(/^[A-Za-z0-9_-]{22}$/u);
    for (const unknown of [id, '/a', '', 'constructor']) {
      expect(() => other.pathOf(unknown)).toThrow(expect.objectContaining({ code: 'permission' }));
    }
  });
});

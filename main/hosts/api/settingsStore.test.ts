import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataFolder } from '../dataFolder.ts';
import { SettingsStore } from './settingsStore.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-settings-'));
});
afterEach(async () => {
  await chmod(folder, 0o700);
  await rm(folder, { recursive: true, force: true });
});

const path = () => join(folder, 'settings.json');

describe('settings', () => {
  it('are kept, with recent projects in the order of their opening', async () => {
    const store = await SettingsStore.open(folder);
    expect(store.settings).toEqual({
      ...{ theme: 'system', device: 'auto', author: null, suggestions: null },
      tour: { stop: 0, state: 'open' },
    });
    await Promise.all([
      store.change({ theme: 'dark' }),
      store.change({ author: 'Ada' }),
      store.remember('/a', '2026-01-01', false),
      store.remember('/b', '2026-01-02', true),
      store.remember('/a', '2026-01-03', false),
    ]);
    const again = await SettingsStore.open(folder);
    expect(again.settings).toMatchObject({ theme: 'dark', author: 'Ada' });
    expect(again.recent.map((project) => project.folder)).toEqual(['/a', '/b']);
    await again.forget('/b');
    expect((await SettingsStore.open(folder)).recent.map((project) => project.folder)).toEqual(['/a']);
    expect(await readdir(folder)).toEqual(['settings.json']);
  });

  it.skipIf(process.platform === 'win32')('are for their owner only: the file and the folder made for it', async () => {
    const own = join(folder, 'data');
    const store = await SettingsStore.open(own);
    await store.change({ author: 'Ada' });
    expect((await stat(join(own, 'settings.json'))).mode & 0o777).toBe(0o600);
    expect((await stat(own)).mode & 0o777).toBe(0o700);
    await chmod(join(own, 'settings.json'), 0o644); // as an earlier version left it
    await store.change({ author: 'Ben' });
    expect((await stat(join(own, 'settings.json'))).mode & 0o777).toBe(0o600);
  });

  it('of a damaged file, or one of a newer program, are set aside, and the defaults hold', async () => {
    for (const content of ['{', '[]', '{"format":"errata-settings","version":2}', '\0']) {
      await writeFile(path(), content);
      const store = await SettingsStore.open(folder);
      expect(store.problem).toContain('set aside');
      expect(store.settings.theme).toBe('system');
      expect(await readFile(`${path()}.unreadable`, 'utf8')).toBe(content);
      await rm(`${path()}.unreadable`);
    }
  });

  it('that cannot be written stay as they were', async () => {
    const store = await SettingsStore.open(folder);
    await store.change({ theme: 'light' });
    await rm(folder, { recursive: true });
    await writeFile(folder, 'a file where the folder was');
    await expect(store.change({ theme: 'dark' })).rejects.toThrow();
    expect(store.settings.theme).toBe('light');
  });
});

describe('the data folder', () => {
  it('is where the platform has such, or where ERRATA_HOME says', () => {
    expect(dataFolder({ ERRATA_HOME: '/x/y' }, 'linux', '/home/ada')).toBe('/x/y');
    expect(dataFolder({}, 'linux', '/home/ada')).toBe('/home/ada/.local/share/errata');
    expect(dataFolder({ XDG_DATA_HOME: '/data' }, 'linux', '/home/ada')).toBe('/data/errata');
    expect(dataFolder({}, 'darwin', '/Users/ada')).toBe('/Users/ada/Library/Application Support/Errata');
  });
});

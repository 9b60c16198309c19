// A project whose thread does not wait for the disk: what was flushed is in the files, the log does not grow without end,
// and another process's long write keeps nobody from doing other things.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Database } from './database.ts';
import { createProject } from './project/create.ts';
import { DATABASE_FILE } from './project/layout.ts';
import { openProject } from './project/open.ts';
import type { Project } from './project/project.ts';
import { storageThread } from './storageWork.ts';
import { DICTIONARY, temporaryFolder } from '../testing/storage/temporaryProject.ts';
import { WalFlusher } from './walFlusher.ts';

vi.setConfig({ testTimeout: 240_000 });

const thread = storageThread(join(import.meta.dirname, 'storageThread.ts'));
const ADA = { author: 'Ada' };
const f = (feature: number) => ({ dictionary: DICTIONARY, feature });
let folder: string;
let remove: () => void;
let project: Project;
beforeEach(async () => {
  const made = temporaryFolder();
  folder = join(made.folder, 'project');
  remove = made.remove;
  project = await createProject(folder, { host: 'the window', thread });
});
afterEach(async () => {
  await project.end();
  remove();
});
const path = () => join(folder, DATABASE_FILE);

describe('a project with a storage thread', () => {
  it('keeps what was written, flushed or not, and is whole when it is opened as usual', async () => {
    project.labels.set(f(1), { text: 'flushed' }, ADA);
    await Promise.all([project.flush(), project.flush()]);
    project.labels.set(f(2), { text: 'not yet' }, ADA);
    await project.end();
    expect(existsSync(`${path()}-wal`)).toBe(false);
    const again = await openProject(folder);
    expect([1, 2].map((feature) => again.labels.get(f(feature))?.text)).toEqual(['flushed', 'not yet']);
    expect(again.check().problems).toEqual([]);
    again.close();
  });

  it('copies and checks itself elsewhere, also what is only in the log so far', async () => {
    project.labels.set(f(1), { text: 'in the log' }, ADA);
    const backup = await thread('backup', folder);
    const copy = new Sqlite(backup.path, { readonly: true });
    expect(copy.prepare('SELECT text FROM labels').all()).toEqual([{ text: 'in the log' }]);
    copy.close();
    expect(await thread('check', folder)).toMatchObject({ problems: [], backups: [{ file: backup.file }] });
    expect(project.otherHolders()).toEqual([]);
  });

  it('says what is wrong as the work itself would', async () => {
    await expect(thread('create', folder)).rejects.toMatchObject({ code: 'exists' });
    await expect(thread('prepare', join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'not-found' });
    await expect(openProject(join(folder, 'nowhere'), { thread })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('goes on while another process writes for long, and says who when it takes too long', async () => {
    const other = await openProject(folder, { host: 'the command line' });
    const lock = new Sqlite(path());
    lock.exec('BEGIN IMMEDIATE');
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 5);
    await expect(project.writable(200)).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining('the command line') as string,
    });
    const waiting = project.writable(60_000);
    await delay(100);
    lock.exec('ROLLBACK');
    await waiting;
    clearInterval(ticking);
    expect(ticks).toBeGreaterThan(5);
    project.labels.set(f(1), { text: 'at last' }, ADA);
    lock.close();
    other.close();
  });
});

describe('the log', () => {
  it('is moved into the database by the thread once it is long, and is short again afterwards', async () => {
    const database = new Database(path(), { durability: 'flush' });
    let checkpoints = 0;
    const flusher = new WalFlusher(database, async () => {
      await thread('checkpoint', folder);
      checkpoints++;
    });
    const insert = database.query<[string, string]>('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)');
    const write = (characters: number) => database.write(() => insert.run('long', 'x'.repeat(characters)));
    write(6 << 20);
    await flusher.flush();
    const long = statSync(`${path()}-wal`).size;
    expect(long).toBeGreaterThan(4 << 20);
    await vi.waitFor(() => expect(checkpoints).toBe(1), { timeout: 60_000 });
    write(10);
    await flusher.flush();
    expect(statSync(`${path()}-wal`).size).toBeLessThan(1 << 20);
    await flusher.end();
    database.close();
    expect((await thread('check', folder)).problems).toEqual([]);
  });

  it('is flushed by itself after a moment, once for many commits', async () => {
    const database = new Database(path(), { durability: 'flush' });
    const flusher = new WalFlusher(database, async () => undefined);
    const insert = database.query<[string, string]>('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)');
    for (let i = 0; i < 20; i++) database.write(() => insert.run('key', `${i}`));
    expect([database.commits, flusher.isFlushed]).toEqual([20, false]);
    await vi.waitFor(() => expect(flusher.isFlushed).toBe(true), { timeout: 60_000 });
    await flusher.end();
    database.close();
  });
});

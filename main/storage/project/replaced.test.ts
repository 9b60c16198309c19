// A database that is put away while a process has it open: nothing is acknowledged that went where nobody looks, and the
// commands that put it away ask first who has it open.
import { cpSync, existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startProcess } from '../../testing/storage/otherProcess.ts';
import { DICTIONARY, temporaryFolder } from '../../testing/storage/temporaryProject.ts';
import { Database } from '../database.ts';
import { restoreBackup } from '../recovery/restore.ts';
import { storageThread } from '../storageWork.ts';
import { createProject } from './create.ts';
import { DATABASE_FILE } from './layout.ts';
import { openProject } from './open.ts';
import type { Project } from './project.ts';

// Processes are started beside whatever else the machine does.
vi.setConfig({ testTimeout: 60_000 });

const ADA = { author: 'Ada' };
const feature = { dictionary: DICTIONARY, feature: 71 };
const thread = storageThread(join(import.meta.dirname, '../storageThread.ts'));

let root: string;
let folder: string;
let remove: () => void;
let project: Project | undefined;
beforeEach(() => {
  ({ folder: root, remove } = temporaryFolder());
  folder = join(root, 'project');
});
afterEach(() => {
  project?.close();
  remove();
});

const path = (end = '') => join(folder, `${DATABASE_FILE}${end}`);
const write = (text: string) => project?.labels.set(feature, { text }, ADA);
const textIn = async (where: string) => {
  const opened = await openProject(where, { readOnly: true });
  const text = opened.labels.get(feature)?.text ?? null;
  opened.close();
  return text;
};

describe('restoring a backup', () => {
  it('is refused while another process has the project open, by its name, and done once that is gone', async () => {
    project = await createProject(folder);
    write('early');
    project.backup();
    write('late');
    project.close();
    const other = startProcess(
      folder,
      `await openProject(folder, { host: 'the web host' }); say('open'); setInterval(() => {}, 1e6);`,
    );
    await new Promise<string>((resolve) => (other.onLine = resolve));
    expect(() => restoreBackup(folder)).toThrow(expect.objectContaining({ code: 'locked' }));
    expect(() => restoreBackup(folder)).toThrow(
      new RegExp(`open in the web host \\(process ${other.child.pid ?? 0}, since .*Close it there`, 'u'),
    );
    expect(existsSync(join(folder, 'damaged'))).toBe(false);
    expect(await textIn(folder)).toBe('late');
    other.child.kill('SIGKILL');
    await other.ended;
    expect(restoreBackup(folder).setAside).toMatch(/damaged/u);
    expect(await textIn(folder)).toBe('early');
  });

  it('asks a database of an older schema, too', async () => {
    project = await createProject(folder);
    project.backup();
    project.close();
    const database = new Database(path());
    database.execute(`DROP TABLE holders; CREATE TABLE holders (id INTEGER PRIMARY KEY, pid INTEGER NOT NULL,
      machine TEXT NOT NULL, host TEXT NOT NULL, since TEXT NOT NULL) STRICT;
      INSERT INTO holders SELECT 1, ${process.pid}, '', 'the desktop app', 'today'`);
    const { hostname } = await import('node:os');
    database.write(() => database.query<[string]>('UPDATE holders SET machine = ?').run(hostname()));
    database.close();
    expect(() => restoreBackup(folder)).toThrow(/open in the desktop app/u);
  });
});

/** What people and programs do to files that they do not know to be in use. */
const PUT_AWAY: readonly (readonly [string, string, () => void])[] = [
  ['replaced', 'replaced', () => (cpSync(path(), path('.new')), renameSync(path('.new'), path()))],
  ['deleted', 'moved or deleted', () => rmSync(path())],
  ['moved with its folder', 'moved or deleted', () => renameSync(folder, join(root, 'elsewhere'))],
  ['robbed of its log', 'moved or deleted', () => rmSync(path('-wal'))],
  ['given another log', 'replaced', () => (cpSync(path('-wal'), path('.new')), renameSync(path('.new'), path('-wal')))],
];

describe.each(PUT_AWAY)('a database that is %s while it is open', (_, word, putAway) => {
  it('is written no more: the write is refused, and says why', async () => {
    project = await createProject(folder, { backups: false });
    write('acknowledged');
    expect(project.isInPlace).toBe(true);
    putAway();
    expect(project.isInPlace).toBe(false);
    expect(() => write('lost')).toThrow(expect.objectContaining({ code: 'conflict' }));
    expect(() => write('lost')).toThrow(new RegExp(`was ${word} while it was open here\\. Nothing was changed`, 'u'));
    expect(() => project?.checkPlace()).toThrow(/may be out of date\. Close the project and open it again/u);
    expect(project.labels.get(feature)?.text).toBe('acknowledged');
  });

  it('does not take a commit for kept that came in between', async () => {
    (await createProject(folder, { backups: false })).close();
    const database = new Database(path());
    database.write(() => database.execute("INSERT INTO meta VALUES ('a', 'b')"));
    database.onCommit = putAway;
    expect(() => database.write(() => database.execute("INSERT INTO meta VALUES ('c', 'd')"))).toThrow(
      expect.objectContaining({
        code: 'conflict',
        message: expect.stringMatching(/What was changed last is not in it/u) as string,
      }),
    );
    database.close();
  });

  it('does not count as flushed what was written just before', async () => {
    await createProject(folder, { thread, backups: false }).then((made) => made.end());
    project = await openProject(folder, { thread, backups: false });
    write('flushed');
    await project.flush();
    write('not flushed');
    putAway();
    await expect(project.flush()).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/What was changed last may not be in it/u) as string,
    });
    await project.end();
  });
});

it('what was moved away with its log is whole where it lies, also after the process that had it open has ended', async () => {
  project = await createProject(folder);
  write('acknowledged');
  const elsewhere = join(root, 'elsewhere');
  renameSync(folder, elsewhere);
  project.close();
  expect(await textIn(elsewhere)).toBe('acknowledged');
});

it('a process that ends after its database was replaced leaves the log of the new one alone', async () => {
  project = await createProject(folder);
  write('old');
  project.backup();
  const elsewhere = join(root, 'elsewhere');
  renameSync(folder, elsewhere);
  cpSync(elsewhere, folder, { recursive: true, filter: (source) => !/-(wal|shm)$/u.test(source) });
  const second = await openProject(folder);
  second.labels.set(feature, { text: 'new' }, ADA);
  project.close();
  expect(existsSync(path('-wal'))).toBe(true);
  expect(second.isInPlace).toBe(true);
  second.labels.set(feature, { text: 'newer' }, ADA);
  second.close();
  expect(await textIn(folder)).toBe('newer');
});

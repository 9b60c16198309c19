// Makes a project: its folders and an empty database, which is put in place whole or not at all.
import { chmodSync, existsSync, linkSync, mkdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { randomUUID } from 'node:crypto';
import Sqlite from 'better-sqlite3';
import { AppError } from '../../contract/base/errors.ts';
import { partialPath } from '../../core/files/atomicWrite.ts';
import { toFileError } from '../../core/files/fileError.ts';
import { Database } from '../database.ts';
import { initialise } from '../migrate.ts';
import { syncFile } from '../recovery/backup.ts';
import { translateSqliteError } from '../sqliteError.ts';
import { DATABASE_FILE, PROJECT_FOLDERS } from './layout.ts';
import { openProject, type OpenOptions } from './open.ts';
import type { Project } from './project.ts';

/**
 * Makes the folder, if need be, and an empty project in it.
 * @throws AppError `exists` when there is a project already, `permission`, `disk-full`; then nothing remains.
 */
export async function createProject(folder: string, options: OpenOptions = {}): Promise<Project> {
  if (options.thread) {
    await options.thread('create', resolve(folder));
    return await openProject(folder, options);
  }
  const path = join(resolve(folder), DATABASE_FILE);
  if (existsSync(path))
    throw new AppError('exists', `${folder}: there is a project already.`, { details: { path: folder } });
  const partial = partialPath(path);
  const made: string[] = [];
  try {
    for (const each of [folder, ...PROJECT_FOLDERS.map((name) => join(folder, name))]) {
      if (mkdirSync(each, { recursive: true, mode: 0o700 }) !== undefined) made.push(each);
    }
    makeDatabase(partial, (options.now?.() ?? new Date()).toISOString());
    chmodSync(partial, 0o600); // SQLite gives the log next to it the same mode
    syncFile(partial);
    putInPlace(partial, path);
    syncFile(resolve(folder));
  } catch (thrown) {
    removePartial(partial);
    // Only what is empty, and only if nobody else has made a project here meanwhile.
    if (!existsSync(path)) for (const each of made.toReversed()) removeEmpty(each);
    throw toFileError(translateSqliteError(thrown, path), folder);
  }
  removePartial(partial);
  return await openProject(folder, options);
}

function removePartial(partial: string): void {
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(`${partial}${end}`, { force: true });
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Not empty, or gone: either way not ours to remove.
  }
}

/** Whole or not at all, and never over another: of two processes that make one project, the second is told that it exists. */
function putInPlace(partial: string, path: string): void {
  try {
    linkSync(partial, path);
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : '';
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw thrown;
    renameSync(partial, path); // a file system without hard links
  }
}

function makeDatabase(path: string, created: string): void {
  new Sqlite(path).exec('VACUUM').close(); // an empty file, which the connection below may then open
  const database = new Database(path);
  try {
    initialise(database);
    database.write(() => {
      const insert = database.query<[string, string]>('INSERT INTO meta (key, value) VALUES (?, ?)');
      insert.run('id', randomUUID());
      insert.run('created', created);
    });
    database.pragma('journal_mode = DELETE'); // everything in the one file that is copied into place
  } finally {
    database.close();
  }
}

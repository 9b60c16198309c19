// Goes back to a copy. Nothing is ever deleted: the database that was there is set aside under `damaged/`.
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AppError } from '../../contract/base/errors.ts';
import { partialPath } from '../../core/files/atomicWrite.ts';
import { toFileError } from '../../core/files/fileError.ts';
import { holdersOf } from '../project/holders.ts';
import { DATABASE_FILE } from '../project/layout.ts';
import { translateSqliteError } from '../sqliteError.ts';
import { checkWhole, listBackups, syncFile, type Backup } from './backup.ts';

const ENDS = ['', '-wal', '-shm'] as const;

export interface Restored {
  readonly backup: Backup;
  /** Where the damaged database lies now; null: there was none. */
  readonly setAside: string | null;
}

/**
 * Puts a copy in the database's place. A process that opens the project meanwhile notices (placeGuard.ts).
 * @param file name of the copy; by default the newest.
 * @throws AppError `locked` while a process has the project open, `not-found` without such a copy, `invalid-file` when the
 * copy itself is damaged: then nothing was changed.
 */
export function restoreBackup(folder: string, file?: string, now: () => Date = () => new Date()): Restored {
  const backups = listBackups(folder);
  const backup = file === undefined ? backups[0] : backups.find((each) => each.file === file);
  if (backup === undefined) {
    throw new AppError(
      'not-found',
      `${folder}: there is no ${file === undefined ? 'backup' : `backup ${file.slice(0, 100)}`}.`,
    );
  }
  const path = join(resolve(folder), DATABASE_FILE);
  refuseOpen(folder, path, now().toISOString());
  const partial = partialPath(path);
  try {
    checkWhole(backup.path);
    copyFileSync(backup.path, partial);
    syncFile(partial);
    const setAside = putAside(folder, now().toISOString());
    renameSync(partial, path);
    syncFile(resolve(folder));
    return { backup, setAside };
  } catch (thrown) {
    rmSync(partial, { force: true });
    throw toFileError(translateSqliteError(thrown, path), path);
  }
}

/** What a window writes after its database was set aside would be in a file that nobody opens. */
function refuseOpen(folder: string, path: string, time: string): void {
  const holders = holdersOf(path, time);
  if (holders.length === 0) return;
  throw new AppError(
    'locked',
    `${folder}: the project is open in ${holders.join(', ')}. Close it there, then restore. Nothing was changed.`,
    { details: { path: folder, holders } },
  );
}

function putAside(folder: string, time: string): string | null {
  const path = join(resolve(folder), DATABASE_FILE);
  if (!existsSync(path)) return null;
  const place = join(resolve(folder), 'damaged');
  mkdirSync(place, { recursive: true });
  const target = join(place, `project-${time.replace(/[-:.]/gu, '')}.sqlite`);
  // The log of the database first: without it the file left behind would lack its last writes, with a stranger's it breaks.
  for (const end of ENDS.toReversed()) if (existsSync(`${path}${end}`)) renameSync(`${path}${end}`, `${target}${end}`);
  return target;
}

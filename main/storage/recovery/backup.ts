// Copies of the database in `backups/`: one a day when something changed, one before every migration, one on demand. A
// copy is compact, checked, synced and then given its name, so what lies there can be trusted.
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../contract/base/errors.ts';
import { partialPath } from '../../core/files/atomicWrite.ts';
import { toFileError } from '../../core/files/fileError.ts';
import { Database } from '../database.ts';

export const BACKUP_FOLDER = 'backups';
const KEPT = 10;
const DAY = 24 * 60 * 60 * 1000;

export type BackupReason = 'daily' | 'asked' | `schema-${number}`;

export interface Backup {
  readonly file: string;
  readonly path: string;
  readonly time: string;
  readonly reason: BackupReason;
  readonly bytes: number;
}

const NAME = /^project-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-(daily|asked|schema-\d+)\.sqlite$/u;

/** Newest first. */
export function listBackups(folder: string): readonly Backup[] {
  const backups = join(folder, BACKUP_FOLDER);
  if (!existsSync(backups)) return [];
  return readdirSync(backups)
    .toSorted()
    .toReversed()
    .flatMap((file): Backup[] => {
      const match = NAME.exec(file);
      if (match === null) return [];
      const [, year, month, day, hour, minute, second, milli, reason] = match;
      const path = join(backups, file);
      const time = `${year}-${month}-${day}T${hour}:${minute}:${second}.${milli}Z`;
      return [{ file, path, time, reason: reason as BackupReason, bytes: statSync(path).size }]; // the pattern has matched it
    });
}

/** @throws AppError `disk-full`, `permission`, `invalid-file` when the database is damaged; then no copy remains. */
export function takeBackup(database: Database, folder: string, reason: BackupReason, time: string): Backup {
  const backups = join(folder, BACKUP_FOLDER);
  const file = `project-${time.replace(/[-:.]/gu, '')}-${reason}.sqlite`;
  const path = join(backups, file);
  const partial = partialPath(path);
  try {
    mkdirSync(backups, { recursive: true, mode: 0o700 });
  } catch (thrown) {
    throw toFileError(thrown, backups);
  }
  try {
    database.query<[string]>('VACUUM INTO ?').run(partial);
    chmodSync(partial, 0o600); // labels and prompts are nobody else's
    checkWhole(partial);
    syncFile(partial);
    renameSync(partial, path);
    syncFile(backups);
  } catch (thrown) {
    rmSync(partial, { force: true });
    throw toFileError(thrown, path);
  }
  prune(folder);
  return { file, path, time, reason, bytes: statSync(path).size };
}

/** The daily copy, if it is due: something was changed since the last copy, which is a day old. */
export function backupIfDue(database: Database, folder: string, time: string): Backup | null {
  // Copies and steps of the future are of a clock that was ahead: they say nothing of today.
  const last = listBackups(folder).find((backup) => backup.time <= time);
  const changed =
    database.query<[], { time: string }>('SELECT time FROM steps ORDER BY rowid DESC LIMIT 1').get()?.time ?? null;
  if (changed === null) return null;
  if (last !== undefined && (changed < last.time || Date.parse(time) - Date.parse(last.time) < DAY)) return null;
  return takeBackup(database, folder, 'daily', time);
}

/** @throws AppError('invalid-file') when the file is not a whole database. */
export function checkWhole(path: string): void {
  const copy = new Database(path, { readOnly: true });
  try {
    const problems = integrityProblems(copy, 1);
    if (problems.length > 0) {
      throw new AppError('invalid-file', `${path}: the copy is damaged: ${problems.join('; ')}.`, {
        details: { path, damaged: true },
      });
    }
  } finally {
    copy.close();
  }
}

/** @throws AppError('invalid-file') where pages of the file are damaged; the error has what there is to go back to. */
export function checkPages(database: Database, path: string): void {
  const [problem] = database
    .query<[], { quick_check: string }>('PRAGMA quick_check(1)')
    .all()
    .map((row) => row.quick_check)
    .filter((line) => line !== 'ok');
  if (problem === undefined) return;
  throw new AppError('invalid-file', `${path}: the database is damaged: ${problem.split('\n').at(-1) ?? ''}.`, {
    details: { path, damaged: true },
  });
}

/** What SQLite finds wrong with the file, at most `most` lines. Empty is sound. */
export function integrityProblems(database: Database, most: number): readonly string[] {
  return database
    .query<[], { integrity_check: string }>(`PRAGMA integrity_check(${most})`)
    .all()
    .map((row) => row.integrity_check)
    .filter((line) => line !== 'ok');
}

/** Copies made before a migration stay; of the others the newest ten. */
function prune(folder: string): void {
  const expendable = listBackups(folder).filter(({ reason }) => !reason.startsWith('schema-'));
  for (const { path } of expendable.slice(KEPT)) rmSync(path, { force: true });
}

/** Of files and, where the system can, folders. */
export function syncFile(path: string): void {
  if (process.platform === 'win32' && statSync(path).isDirectory()) return;
  const file = openSync(path, statSync(path).isDirectory() ? 'r' : 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

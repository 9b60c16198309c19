// Opens a project: to write, with this process listed among its holders and its daily copy taken; or only to read, also
// where nothing can be written and what an older program made.
import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { AppError } from '../../contract/base/errors.ts';
import { Database } from '../database.ts';
import { checkSchema, headSchema, migrate } from '../migrate.ts';
import { checkPages, backupIfDue, listBackups } from '../recovery/backup.ts';
import { translateSqliteError } from '../sqliteError.ts';
import type { InStorageThread } from '../storageWork.ts';
import { WalFlusher } from '../walFlusher.ts';
import { Holder } from './holders.ts';
import { DATABASE_FILE } from './layout.ts';
import { Project } from './project.ts';

export interface OpenOptions {
  /** What opens it, for the message that another process gets: 'the desktop app', 'the command line'. */
  readonly host?: string | undefined;
  /** Look only: works on read-only media, and on a project that an older program made. Every write is refused. */
  readonly readOnly?: boolean | undefined;
  /** How long a write waits for another process's, in milliseconds. */
  readonly patience?: number | undefined;
  /** False: no daily copy on opening. */
  readonly backups?: boolean | undefined;
  /** Where what waits for the disk is done, so that this thread does not: then writes are durable after `flush`. */
  readonly thread?: InStorageThread | undefined;
  readonly now?: (() => Date) | undefined;
}

/**
 * Opens a project; an older one is brought to this program's schema after a copy was taken.
 * @throws AppError `not-found`; `unsupported` (made by a newer program); `invalid-file` (damaged, or no project: its
 * details have `backups`, the number of copies to restore from); `permission`; `locked`.
 */
export async function openProject(folder: string, options: OpenOptions = {}): Promise<Project> {
  const path = join(resolve(folder), DATABASE_FILE);
  if (!existsSync(path)) {
    throw new AppError('not-found', `${folder}: there is no project here (no ${DATABASE_FILE}).`, {
      details: { path: folder },
    });
  }
  if (!statSync(path).isFile()) throw new AppError('invalid-file', `${path}: it is not a file.`, { details: { path } });
  if (statSync(path).size === 0) {
    const empty = `${path}: it is empty: a disk that was full or a copy that was cut off has left nothing in it.`;
    throw withRecovery(new AppError('invalid-file', empty, { details: { path, damaged: true } }), folder);
  }
  const found = options.readOnly === true ? [] : ((await options.thread?.('prepare', resolve(folder))) ?? []);
  try {
    if (options.readOnly === true) return openToRead(folder, path, options);
    return openToWrite(folder, path, options, found);
  } catch (thrown) {
    throw withRecovery(translateSqliteError(thrown, path), folder);
  }
}

/** Of a database whose pages are looked at whenever it is opened: a fraction of a second. Larger ones are checked by `project check`. */
const CHECKED_BYTES = 256 << 20;

/** A damaged project's error says what there is to go back to. */
function withRecovery(thrown: unknown, folder: string): unknown {
  if (!(thrown instanceof AppError) || thrown.details['damaged'] !== true) return thrown;
  const backups = listBackups(folder);
  const [last] = backups;
  const offer = last === undefined ? 'There is no backup.' : `The last backup is of ${last.time} (${last.file}).`;
  return new AppError('invalid-file', `${thrown.message} ${offer}`, {
    cause: thrown,
    details: { ...thrown.details, backups: backups.length, ...(last === undefined ? {} : { lastBackup: last.file }) },
  });
}

function openToWrite(folder: string, path: string, options: OpenOptions, found: readonly string[]): Project {
  const { thread } = options;
  const now = () => (options.now?.() ?? new Date()).toISOString();
  let holder: Holder | undefined;
  const database = new Database(path, {
    patience: options.patience,
    holders: () => holder?.others() ?? [],
    durability: thread ? 'flush' : 'commit',
  });
  const notices = [...found];
  try {
    if (!thread && statSync(path).size <= CHECKED_BYTES) checkPages(database, path); // the thread has looked
    migrate(database, folder, now());
    holder = new Holder(database, options.host ?? 'Errata', now);
    try {
      if (options.backups !== false && !thread) backupIfDue(database, folder, now());
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.details['damaged'] === true) throw thrown;
      notices.push(`The daily backup could not be made: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    }
    const flusher = thread && new WalFlusher(database, () => thread('checkpoint', resolve(folder)));
    return new Project(folder, database, now, { notices, holder, flusher });
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

/** Directly where that works; else from a copy, since SQLite needs to write beside a database to read one in WAL mode. */
function openToRead(folder: string, path: string, options: OpenOptions): Project {
  const now = () => (options.now?.() ?? new Date()).toISOString();
  let database: Database | undefined;
  try {
    database = new Database(path, { readOnly: true, patience: options.patience });
    checkSchema(database);
    if (database.schema === headSchema()) return new Project(folder, database, now, {});
    database.close();
  } catch (thrown) {
    if (database?.isOpen === true) database.close();
    if (!(thrown instanceof AppError) || thrown.code !== 'permission') throw thrown;
  }
  const copies = mkdtempSync(join(tmpdir(), 'errata-read-'));
  const removeCopy = () => rmSync(copies, { recursive: true, force: true });
  try {
    const copy = join(copies, DATABASE_FILE);
    for (const end of ['', '-wal']) if (existsSync(`${path}${end}`)) copyFileSync(`${path}${end}`, `${copy}${end}`);
    const writable = new Database(copy, { shownPath: path });
    try {
      migrate(writable, null, now());
    } finally {
      writable.close();
    }
    return new Project(folder, new Database(copy, { readOnly: true, shownPath: path }), now, { onClose: removeCopy });
  } catch (thrown) {
    removeCopy();
    throw thrown;
  }
}

// Processes that have a project open: several may, each knows who the others are, and what one of them left behind when it
// died is told from what a living one is working on.
import { randomUUID } from 'node:crypto';
import Sqlite from 'better-sqlite3';
import type { Database } from '../database.ts';
import { isRunning, thisProcess, type ProcessIdentity } from '../../core/files/processIdentity.ts';

interface HolderRow extends ProcessIdentity {
  readonly id: string;
  readonly host: string;
  readonly since: string;
  readonly seen: string;
}

/** How often a holder says that it is there: for those on other machines and in other containers. */
const SEEN_EVERY_MS = 60_000;
/** Who has not said so for this long is gone. */
const LEASE_MS = 5 * SEEN_EVERY_MS;

const COLUMNS = 'id, pid, machine, started, boot, namespace, host, since, seen';

/** This process among those that have the project open. */
export class Holder {
  readonly id = randomUUID();
  readonly #database: Database;
  readonly #now: () => string;
  readonly #heartbeat: NodeJS.Timeout;

  /** Lists this process, and takes those off that died without leaving. */
  constructor(database: Database, host: string, now: () => string) {
    this.#database = database;
    this.#now = now;
    const { pid, machine, started, boot, namespace } = thisProcess();
    const time = now();
    database.write(() => {
      for (const row of this.#rows()) if (!isThere(row, time)) this.#remove(row.id);
      database
        .query<[string, number, ...string[]]>(`INSERT INTO holders (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
        .run(this.id, pid, machine, started, boot, namespace, host, time, time);
    });
    this.#heartbeat = setInterval(() => this.#sayThere(), SEEN_EVERY_MS).unref();
  }

  /** Who else has the project open, in words. */
  others(): readonly string[] {
    const time = this.#now();
    return this.#rows()
      .filter((row) => row.id !== this.id && isThere(row, time))
      .map(inWords);
  }

  /** The holder with this id, in words; null when it is gone. */
  find(id: string): string | null {
    const row = this.#rows().find((each) => each.id === id);
    return row !== undefined && isThere(row, this.#now()) ? inWords(row) : null;
  }

  leave(): void {
    clearInterval(this.#heartbeat);
    this.#database.write(() => this.#remove(this.id));
  }

  #rows(): readonly HolderRow[] {
    return this.#database.query<[], HolderRow>(`SELECT ${COLUMNS} FROM holders ORDER BY since, id`).all();
  }

  #remove(id: string): void {
    this.#database.query<[string]>('DELETE FROM holders WHERE id = ?').run(id);
  }

  #sayThere(): void {
    try {
      if (!this.#database.isOpen || this.#database.isWriteLocked) return;
      this.#database.write(() =>
        this.#database.query<[string, string]>('UPDATE holders SET seen = ? WHERE id = ?').run(this.#now(), this.id),
      );
    } catch {
      // The disk is full or the file is gone: whoever does something next is told.
    }
  }
}

/**
 * Who has the project open whose database this is, in words; also of an older schema. None where it cannot be read: then a
 * process that has it open is not known, and notices by itself that the file was replaced.
 */
export function holdersOf(path: string, time: string): readonly string[] {
  let database: Sqlite.Database | undefined;
  try {
    database = new Sqlite(path, { readonly: true, fileMustExist: true });
    const here = thisProcess();
    return database
      .prepare<[], Partial<HolderRow>>('SELECT * FROM holders ORDER BY since, id')
      .all()
      .map((row): HolderRow => ({
        ...{ ...here, id: '', pid: -1, host: '', since: '', seen: '' },
        started: '',
        ...row,
      }))
      .filter((row) => isThere(row, time))
      .map(inWords);
  } catch {
    return [];
  } finally {
    database?.close();
  }
}

function isThere(row: HolderRow, time: string): boolean {
  return isRunning(row) ?? Math.abs(Date.parse(time) - Date.parse(row.seen)) < LEASE_MS;
}

function inWords({ pid, machine, host, since }: HolderRow): string {
  return `${host} (process ${pid}${machine === thisProcess().machine ? '' : ` on ${machine}`}, since ${since})`;
}

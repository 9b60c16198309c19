// The rows of a project's database as values that can be damaged: what stands in a column as JSON counts by its own values. The
// file itself stays a whole SQLite database, so that what reads the rows is reached.
import Sqlite from 'better-sqlite3';
import { isObject } from '../../core/files/json.ts';
import type { Structure } from './damage.ts';

type Stored = string | number | bigint | null | Uint8Array;

/** The tables of ours; full-text search keeps its own beside them. */
function tablesOf(database: Sqlite.Database): string[] {
  const query = database.prepare<[], { name: string }>(
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND wr = 0 AND name NOT LIKE 'sqlite_%'",
  );
  return query.all().map(({ name }) => name);
}

/** In memory, where there is no write-ahead log: bytes 18 and 19 of the file say that it has one. */
function inMemory(bytes: Buffer): Sqlite.Database {
  const copy = Buffer.from(bytes);
  copy.fill(1, 18, 20);
  return new Sqlite(copy);
}

export const databaseRows: Structure = {
  parse: (bytes) => {
    const database = inMemory(bytes);
    try {
      return Object.fromEntries(tablesOf(database).map((table) => [table, rowsOf(database, table)]));
    } finally {
      database.close();
    }
  },
  write: (value, whole) => {
    if (!isObject(value)) return null;
    const database = inMemory(whole);
    try {
      database.pragma('foreign_keys = OFF');
      database.pragma('ignore_check_constraints = ON');
      withoutTriggers(database, () => {
        for (const table of tablesOf(database)) {
          const rows = value[table];
          if (isObject(rows)) writeRows(database, table, rows);
        }
      });
      return database.serialize();
    } catch (thrown) {
      // What no column takes: SQLite itself would not keep it.
      if (thrown instanceof Sqlite.SqliteError || thrown instanceof TypeError || thrown instanceof RangeError)
        return null;
      throw thrown;
    } finally {
      database.close();
    }
  },
};

/** Facts are guarded by triggers; a file that was meddled with is not. */
function withoutTriggers(database: Sqlite.Database, work: () => void): void {
  const triggers = database
    .prepare<[], { name: string; sql: string }>("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
    .all();
  for (const { name } of triggers) database.exec(`DROP TRIGGER "${name}"`);
  work();
  for (const { sql } of triggers) database.exec(sql);
}

/** By rowid. */
function rowsOf(database: Sqlite.Database, table: string): Record<string, unknown> {
  const rows = database.prepare<[], Record<string, Stored>>(`SELECT rowid AS "#", * FROM "${table}"`).all();
  return Object.fromEntries(
    rows.map(({ '#': id, ...row }) => [
      String(id),
      Object.fromEntries(Object.entries(row).map(([column, stored]) => [column, opened(stored)])),
    ]),
  );
}

function writeRows(database: Sqlite.Database, table: string, rows: Readonly<Record<string, unknown>>): void {
  for (const [id, was] of Object.entries(rowsOf(database, table))) {
    const row = rows[id];
    if (!isObject(row) || !isObject(was)) {
      database.prepare(`DELETE FROM "${table}" WHERE rowid = ?`).run(id);
      continue;
    }
    for (const [column, value] of Object.entries(was)) {
      const stored = closed(row[column], isObject(value) || Array.isArray(value));
      if (stored === closed(value, false)) continue;
      database.prepare(`UPDATE "${table}" SET "${column}" = ? WHERE rowid = ?`).run(stored, id);
    }
  }
}

function opened(stored: Stored): unknown {
  if (typeof stored !== 'string' || !/^[[{]/u.test(stored)) return stored;
  try {
    return JSON.parse(stored) as unknown;
  } catch {
    return stored;
  }
}

function closed(value: unknown, wasJson: boolean): unknown {
  if (value === undefined) return null;
  if (value instanceof Uint8Array) return value;
  if (wasJson || (typeof value === 'object' && value !== null)) return JSON.stringify(value);
  return typeof value === 'boolean' ? Number(value) : value;
}

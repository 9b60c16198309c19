// What Errata itself puts into a database: the tables, indexes, views and triggers of the migrations, and nothing else. A
// project may come from a stranger, and a trigger that is not ours would run with every write.
import Sqlite from 'better-sqlite3';
import { AppError } from '../contract/base/errors.ts';
import type { Database } from './database.ts';
import type { Migration } from './migrations/migration.ts';

interface SchemaObject {
  readonly type: string;
  readonly name: string;
  readonly tbl_name: string;
  readonly sql: string | null;
}

const OBJECTS = 'SELECT type, name, tbl_name, sql FROM sqlite_schema';
const MOST_NAMED = 5;

/** @throws AppError('invalid-file') that names what is not ours, or is missing. */
export function checkOwnSchema(database: Database, migrations: readonly Migration[]): void {
  const expected = expectedSchema(migrations, database.schema);
  const foreign: string[] = [];
  const missing = new Map(expected);
  for (const object of database.query<[], SchemaObject>(OBJECTS).all()) {
    const key = keyOf(object);
    const own = expected.get(key);
    missing.delete(key);
    if (own === undefined ? !isStatistics(object) : own !== null && own !== evened(object.sql)) foreign.push(key);
  }
  if (foreign.length + missing.size === 0) return;
  const { path } = database;
  const message =
    foreign.length > 0
      ? `${path}: the database holds what Errata did not put there: ${listed(foreign)}. It was not opened, since such a thing may change what is written. Remove it, restore a backup, or save what can be read with project salvage.`
      : `${path}: the database is damaged: it lacks the ${listed([...missing.keys()])}. It was left as it is; restore the last backup, or save what can still be read.`;
  throw new AppError('invalid-file', message, {
    details: { path, damaged: true, foreign, missing: [...missing.keys()] },
  });
}

const known = new WeakMap<readonly Migration[], Map<number, ReadonlyMap<string, string | null>>>();

/** Made once for each schema: it takes as long as making a project. */
function expectedSchema(migrations: readonly Migration[], schema: number): ReadonlyMap<string, string | null> {
  const bySchema = known.get(migrations) ?? new Map<number, ReadonlyMap<string, string | null>>();
  known.set(migrations, bySchema);
  const found = bySchema.get(schema) ?? schemaOf(migrations.filter(({ version }) => version <= schema));
  bySchema.set(schema, found);
  return found;
}

/** By key the text, evened; null where the text is SQLite's own affair (tables behind a full-text index). */
function schemaOf(migrations: readonly Migration[]): ReadonlyMap<string, string | null> {
  const sqlite = new Sqlite(':memory:');
  try {
    for (const { sql } of migrations) sqlite.exec(sql);
    const shadows = new Set(
      sqlite.prepare<[], string>("SELECT name FROM pragma_table_list WHERE type = 'shadow'").pluck().all(),
    );
    return new Map(
      sqlite
        .prepare<[], SchemaObject>(OBJECTS)
        .all()
        .map((object) => [keyOf(object), shadows.has(object.name) ? null : evened(object.sql)]),
    );
  } finally {
    sqlite.close();
  }
}

function keyOf({ type, name, tbl_name: table }: SchemaObject): string {
  return type === 'table' || type === 'view' ? `${type} ${name}` : `${type} ${name} on ${table}`;
}

/** Without the line breaks that the source was laid out with. */
function evened(sql: string | null): string {
  return sql?.replace(/\s+/gu, ' ') ?? '';
}

/** What SQLite's ANALYZE gathers, for faster queries. */
function isStatistics({ type, name }: SchemaObject): boolean {
  return type === 'table' && /^sqlite_stat[1-4]$/u.test(name);
}

function listed(keys: readonly string[]): string {
  const more = keys.length - MOST_NAMED;
  return `${keys.slice(0, MOST_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

// Brings a project's database to this program's schema. A copy is taken first; all steps are one transaction; a project
// newer than the program is refused, never guessed at.
import { AppError } from '../contract/base/errors.ts';
import { takeBackup } from './recovery/backup.ts';
import { APPLICATION_ID, type Database } from './database.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { checkOwnSchema } from './ownSchema.ts';
import type { Migration } from './migrations/migration.ts';

export function headSchema(migrations: readonly Migration[] = MIGRATIONS): number {
  return migrations.at(-1)?.version ?? 0;
}

/** @throws AppError `unsupported` for a newer project; `invalid-file` for a database that is not a project's, or holds what is not ours. */
export function checkSchema(database: Database, migrations: readonly Migration[] = MIGRATIONS): void {
  const head = headSchema(migrations);
  if (database.number('application_id') !== APPLICATION_ID) {
    throw new AppError('invalid-file', `${database.path}: it is a database, but not an Errata project's.`, {
      details: { path: database.path },
    });
  }
  if (database.schema <= head) return checkOwnSchema(database, migrations);
  throw new AppError(
    'unsupported',
    `${database.path}: the project was made by a newer Errata (schema ${database.schema}; this one knows up to ${head}). Open it with that version; nothing was changed.`,
    { details: { path: database.path, schema: database.schema, supported: head } },
  );
}

/** Writes the first schema into an empty database. */
export function initialise(database: Database, migrations: readonly Migration[] = MIGRATIONS): void {
  database.pragma(`application_id = ${APPLICATION_ID}`);
  apply(database, migrations);
}

/**
 * @param folder where the copy goes; null: no copy (the database is itself one).
 * @returns whether anything was done.
 */
export function migrate(
  database: Database,
  folder: string | null,
  time: string,
  migrations: readonly Migration[] = MIGRATIONS,
): boolean {
  checkSchema(database, migrations);
  if (database.schema === headSchema(migrations)) return false;
  if (folder !== null) takeBackup(database, folder, `schema-${database.schema}`, time);
  apply(database, migrations);
  return true;
}

/** A second process that waited for the lock finds the schema changed and is refused by `write`: it opens again. */
function apply(database: Database, migrations: readonly Migration[]): void {
  database.write(() => {
    for (const { version, sql } of migrations) {
      if (version <= database.schema) continue;
      database.execute(sql);
      database.pragma(`user_version = ${version}`);
    }
  });
  database.schemaChanged();
}

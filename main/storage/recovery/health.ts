// Whether a project's database is whole: its pages and indexes, its search index, its tables against the log.
import type { ChangeLog } from '../changes.ts';
import type { Database } from '../database.ts';
import { integrityProblems, listBackups, type Backup } from './backup.ts';

const SEARCH_INDEXES = ['label_words', 'label_substrings'] as const;

/** What `errata project check` tells. */
export interface Health {
  readonly problems: readonly string[];
  readonly backups: readonly Backup[];
}

/** Everything that can be checked: the file's pages and indexes, the search index, the tables against the log. */
export function checkHealth(database: Database, log: ChangeLog, folder: string): Health {
  const problems: string[] = [];
  const look = (find: () => readonly string[]) => {
    try {
      problems.push(...find());
    } catch (thrown) {
      problems.push(thrown instanceof Error ? thrown.message : String(thrown)); // a page that cannot even be read
    }
  };
  look(() => integrityProblems(database, 20));
  if (!database.readOnly) {
    for (const index of SEARCH_INDEXES) {
      try {
        database.write(() => database.execute(`INSERT INTO ${index} (${index}, rank) VALUES ('integrity-check', 1)`));
      } catch (thrown) {
        problems.push(
          `The search index ${index} does not match the labels (${thrown instanceof Error ? thrown.message : String(thrown)}).`,
        );
      }
    }
  }
  look(() => {
    const foreign = database.query<[], { table: string }>('PRAGMA foreign_key_check').all();
    return foreign.slice(0, 20).map(({ table }) => `A row of ${table} refers to one that is missing.`);
  });
  look(() => log.differences(20).map((thing) => `The log and the tables disagree about: ${thing}.`));
  return { problems, backups: listBackups(folder) };
}

/** Makes tables and search indexes again from the log. */
export function rebuild(database: Database, log: ChangeLog): void {
  database.write(() => {
    log.rebuild();
    for (const index of SEARCH_INDEXES) database.execute(`INSERT INTO ${index} (${index}) VALUES ('rebuild')`);
  });
}

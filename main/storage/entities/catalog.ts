// What lies in the project's folders, listed: models, corpora, activations, dictionaries, exports. The folders are the
// truth (each has its manifest); this table is what lists, sorts and names them quickly.
import { AppError } from '../../contract/base/errors.ts';
import type { Database } from '../database.ts';

export const CATALOG_KINDS = ['model', 'corpus', 'activations', 'dictionary', 'export'] as const;
export type CatalogKind = (typeof CATALOG_KINDS)[number];

export interface CatalogEntry {
  readonly kind: CatalogKind;
  /** For models and dictionaries the content hash, which edits name; otherwise any id that stays. */
  readonly id: string;
  readonly name: string;
  /** Relative to the project folder, with `/`. */
  readonly folder: string;
  readonly manifest: unknown;
  readonly created: string;
}

interface CatalogRow extends Omit<CatalogEntry, 'manifest'> {
  readonly manifest: string;
}

export class Catalog {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Newest last. */
  list(kind: CatalogKind): readonly CatalogEntry[] {
    return this.#database
      .query<[string], CatalogRow>(
        'SELECT kind, id, name, folder, manifest, created FROM catalog WHERE kind = ? ORDER BY created, name',
      )
      .all(kind)
      .map(entryOf);
  }

  /** By id, by the first four or more digits of a hash, or by name; null when there is none. */
  find(kind: CatalogKind, ref: string): CatalogEntry | null {
    const rows = this.#database
      .query<[string, string, string], CatalogRow>(
        'SELECT kind, id, name, folder, manifest, created FROM catalog WHERE kind = ? AND (id = ? OR name = ?) ORDER BY id',
      )
      .all(kind, ref, ref);
    if (rows[0] !== undefined) return entryOf(rows[0]);
    if (!/^[0-9a-f]{4,64}$/u.test(ref)) return null;
    const [only, other] = this.#database
      .query<[string, string, string], CatalogRow>(
        'SELECT kind, id, name, folder, manifest, created FROM catalog WHERE kind = ? AND id >= ? AND id <= ? LIMIT 2',
      )
      .all(kind, ref, `${ref}g`);
    if (other !== undefined)
      throw new AppError('usage', `Several ids of the kind ${kind} begin with ${ref}: give more digits.`);
    return only === undefined ? null : entryOf(only);
  }

  /** Adds an entry, or brings the one with its id up to date. @throws AppError('exists') when another has its name. */
  put(entry: CatalogEntry): void {
    this.#database.write(() => {
      const namesake = this.#database
        .query<[string, string, string], object>('SELECT 1 FROM catalog WHERE kind = ? AND name = ? AND id <> ?')
        .get(entry.kind, entry.name, entry.id);
      if (namesake !== undefined) throw new AppError('exists', `A ${entry.kind} is called ${entry.name} already.`);
      this.#database
        .query<string[]>(
          `INSERT INTO catalog (kind, id, name, folder, manifest, created) VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT (kind, id) DO UPDATE SET name = excluded.name, folder = excluded.folder, manifest = excluded.manifest`,
        )
        .run(entry.kind, entry.id, entry.name, entry.folder, JSON.stringify(entry.manifest), entry.created);
    });
  }

  /** Takes the entry off the list; the folder is the caller's affair. @throws AppError('not-found'). */
  remove(kind: CatalogKind, id: string): void {
    this.#database.write(() => {
      const removed = this.#database
        .query<[string, string]>('DELETE FROM catalog WHERE kind = ? AND id = ?')
        .run(kind, id);
      if (removed === 0) throw new AppError('not-found', `There is no ${kind} ${id.slice(0, 100)}.`);
    });
  }
}

function entryOf({ manifest, ...row }: CatalogRow): CatalogEntry {
  return { ...row, manifest: JSON.parse(manifest) as unknown };
}

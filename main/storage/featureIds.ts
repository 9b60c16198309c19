// Features that somebody has written about, by a number of the database's own: what labels, comments and lists refer to.
import { AppError } from '../contract/errors.ts';
import type { FeatureKey } from '../features/labels.ts';
import type { Database } from './database.ts';

/** Null: nobody has written about it. */
export function findFeatureId(database: Database, { dictionary, feature }: FeatureKey): number | null {
  const row = database
    .query<[string, number], { id: number }>('SELECT id FROM features WHERE dictionary = ? AND feature = ?')
    .get(dictionary, feature);
  return row?.id ?? null;
}

/** Within a write. */
export function featureIdOf(database: Database, key: FeatureKey): number {
  const known = findFeatureId(database, key);
  if (known !== null) return known;
  const row = database
    .query<[string, number], { id: number }>('INSERT INTO features (dictionary, feature) VALUES (?, ?) RETURNING id')
    .get(key.dictionary, key.feature);
  if (row === undefined) throw new AppError('internal', 'The feature was not stored.');
  return row.id;
}

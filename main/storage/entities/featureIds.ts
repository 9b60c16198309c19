// Features that somebody has written about, by a number of the database's own: what labels, comments and lists refer to.
import { AppError } from '../../contract/base/errors.ts';
import type { FeatureKey } from '../../contract/domain/label.ts';
import type { Database } from '../database.ts';

/** Null: nobody has written about it. */
export function findFeatureId(database: Database, { dictionary, feature }: FeatureKey): number | null {
  const row = database
    .query<[string, number], { id: number }>('SELECT id FROM features WHERE dictionary = ? AND feature = ?')
    .get(dictionary, feature);
  return row?.id ?? null;
}

/** How many features a dictionary has; null for one that the project does not list, or does not know that of. */
export function dictionarySize(database: Database, dictionary: string): number | null {
  const row = database
    .query<[string], { size: unknown }>(
      "SELECT json_extract(manifest, '$.size') AS size FROM catalog WHERE kind = 'dictionary' AND id = ?",
    )
    .get(dictionary);
  return typeof row?.size === 'number' ? row.size : null;
}

/** @throws AppError('usage') for a feature that its dictionary is known not to have. */
export function checkFeature(database: Database, { dictionary, feature }: FeatureKey): void {
  const size = dictionarySize(database, dictionary);
  if (size === null || feature < size) return;
  throw new AppError('usage', `The dictionary has the features 0 to ${size - 1}, but not ${feature}.`, {
    details: { feature, size },
  });
}

/** Within a write. @throws AppError('usage') for a feature that its dictionary is known not to have. */
export function featureIdOf(database: Database, key: FeatureKey): number {
  const known = findFeatureId(database, key);
  if (known !== null) return known;
  checkFeature(database, key);
  const row = database
    .query<[string, number], { id: number }>('INSERT INTO features (dictionary, feature) VALUES (?, ?) RETURNING id')
    .get(key.dictionary, key.feature);
  if (row === undefined) throw new AppError('internal', 'The feature was not stored.');
  return row.id;
}

// Versions as they are stored: facts, added, never changed or deleted. Their ids are hashes of what they hold.
import { AppError } from '../../contract/base/errors.ts';
import { canonicalJson } from '../../core/edits/canonical.ts';
import { shortId, type Version, type VersionContent } from '../../core/edits/version.ts';
import type { VersionGraph } from '../../core/edits/versionHistory.ts';
import type { Database } from '../database.ts';

export type VersionRecords = ReturnType<typeof versionRecords>;

export function versionRecords(database: Database) {
  return {
    /** @throws AppError('not-found'). */
    byId(id: string): Version {
      const row = database
        .query<[string], { content: string; edit: string }>('SELECT content, edit FROM versions WHERE id = ?')
        .get(id);
      if (row === undefined) throw new AppError('not-found', `There is no version ${shortId(id)}.`);
      return { ...(JSON.parse(row.content) as VersionContent), id, edit: row.edit }; // written by `insert`
    },

    /** The id that begins with these hexadecimal digits; null when none does. @throws AppError('usage') when several do. */
    idBeginning(digits: string): string | null {
      const rows = database
        .query<[string, string], { id: string }>('SELECT id FROM versions WHERE id >= ? AND id <= ? LIMIT 3')
        .all(digits, `${digits}g`);
      if (rows.length > 1) throw new AppError('usage', `Several versions begin with ${digits}: give more digits.`);
      return rows[0]?.id ?? null;
    },

    graph(): VersionGraph {
      const graph = new Map<string, { parents: string[]; time: string }>();
      for (const { id, time } of database
        .query<[], { id: string; time: string }>('SELECT id, time FROM versions')
        .all()) {
        graph.set(id, { parents: [], time });
      }
      const rows = database
        .query<[], { version: string; parent: string }>(
          'SELECT version, parent FROM version_parents ORDER BY version, position',
        )
        .all();
      for (const { version, parent } of rows) graph.get(version)?.parents.push(parent);
      return graph;
    },

    /** Stores a version that was verified, within a step, after its parents. @returns false when it is there already. */
    insert(version: Version): boolean {
      if (database.query<[string], object>('SELECT 1 FROM versions WHERE id = ?').get(version.id) !== undefined)
        return false;
      const { id, edit, ...content } = version;
      database
        .query<string[]>(
          'INSERT INTO versions (id, content, edit, model, author, time, message) VALUES (?, ?, ?, ?, ?, ?, ?)',
        )
        .run(id, canonicalJson(content), edit, version.model, version.author, version.time, version.message);
      for (const [position, parent] of version.parents.entries()) {
        database
          .query<[string, number, string]>('INSERT INTO version_parents (version, position, parent) VALUES (?, ?, ?)')
          .run(id, position, parent);
      }
      return true;
    },
  };
}

// The working edit of a project: what is checked out and what has been changed in it since.
import { canonicalJson } from '../../core/edits/canonical.ts';
import type { Operation } from '../../core/edits/edit.ts';
import type { Version } from '../../core/edits/version.ts';
import type { BisectMarks } from '../../core/edits/versionHistory.ts';
import type { Entity } from '../changes.ts';
import type { Database } from '../database.ts';

/** What is checked out, with what has been changed in it since. */
export interface WorkingEdit {
  /** Null: no branch; commits then move only the working edit. */
  readonly branch: string | null;
  /** The version it started from; null before the first commit. */
  readonly head: string | null;
  readonly model: string;
  readonly operations: readonly Operation[];
  /** Ids of the behaviours that the next version must satisfy. */
  readonly behaviours: readonly string[];
  readonly bisect: BisectMarks | null;
}

/** One key: there is one working edit in a project. */
export const WORKING = 'edit';

export function workingEntity(database: Database): Entity {
  return {
    kind: 'working',
    read(key) {
      const row =
        key === WORKING ? database.query<[], { state: string }>('SELECT state FROM working_edit').get() : undefined;
      return row === undefined ? null : (JSON.parse(row.state) as WorkingEdit); // written below
    },
    write(_key, state, revision) {
      database.execute('DELETE FROM working_edit');
      if (state === null) return;
      database
        .query<[string, number]>('INSERT INTO working_edit (id, state, revision) VALUES (1, ?, ?)')
        .run(canonicalJson(state), revision);
    },
    keys: () => (database.query<[], object>('SELECT 1 FROM working_edit').get() === undefined ? [] : [WORKING]),
  };
}

export function workingAt(branch: string | null, version: Version, bisect: BisectMarks | null): WorkingEdit {
  return {
    branch,
    head: version.id,
    model: version.model,
    operations: version.operations,
    behaviours: version.behaviours,
    bisect,
  };
}

// Schema 2: the reports of evaluations.
import type { Migration } from './migration.ts';

const TABLE = `
-- Facts, named by their content, never changed, never deleted. version: null for an edit that was not committed.
CREATE TABLE evaluations (
  id TEXT PRIMARY KEY CHECK (length(id) = 64),
  version TEXT REFERENCES versions (id),
  edit TEXT NOT NULL CHECK (length(edit) = 64),
  model TEXT NOT NULL,
  passes INTEGER CHECK (passes IN (0, 1)), -- null: without a budget
  author TEXT NOT NULL,
  time TEXT NOT NULL,
  content TEXT NOT NULL CHECK (json_valid(content))
) STRICT;
CREATE INDEX evaluations_by_version ON evaluations (version, time);
CREATE INDEX evaluations_by_edit ON evaluations (edit, time);
`;

const APPEND_ONLY = ['UPDATE', 'DELETE']
  .map(
    (verb) =>
      `CREATE TRIGGER evaluations_stay_${verb.toLowerCase()}d BEFORE ${verb} ON evaluations BEGIN SELECT RAISE(ABORT, 'evaluations is append-only'); END;`,
  )
  .join('\n');

export const evaluations: Migration = { version: 2, sql: `${TABLE}\n${APPEND_ONLY}` };

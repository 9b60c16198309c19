// Schema 1: labels and their log, versions of edits, behaviours and results, and the listings of what lies in folders.
// A migration that has been released is never edited; a later one repairs it.
import type { Migration } from './migration.ts';

/** Moments are text, UTC with milliseconds. Hashes are sha-256 in hex. JSON is text that SQLite has checked. */
const TABLES = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- Processes that have the project open, so that a locked project can say who holds it. Rows of dead ones are swept.
CREATE TABLE holders (
  id INTEGER PRIMARY KEY,
  pid INTEGER NOT NULL,
  machine TEXT NOT NULL,
  host TEXT NOT NULL,
  since TEXT NOT NULL
) STRICT;

-- The log of everything that people change. Append-only but for steps.status, which undo and redo move.
CREATE TABLE steps (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('do', 'undo', 'redo')),
  target INTEGER REFERENCES steps (id) CHECK ((target IS NULL) = (kind = 'do')),
  status TEXT NOT NULL CHECK (status IN ('done', 'undone', 'dropped')),
  title TEXT NOT NULL,
  author TEXT NOT NULL,
  time TEXT NOT NULL,
  reason TEXT NOT NULL
) STRICT;
CREATE INDEX steps_by_author ON steps (author, status, id) WHERE kind = 'do';

CREATE TABLE changes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  step_id INTEGER NOT NULL REFERENCES steps (id),
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  before TEXT CHECK (before IS NULL OR json_valid(before)),
  after TEXT CHECK (after IS NULL OR json_valid(after))
) STRICT;
CREATE INDEX changes_by_key ON changes (kind, key, id);
CREATE INDEX changes_by_step ON changes (step_id, id);
CREATE TRIGGER changes_stay_updated BEFORE UPDATE ON changes BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER changes_stay_deleted BEFORE DELETE ON changes BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

-- Features that somebody has written about. Only a name for (dictionary, feature): never undone, never deleted.
CREATE TABLE features (
  id INTEGER PRIMARY KEY,
  dictionary TEXT NOT NULL CHECK (length(dictionary) = 64),
  feature INTEGER NOT NULL CHECK (feature >= 0),
  UNIQUE (dictionary, feature)
) STRICT;

-- revision: the id of the change that wrote the row; it never repeats, so it tells whether a row is still the one read.
CREATE TABLE labels (
  feature_id INTEGER PRIMARY KEY REFERENCES features (id),
  state TEXT NOT NULL CHECK (state IN ('unlabelled', 'draft', 'labelled', 'uninterpretable')),
  text TEXT NOT NULL,
  notes TEXT NOT NULL,
  tags TEXT NOT NULL, -- joined by line feeds; a tag has none
  confidence INTEGER CHECK (confidence BETWEEN 1 AND 5),
  author TEXT NOT NULL,
  time TEXT NOT NULL,
  revision INTEGER NOT NULL
) STRICT;
CREATE INDEX labels_by_state ON labels (state, feature_id);

CREATE TABLE comments (
  id TEXT PRIMARY KEY,
  feature_id INTEGER NOT NULL REFERENCES features (id),
  body TEXT NOT NULL,
  author TEXT NOT NULL,
  time TEXT NOT NULL,
  revision INTEGER NOT NULL
) STRICT;
CREATE INDEX comments_by_feature ON comments (feature_id, time);

-- Members do not refer to lists by a foreign key: undoing the making of a list must not be stopped by a member that
-- somebody else has added since. A member without its list is not shown, and is back when the list is.
CREATE TABLE feature_lists (
  name TEXT PRIMARY KEY,
  description TEXT NOT NULL,
  revision INTEGER NOT NULL
) STRICT;
CREATE TABLE feature_list_members (
  list TEXT NOT NULL,
  feature_id INTEGER NOT NULL REFERENCES features (id),
  position INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  PRIMARY KEY (list, feature_id)
) STRICT;

-- Full-text search. The two indexes hold no text of their own: it is read from the view. Their triggers take a feature's
-- old entry out before its label or comments change and put the new one in after. So these tables must never be written
-- by INSERT OR REPLACE or ON CONFLICT DO UPDATE, which run the triggers twice: update, and insert where nothing was there.
CREATE VIEW label_documents AS
SELECT
  f.id AS id,
  coalesce(l.text, '') AS text,
  coalesce(l.notes, '') AS notes,
  coalesce(replace(l.tags, char(10), ', '), '') AS tags,
  coalesce((SELECT group_concat(body, char(10)) FROM (SELECT body FROM comments WHERE feature_id = f.id ORDER BY time, id)), '') AS comments
FROM features f LEFT JOIN labels l ON l.feature_id = f.id
WHERE l.feature_id IS NOT NULL OR EXISTS (SELECT 1 FROM comments WHERE feature_id = f.id);

CREATE VIRTUAL TABLE label_words USING fts5 (
  text, notes, tags, comments,
  content = 'label_documents', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);
CREATE VIRTUAL TABLE label_substrings USING fts5 (
  text, notes, tags, comments,
  content = 'label_documents', content_rowid = 'id', tokenize = 'trigram remove_diacritics 1'
);
INSERT INTO label_words (label_words, rank) VALUES ('rank', 'bm25(10.0, 2.0, 5.0, 1.0)');
INSERT INTO label_substrings (label_substrings, rank) VALUES ('rank', 'bm25(10.0, 2.0, 5.0, 1.0)');

-- Versions and what they point at are facts: named by their content, never changed, never deleted.
CREATE TABLE versions (
  id TEXT PRIMARY KEY CHECK (length(id) = 64),
  content TEXT NOT NULL CHECK (json_valid(content)),
  edit TEXT NOT NULL,
  model TEXT NOT NULL,
  author TEXT NOT NULL,
  time TEXT NOT NULL,
  message TEXT NOT NULL
) STRICT;
CREATE TABLE version_parents (
  version TEXT NOT NULL REFERENCES versions (id),
  position INTEGER NOT NULL,
  parent TEXT NOT NULL REFERENCES versions (id),
  PRIMARY KEY (version, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX version_parents_by_parent ON version_parents (parent);

CREATE TABLE branches (name TEXT PRIMARY KEY, version TEXT NOT NULL REFERENCES versions (id), revision INTEGER NOT NULL) STRICT;
CREATE TABLE tags (
  name TEXT PRIMARY KEY,
  version TEXT NOT NULL REFERENCES versions (id),
  message TEXT NOT NULL,
  author TEXT NOT NULL,
  time TEXT NOT NULL,
  revision INTEGER NOT NULL
) STRICT;
-- What is checked out, with the operations that are not committed yet.
CREATE TABLE working_edit (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  state TEXT NOT NULL CHECK (json_valid(state)),
  revision INTEGER NOT NULL
) STRICT;

CREATE TABLE behaviour_contents (
  id TEXT PRIMARY KEY CHECK (length(id) = 64),
  content TEXT NOT NULL CHECK (json_valid(content))
) STRICT;
CREATE TABLE behaviours (
  name TEXT PRIMARY KEY,
  content_id TEXT NOT NULL REFERENCES behaviour_contents (id),
  author TEXT NOT NULL,
  time TEXT NOT NULL,
  revision INTEGER NOT NULL
) STRICT;
CREATE TABLE results (
  id TEXT PRIMARY KEY CHECK (length(id) = 64),
  version TEXT REFERENCES versions (id), -- null: the model without any edit
  model TEXT NOT NULL,
  behaviour TEXT NOT NULL REFERENCES behaviour_contents (id),
  time TEXT NOT NULL,
  content TEXT NOT NULL CHECK (json_valid(content))
) STRICT;
CREATE INDEX results_by_behaviour ON results (behaviour, version, time);

-- What lies in the project's folders. id: the content hash where there is one.
CREATE TABLE catalog (
  kind TEXT NOT NULL CHECK (kind IN ('model', 'corpus', 'activations', 'dictionary', 'export')),
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  folder TEXT NOT NULL,
  manifest TEXT NOT NULL CHECK (json_valid(manifest)),
  created TEXT NOT NULL,
  PRIMARY KEY (kind, id),
  UNIQUE (kind, name)
) STRICT;

CREATE TABLE jobs (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  description TEXT NOT NULL CHECK (json_valid(description)),
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'paused', 'succeeded', 'failed', 'cancelled', 'interrupted')),
  progress TEXT CHECK (progress IS NULL OR json_valid(progress)),
  error TEXT CHECK (error IS NULL OR json_valid(error)),
  created TEXT NOT NULL,
  updated TEXT NOT NULL
) STRICT;
CREATE INDEX jobs_by_state ON jobs (state, created);
`;

const APPEND_ONLY = ['versions', 'version_parents', 'behaviour_contents', 'results']
  .flatMap((table) =>
    ['UPDATE', 'DELETE'].map(
      (verb) =>
        `CREATE TRIGGER ${table}_stay_${verb.toLowerCase()}d BEFORE ${verb} ON ${table} BEGIN SELECT RAISE(ABORT, '${table} is append-only'); END;`,
    ),
  )
  .join('\n');

/** The feature's entries in both indexes, out before a change and in after it. */
const SEARCH_TRIGGERS = ['labels', 'comments']
  .flatMap((table) =>
    ['INSERT', 'UPDATE', 'DELETE'].map((verb) => {
      const row = verb === 'INSERT' ? 'new' : 'old';
      const out = ['label_words', 'label_substrings'].map(
        (index) =>
          `INSERT INTO ${index} (${index}, rowid, text, notes, tags, comments) SELECT 'delete', id, text, notes, tags, comments FROM label_documents WHERE id = ${row}.feature_id;`,
      );
      const back = ['label_words', 'label_substrings'].map(
        (index) =>
          `INSERT INTO ${index} (rowid, text, notes, tags, comments) SELECT id, text, notes, tags, comments FROM label_documents WHERE id = ${row}.feature_id;`,
      );
      return [
        `CREATE TRIGGER ${table}_out_before_${verb.toLowerCase()} BEFORE ${verb} ON ${table} BEGIN ${out.join(' ')} END;`,
        `CREATE TRIGGER ${table}_in_after_${verb.toLowerCase()} AFTER ${verb} ON ${table} BEGIN ${back.join(' ')} END;`,
      ].join('\n');
    }),
  )
  .join('\n');

export const first: Migration = { version: 1, sql: `${TABLES}\n${APPEND_ONLY}\n${SEARCH_TRIGGERS}` };

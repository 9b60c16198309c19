// Schema 3: what features are listed, sorted, filtered and searched by. All of it can be made again from the folders of
// statistics and from the labels; nothing here was written by a person.
import type { Migration } from './migration.ts';

const TABLES = `
-- Statistics of a dictionary's features, by the folder they lie in. A set is filled in pieces and becomes current at the
-- end; one that is not current was left behind by a process that died.
CREATE TABLE feature_sets (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  dictionary TEXT NOT NULL CHECK (length(dictionary) = 64),
  folder TEXT NOT NULL,
  manifest TEXT NOT NULL CHECK (json_valid(manifest)),
  time TEXT NOT NULL,
  is_current INTEGER NOT NULL CHECK (is_current IN (0, 1))
) STRICT;
CREATE INDEX feature_sets_by_dictionary ON feature_sets (dictionary);
CREATE UNIQUE INDEX feature_sets_current ON feature_sets (dictionary) WHERE is_current = 1;

-- One row per feature. Null: undefined (the mean of a feature that never fires; effects where the site has none). The last
-- four columns repeat the feature's label, kept in step by triggers, so that a list is one table.
CREATE TABLE feature_statistics (
  id INTEGER PRIMARY KEY,
  set_id INTEGER NOT NULL REFERENCES feature_sets (id),
  feature INTEGER NOT NULL CHECK (feature >= 0),
  firings INTEGER NOT NULL,
  rate REAL NOT NULL,
  mean REAL,
  max REAL NOT NULL,
  last_rate REAL,
  entropy REAL,
  top_effect REAL,
  nearest REAL,
  impact REAL NOT NULL,
  state TEXT NOT NULL DEFAULT 'unlabelled',
  label TEXT NOT NULL DEFAULT '',
  tags TEXT NOT NULL DEFAULT '',
  confidence INTEGER,
  UNIQUE (set_id, feature)
) STRICT;
`;

/** Every order in which a list can be asked for is an index, so that any page of it is read without sorting. */
const INDEXES = ['rate', 'mean', 'max', 'last_rate', 'entropy', 'top_effect', 'nearest', 'impact', 'confidence']
  .map((column) => `CREATE INDEX feature_statistics_by_${column} ON feature_statistics (set_id, ${column}, feature);`)
  .join('\n');

const MORE = `
CREATE INDEX feature_statistics_by_state ON feature_statistics (set_id, state, impact, feature);
CREATE INDEX feature_statistics_by_label ON feature_statistics (set_id, (label = ''), label, feature);
CREATE INDEX feature_statistics_by_label_falling ON feature_statistics (set_id, (label = ''), label DESC, feature);

-- The words around a feature's strongest places, and of the strongest what stands before, at and after its peak.
CREATE TABLE feature_texts (
  id INTEGER PRIMARY KEY REFERENCES feature_statistics (id),
  text TEXT NOT NULL,
  before TEXT NOT NULL,
  peak TEXT NOT NULL,
  after TEXT NOT NULL,
  top_token TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE feature_words USING fts5 (
  text, content = 'feature_texts', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3'
);
`;

const ROWS_OF = (feature: string) => `
  SELECT s.id FROM features f
  JOIN feature_sets t ON t.dictionary = f.dictionary
  JOIN feature_statistics s ON s.set_id = t.id AND s.feature = f.feature
  WHERE f.id = ${feature}`;

const LABEL_TRIGGERS = [
  ...['INSERT', 'UPDATE'].map(
    (verb) => `CREATE TRIGGER statistics_follow_label_${verb.toLowerCase()} AFTER ${verb} ON labels BEGIN
  UPDATE feature_statistics SET state = new.state, label = new.text, tags = new.tags, confidence = new.confidence
  WHERE id IN (${ROWS_OF('new.feature_id')}); END;`,
  ),
  `CREATE TRIGGER statistics_follow_label_delete AFTER DELETE ON labels BEGIN
  UPDATE feature_statistics SET state = 'unlabelled', label = '', tags = '', confidence = NULL
  WHERE id IN (${ROWS_OF('old.feature_id')}); END;`,
].join('\n');

export const featureStatistics: Migration = {
  version: 3,
  sql: `${TABLES}\n${INDEXES}\n${MORE}\n${LABEL_TRIGGERS}`,
};

// Schema 4: answers of the blind tests of labels.
import type { Migration } from './migration.ts';

const TABLE = `
-- What somebody answered when asked which of a few texts does not make a feature fire. Facts, never changed. The texts are
-- those that the seed gives; label: the text that was shown, which may have been changed since.
CREATE TABLE intruder_tests (
  dictionary TEXT NOT NULL CHECK (length(dictionary) = 64),
  feature INTEGER NOT NULL CHECK (feature >= 0),
  seed INTEGER NOT NULL,
  author TEXT NOT NULL,
  label TEXT NOT NULL,
  texts INTEGER NOT NULL CHECK (texts > 1),
  chosen INTEGER NOT NULL,
  intruder INTEGER NOT NULL,
  time TEXT NOT NULL,
  PRIMARY KEY (dictionary, feature, seed, author)
) STRICT;
`;

export const intruderTests: Migration = { version: 4, sql: TABLE };

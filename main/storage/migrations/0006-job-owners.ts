// Schema 6: a job says which of the processes that have the project open runs it, and such a process can be told from a later
// one with its process id, after a restart of the machine, and in another container.
import type { Migration } from './migration.ts';

export const jobOwners: Migration = {
  version: 6,
  sql: `
DROP TABLE holders;
CREATE TABLE holders (
  id TEXT PRIMARY KEY, -- never repeats
  pid INTEGER NOT NULL,
  machine TEXT NOT NULL,
  -- Where the system tells them, else empty: when the process began, the start of the machine, the namespace of process ids.
  started TEXT NOT NULL,
  boot TEXT NOT NULL,
  namespace TEXT NOT NULL,
  host TEXT NOT NULL,
  since TEXT NOT NULL,
  seen TEXT NOT NULL -- for those who cannot look for the process itself
) STRICT, WITHOUT ROWID;

ALTER TABLE jobs ADD COLUMN owner TEXT; -- the holder that runs the job or has paused it
`,
};

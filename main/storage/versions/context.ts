// What every command about versions works with. Each command is one step of the log, in one transaction.
import { signed, type Authorship } from '../authorship.ts';
import type { Change, ChangeLog } from '../changes.ts';
import type { Database } from '../database.ts';
import type { LabelStore } from '../entities/labels.ts';
import { versionRecords, type VersionRecords } from './records.ts';

export interface VersionContext {
  readonly database: Database;
  readonly records: VersionRecords;
  readonly labels: LabelStore;
  readonly now: () => string;
  /** Runs `work` as one undoable step of the author, whose name is checked first. */
  readonly step: <T>(title: string, write: Authorship, work: (change: Change, author: string) => T) => T;
}

export function versionContext(
  database: Database,
  log: ChangeLog,
  labels: LabelStore,
  now: () => string,
): VersionContext {
  return {
    database,
    records: versionRecords(database),
    labels,
    now,
    step(title, write, work) {
      const by = signed(write);
      return log.step({ title, ...by }, (change) => work(change, by.author));
    },
  };
}

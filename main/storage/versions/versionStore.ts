// Versions of edits, and the working edit that becomes the next one, as a project offers them: one file for each subject.
// Versions are facts: added, never changed or deleted. What moves (branches, tags, the working edit) moves in undoable steps.
import type { Version } from '../../core/edits/version.ts';
import type { ChangeLog } from '../changes.ts';
import type { Database } from '../database.ts';
import type { LabelStore } from '../entities/labels.ts';
import { bisections } from './bisection.ts';
import { commits } from './commits.ts';
import { versionContext } from './context.ts';
import { merges } from './merges.ts';
import { refs } from './refs.ts';
import { workingEdits } from './workingEdit.ts';

export type VersionStore = ReturnType<typeof versionStore>;

export function versionStore(database: Database, log: ChangeLog, labels: LabelStore, now: () => string) {
  const context = versionContext(database, log, labels, now);
  const { records } = context;
  return {
    graph: () => records.graph(),
    insert: (version: Version) => records.insert(version),
    ...workingEdits(context),
    ...refs(context),
    ...commits(context),
    ...merges(context),
    ...bisections(context),
  };
}

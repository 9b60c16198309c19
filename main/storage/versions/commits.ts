// Versions made from the working edit, and read back. Versions are facts: what a commit moves is a branch.
import { AppError } from '../../contract/base/errors.ts';
import type { VersionDifference } from '../../contract/domain/versionDifference.ts';
import { makeVersion, shortId, VERSION_FORMAT, type Version, type VersionContent } from '../../core/edits/version.ts';
import { logOrder } from '../../core/edits/versionHistory.ts';
import { diffVersions } from '../../core/edits/versionMerge.ts';
import type { Authorship } from '../authorship.ts';
import type { Change } from '../changes.ts';
import type { VersionContext } from './context.ts';
import { refText, versionNamed } from './names.ts';
import { resolveRef } from './refs.ts';
import {
  isUnchanged,
  labelsOf,
  readWorking,
  refuseUncommitted,
  requireWorking,
  workOn,
  type WorkingEdit,
} from './workingEdit.ts';

/** @throws AppError('not-found'). */
export function versionAt(context: VersionContext, ref: string): Version {
  return context.records.byId(resolveRef(context, ref));
}

interface NewVersion {
  readonly working: WorkingEdit;
  readonly parents: readonly string[];
  readonly content: Pick<VersionContent, 'operations' | 'behaviours'>;
  readonly message: string;
  readonly author: string;
}

/** Within a step: makes a version of the working edit's model, moves its branch there and checks it out. */
export function addVersion(
  context: VersionContext,
  change: Change,
  { working, parents, content: { operations, behaviours }, message, author }: NewVersion,
): Version {
  const version = makeVersion({
    format: VERSION_FORMAT,
    parents,
    model: working.model,
    operations,
    behaviours,
    labels: labelsOf(context, operations),
    message,
    author,
    time: context.now(),
  });
  context.records.insert(version);
  advance(context, change, working, version);
  return version;
}

/**
 * Within a step: moves the working edit and its branch to `version`.
 * @throws AppError('conflict') when somebody else has moved or deleted the branch.
 */
export function advance({ database }: VersionContext, change: Change, working: WorkingEdit, version: Version): void {
  const { branch, head } = working;
  if (branch !== null) {
    const at = versionNamed(database, 'branch', branch);
    if (at !== head) {
      throw new AppError(
        'conflict',
        at === null
          ? `The branch ${branch} has been deleted. Nothing was changed.`
          : `The branch ${branch} has moved to version ${shortId(at)} since it was checked out. Nothing was changed.`,
        { details: { branch, expected: head, actual: at } },
      );
    }
    change('branch', branch, { version: version.id });
  }
  workOn(change, version, working);
}

export function commits(context: VersionContext) {
  const { database, records, step } = context;
  return {
    /**
     * Makes the working edit a version and moves its branch there.
     * @throws AppError `empty` when nothing was changed; `conflict` when the branch has been moved by somebody else.
     */
    commit(message: string, write: Authorship): Version {
      return step('Commit', write, (change, author) => {
        const working = requireWorking(context);
        const { head } = working;
        if (head !== null && isUnchanged(context, working))
          throw new AppError('empty', `Nothing was changed since version ${shortId(head)}.`);
        if (head === null && working.operations.length === 0)
          throw new AppError('empty', 'The edit has no operations.');
        const parents = head === null ? [] : [head];
        return addVersion(context, change, { working, parents, content: working, message, author });
      });
    },

    get: (ref: string): Version => versionAt(context, ref),

    /** Newest first, a version before its parents. Without `from`: everything there is, reachable by a name or not. */
    log(from?: readonly string[]): readonly Version[] {
      const graph = records.graph();
      const heads = from === undefined ? [...graph.keys()] : from.map((ref) => resolveRef(context, ref));
      return logOrder(graph, heads).map((id) => records.byId(id));
    },

    diff: (before: string, after: string): VersionDifference =>
      diffVersions(versionAt(context, before), versionAt(context, after)),

    /**
     * Makes `ref` the working edit: a branch is followed by later commits, any other version is not.
     * @throws AppError('conflict') when the working edit holds uncommitted changes, unless they are to be discarded (undo brings them back).
     */
    checkout(ref: string, write: Authorship & { readonly discard?: boolean | undefined }): WorkingEdit {
      return step(`Check out ${refText(ref)}`, write, (change) => {
        refuseUncommitted(context, write.discard);
        const version = versionAt(context, ref);
        const branch = versionNamed(database, 'branch', ref) === null ? null : ref;
        return workOn(change, version, { branch, bisect: readWorking(database)?.bisect ?? null });
      });
    },
  };
}

// What merging, reverting, picking and rolling back would make of the version at hand. Pure: a plan is made the same way for
// a preview and for the version that is then committed, so what was shown is what is done.
import { AppError } from '../../contract/base/errors.ts';
import { shortId, type Version } from './version.ts';
import { ancestors, mergeBases, type VersionGraph } from './versionHistory.ts';
import { mergeBehaviours, mergeOperations, type MergeResult } from './versionMerge.ts';

export interface History {
  readonly graph: VersionGraph;
  /** @throws AppError('not-found'). */
  readonly get: (id: string) => Version;
}

type Content = Pick<Version, 'operations' | 'behaviours'>;

/** What the next version would be, once every conflict is decided. */
export interface Plan extends MergeResult {
  readonly behaviours: readonly string[];
  /** Common ancestors, where there is something to merge: one as a rule. */
  readonly bases: readonly string[];
  /** A merge of what only lies ahead: the branch moves there, no version is made. */
  readonly isFastForward: boolean;
  /** The side that is not the version at hand. */
  readonly theirs: Content;
}

/** @throws AppError('empty') when `theirs` is part of `head` already. */
export function planMerge({ graph, get }: History, head: Version, theirs: Version): Plan {
  if (ancestors(graph, head.id).has(theirs.id)) {
    throw new AppError('empty', `Version ${shortId(theirs.id)} is already part of ${shortId(head.id)}.`);
  }
  const bases = mergeBases(graph, head.id, theirs.id);
  if (ancestors(graph, theirs.id).has(head.id)) {
    const { operations, behaviours } = theirs;
    return { operations, behaviours, conflicts: [], bases, isFastForward: true, theirs };
  }
  return { ...planOf(bases.map(get), head, theirs), bases };
}

/**
 * Reverting and picking are the same three-way merge, with the ends exchanged.
 * @param mainline of a version with two parents: against which one (1 or 2) its change is read.
 * @throws AppError('usage') when the version has no such parent, or has two and none is chosen.
 */
export function planChange(
  { get }: History,
  head: Version,
  version: Version,
  { isTakenBack, mainline }: { readonly isTakenBack: boolean; readonly mainline?: number | undefined },
): Plan {
  if (version.parents.length > 1 && mainline === undefined) {
    throw new AppError(
      'usage',
      `Version ${shortId(version.id)} is a merge: say against which parent, 1 or 2, to read its change.`,
    );
  }
  const parent = version.parents[(mainline ?? 1) - 1];
  if (parent === undefined && (mainline !== undefined || version.parents.length > 0)) {
    throw new AppError('usage', `Version ${shortId(version.id)} has no parent ${mainline ?? 1}.`);
  }
  const before = parent === undefined ? { operations: [], behaviours: [] } : get(parent);
  return isTakenBack ? planOf([version], head, before) : planOf([before], head, version);
}

/** As `version` was. */
export function planRollBack({ operations, behaviours }: Content): Plan {
  return {
    ...{ operations, behaviours },
    conflicts: [],
    bases: [],
    isFastForward: false,
    theirs: { operations, behaviours },
  };
}

function planOf(bases: readonly Content[], ours: Content, theirs: Content): Plan {
  return {
    ...mergeOperations(
      bases.map(({ operations }) => operations),
      ours.operations,
      theirs.operations,
    ),
    behaviours: mergeBehaviours(
      bases.map(({ behaviours }) => behaviours),
      ours.behaviours,
      theirs.behaviours,
    ),
    bases: [],
    isFastForward: false,
    theirs,
  };
}

// Differences between edits, and three-way merges of them: what revert, cherry-pick and merge are made of. The unit is a
// feature at a site (targetKey): it holds one operation or none, so two sides conflict exactly when both changed it from
// the base and to different operations. A merge is symmetric: swapping the sides swaps the sides of its conflicts only.
import { AppError } from '../../contract/base/errors.ts';
import { canonicalOperations, targetKey } from '../../contract/domain/edit.ts';
import type { OperationChange, VersionDifference } from '../../contract/domain/versionDifference.ts';
import { sameOperation } from './edit.ts';
import type { Operation } from '../../contract/domain/operations/index.ts';
import { labelKey, type VersionContent } from './version.ts';

/** Changed targets only, in canonical order. */
export function diffOperations(before: readonly Operation[], after: readonly Operation[]): readonly OperationChange[] {
  const old = byTarget(before);
  const now = byTarget(after);
  return targets(before, after).flatMap((key): OperationChange[] => {
    const from = old.get(key);
    const to = now.get(key);
    return sameOperation(from, to) ? [] : [{ key, before: from ?? null, after: to ?? null }];
  });
}

type Comparable = Pick<VersionContent, 'operations' | 'behaviours' | 'labels'>;

export function diffVersions(before: Comparable, after: Comparable): VersionDifference {
  const labelsBefore = new Map(before.labels.map((label) => [labelKey(label), label.text]));
  const labelsAfter = new Map(after.labels.map((label) => [labelKey(label), label.text]));
  return {
    operations: diffOperations(before.operations, after.operations).map((change) => {
      const operation = change.after ?? change.before;
      const label = operation === null ? '' : labelKey(operation);
      return { ...change, labelBefore: labelsBefore.get(label) ?? null, labelAfter: labelsAfter.get(label) ?? null };
    }),
    behavioursAdded: after.behaviours.filter((id) => !before.behaviours.includes(id)),
    behavioursRemoved: before.behaviours.filter((id) => !after.behaviours.includes(id)),
  };
}

export interface MergeConflict {
  readonly key: string;
  /** Null: no operation there. Undefined: the common ancestors disagree, so there is no base to judge by. */
  readonly base: Operation | null | undefined;
  readonly ours: Operation | null;
  readonly theirs: Operation | null;
}

export interface MergeResult {
  /** Everything outside the conflicts, canonical. */
  readonly operations: readonly Operation[];
  readonly conflicts: readonly MergeConflict[];
}

/**
 * @param bases the operations of the common ancestors: one as a rule, several after criss-cross merges, none for
 * unrelated histories (then the base is empty).
 */
export function mergeOperations(
  bases: readonly (readonly Operation[])[],
  ours: readonly Operation[],
  theirs: readonly Operation[],
): MergeResult {
  const baseMaps = (bases.length === 0 ? [[]] : bases).map(byTarget);
  const ourMap = byTarget(ours);
  const theirMap = byTarget(theirs);
  const operations: Operation[] = [];
  const conflicts: MergeConflict[] = [];
  for (const key of targets(...bases, ours, theirs)) {
    const [first, ...rest] = baseMaps.map((map) => map.get(key));
    const baseKnown = rest.every((other) => sameOperation(other, first));
    const our = ourMap.get(key);
    const their = theirMap.get(key);
    let merged: Operation | undefined;
    if (sameOperation(our, their)) merged = our;
    else if (baseKnown && sameOperation(our, first)) merged = their;
    else if (baseKnown && sameOperation(their, first)) merged = our;
    else {
      conflicts.push({ key, base: baseKnown ? (first ?? null) : undefined, ours: our ?? null, theirs: their ?? null });
    }
    if (merged !== undefined) operations.push(merged);
  }
  return { operations: canonicalOperations(operations), conflicts };
}

/** `ours`, `theirs`: that side's operation, or none where it has none. `none`: no operation at the feature. */
export type Resolution = 'ours' | 'theirs' | 'none';

/**
 * The merged operations once every conflict is decided.
 * @throws AppError('conflict') naming the features still undecided.
 */
export function resolveConflicts(
  result: MergeResult,
  decide: (conflict: MergeConflict) => Resolution | undefined,
): readonly Operation[] {
  const chosen: Operation[] = [];
  const open: string[] = [];
  for (const conflict of result.conflicts) {
    const resolution = decide(conflict);
    const side = resolution === 'ours' ? conflict.ours : resolution === 'theirs' ? conflict.theirs : null;
    if (resolution === undefined) open.push(conflict.key);
    else if (side !== null) chosen.push(side);
  }
  if (open.length > 0) {
    const features = result.conflicts.filter(({ key }) => open.includes(key)).map(featureOfConflict);
    throw new AppError(
      'conflict',
      `Both sides changed ${features.length === 1 ? 'feature' : 'features'} ${features.slice(0, 10).join(', ')}${features.length > 10 ? ' …' : ''} differently: choose a side for each.`,
      { details: { features, keys: open } },
    );
  }
  return canonicalOperations([...result.operations, ...chosen]);
}

export function featureOfConflict(conflict: MergeConflict): number {
  const operation = conflict.ours ?? conflict.theirs;
  if (operation === null) throw new AppError('internal', 'A conflict has an operation on at least one side.');
  return operation.feature;
}

/** Three-way merge of sets of behaviours: nothing can conflict, an id is either added, removed or kept. */
export function mergeBehaviours(
  bases: readonly (readonly string[])[],
  ours: readonly string[],
  theirs: readonly string[],
): readonly string[] {
  const inEveryBase = (id: string) => bases.length > 0 && bases.every((base) => base.includes(id));
  return [...new Set([...ours, ...theirs])]
    .filter((id) => (ours.includes(id) && theirs.includes(id)) || !inEveryBase(id))
    .sort();
}

function byTarget(operations: readonly Operation[]): ReadonlyMap<string, Operation> {
  return new Map(operations.map((operation) => [targetKey(operation), operation]));
}

function targets(...lists: readonly (readonly Operation[])[]): readonly string[] {
  const found = new Map<string, Operation>();
  for (const operation of lists.flat()) found.set(targetKey(operation), operation);
  return canonicalOperations([...found.values()]).map(targetKey);
}

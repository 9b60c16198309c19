// What a commit would hold where operations are switched off: they are left out of it unless they are asked for.
import { targetKey } from '../../../../main/contract/domain/edit.ts';
import type { Difference, Operation } from '../../api/types.ts';

/** How many changes a commit without the muted operations makes: one that was never committed goes away with its change. */
export function changesWithout(pending: Difference, muted: readonly Operation[]): number {
  const left = new Set(muted.map(targetKey));
  const changed = new Set<string>();
  const added = new Set<string>();
  for (const { before, after } of pending.operations) {
    const one = after ?? before;
    if (!one) continue;
    changed.add(targetKey(one));
    if (before === null) added.add(targetKey(one));
  }
  for (const key of left) {
    if (added.has(key)) changed.delete(key);
    else changed.add(key);
  }
  return changed.size + pending.behavioursAdded.length + pending.behavioursRemoved.length;
}

// What the views of versions share: how a version is called, and which versions lie behind another.
import type { Operation, Version } from '../../api/types.ts';

export function shortId(id: string): string {
  return id.slice(0, 8);
}

export function titleOf({ message }: Pick<Version, 'message'>): string {
  return message.split('\n', 1)[0] ?? '';
}

/** `id` and all versions of the list that are behind it. */
export function behind(versions: readonly Pick<Version, 'id' | 'parents'>[], id: string): ReadonlySet<string> {
  const parents = new Map(versions.map((version) => [version.id, version.parents]));
  const found = new Set<string>();
  const open = [id];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next) || !parents.has(next)) continue;
    found.add(next);
    open.push(...(parents.get(next) ?? []));
  }
  return found;
}

type Labelled = Pick<Version, 'labels'>;
export type LabelOf = (operation: Pick<Operation, 'dictionary'>, feature: number) => string | null;

/** Labels as they read in these versions, the first that has one. */
export function labelsIn(...versions: readonly Labelled[]): LabelOf {
  const texts = new Map(
    versions
      .toReversed()
      .flatMap(({ labels }) => labels.map(({ dictionary, feature, text }) => [`${dictionary} ${feature}`, text])),
  );
  return ({ dictionary }, feature) => texts.get(`${dictionary} ${feature}`) ?? null;
}

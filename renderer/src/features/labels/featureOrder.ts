// Which features the list shows, and in which order.
import type { Label, LabelState } from '../../api/types.ts';

/** Those of the second line need statistics. */
export const ORDERS = ['number', 'queue', 'rate', 'rarest', 'newest', 'impact', 'max', 'entropy', 'nearest'] as const;
export type Order = (typeof ORDERS)[number];

export interface Choice {
  readonly order: Order;
  readonly state: LabelState | 'any';
  readonly tag: string;
  /** Only these, in this order: what a search or a text has found. */
  readonly among: readonly number[] | null;
  readonly hidesDead: boolean;
}

interface Known {
  readonly size: number;
  readonly firingRates: Float32Array | null;
  readonly labels: ReadonlyMap<number, Pick<Label, 'state' | 'tags' | 'time'>>;
}

/** @returns feature numbers. The queue: what has no label yet, the most often firing first. */
export function orderFeatures({ size, firingRates, labels }: Known, choice: Choice): readonly number[] {
  const rate = (feature: number) => firingRates?.[feature] ?? 0;
  const stateOf = (feature: number) => labels.get(feature)?.state ?? 'unlabelled';
  const all = choice.among ?? Array.from({ length: size }, (_, feature) => feature);
  const wantedState = choice.order === 'queue' ? 'unlabelled' : choice.state;
  const kept = all.filter(
    (feature) =>
      feature < size &&
      (wantedState === 'any' || stateOf(feature) === wantedState) &&
      (choice.tag === '' || (labels.get(feature)?.tags.includes(choice.tag) ?? false)) &&
      (!(choice.hidesDead || choice.order === 'queue') || firingRates === null || rate(feature) > 0),
  );
  if (choice.among !== null) return kept;
  switch (choice.order) {
    case 'number':
    case 'impact':
    case 'max':
    case 'entropy':
    case 'nearest':
      return kept;
    case 'rate':
    case 'queue':
      return kept.sort((a, b) => rate(b) - rate(a) || a - b);
    case 'rarest':
      return kept.sort((a, b) => rate(a) - rate(b) || a - b);
    case 'newest':
      return kept
        .filter((feature) => labels.has(feature))
        .sort((a, b) => (labels.get(b)?.time ?? '').localeCompare(labels.get(a)?.time ?? '') || a - b);
  }
}

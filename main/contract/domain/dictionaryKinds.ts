// The kinds of dictionary that can be trained, each with the words that a choice of it has. What a kind is, and those that
// can be used only: core/dictionaries/kinds.

export const TRAINED_KINDS = {
  topk: 'topk: k features fire on every token',
  batchtopk: 'batchtopk: k fire on average, more on hard tokens',
} as const;

export type TrainedKind = keyof typeof TRAINED_KINDS;

export const TRAINED_KIND_NAMES: readonly TrainedKind[] = Object.keys(TRAINED_KINDS).filter(
  (name): name is TrainedKind => Object.hasOwn(TRAINED_KINDS, name),
);

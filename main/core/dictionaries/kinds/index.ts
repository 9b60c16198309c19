// The table of dictionary kinds: one line each.
import type { TrainedKind } from '../../../contract/domain/dictionaryKinds.ts';
import { batchtopk } from './batchtopk.ts';
import { gated } from './gated.ts';
import { groupmax } from './groupmax.ts';
import { jumprelu } from './jumprelu.ts';
import type { Kind, KindTraining } from './kind.ts';
import { relu } from './relu.ts';
import { topk } from './topk.ts';

const KINDS = { relu, topk, batchtopk, jumprelu, gated, groupmax };

export type DictionaryKind = keyof typeof KINDS;
/** Each kind under its own name, or this does not compile. */
const TABLE: { readonly [Name in DictionaryKind]: Kind<Name> } = KINDS;

/** Each kind that can be trained says how. */
const TRAINING: { readonly [Name in TrainedKind]: { readonly training: KindTraining } } = KINDS;

export const DICTIONARY_KINDS: readonly DictionaryKind[] = Object.values(TABLE).map(({ name }) => name);

export function kindOf({ architecture }: { readonly architecture: DictionaryKind }): Kind {
  return TABLE[architecture];
}

export function trainingOf({ architecture }: { readonly architecture: TrainedKind }): KindTraining {
  return TRAINING[architecture].training;
}

/** The kind that a folder in SAELens layout holds: of those that share its architecture the one that was trained, if it says so. */
export function kindOfSaeLens(architecture: string, trained: string | undefined): Kind<DictionaryKind> | undefined {
  const kinds = Object.values(TABLE).filter(({ saeLens }) => saeLens.architecture === architecture);
  return kinds.find(({ name }) => name === trained) ?? kinds.find(({ name }) => name === architecture) ?? kinds[0];
}

/** The architectures of cfg.json that can be read. */
export const SAELENS_ARCHITECTURES: readonly string[] = [
  ...new Set(Object.values(TABLE).map(({ saeLens }) => saeLens.architecture)),
];

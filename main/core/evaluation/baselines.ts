// Baselines of an edit, as edits: what stands beside its figures so that they mean something.
// - random features: every edited feature gives its place to one of about the same firing rate; its gates stay, or change too;
// - wrong sign: the edit's deltas with the opposite sign (a strength of −1);
// - steer: at every position of the edit's scope, its mean shift's direction is added at the mean norm it has where it acts;
// - difference of means: at every position of the edit's scope, the direction from the prompts to be kept to those of the
//   target is subtracted at the same norm; or projected out.
import { AppError } from '../../contract/base/errors.ts';
import { hashDictionary, type Dictionary } from '../dictionaries/dictionary.ts';
import type { Edit } from '../../contract/domain/edit.ts';
import type { Operation } from '../../contract/domain/operations/index.ts';
import type { Scope } from '../../contract/domain/operations/target.ts';
import { canonicalEdit, featuresOf } from '../../contract/domain/edit.ts';
import type { Dictionaries } from '../edits/editPatches.ts';
import { Random } from '../numerics/random.ts';
import { directionDictionary, type Directions } from './directions.ts';

/** How many of the features nearest in firing rate one is drawn from. */
const NEAREST = 16;

/**
 * @param firingRates of every dictionary of the edit, `[features]`
 * @returns null where a dictionary has too few features to draw from.
 */
export function randomFeatureEdit(
  edit: Edit,
  firingRates: ReadonlyMap<string, Float64Array>,
  seed: number,
  { withGates, unlike = [] }: { readonly withGates: boolean; readonly unlike?: readonly Edit[] },
): Edit | null {
  const random = Random.forPart(seed, 7, withGates ? 1 : 0);
  const taken = new Map<string, Set<number>>();
  for (const operation of [edit, ...unlike].flatMap(({ operations }) => operations)) {
    const known = taken.get(operation.dictionary) ?? new Set<number>();
    for (const feature of featuresOf(operation)) known.add(feature);
    taken.set(operation.dictionary, known);
  }
  const replacements = new Map<string, number>();
  const replace = (dictionary: string, feature: number): number | null => {
    const key = `${dictionary} ${feature}`;
    const known = replacements.get(key);
    if (known !== undefined) return known;
    const rates = firingRates.get(dictionary);
    const used = taken.get(dictionary);
    if (!rates || !used) throw new AppError('internal', 'The firing rates of a dictionary are missing.');
    const logRate = (index: number) => Math.log((rates[index] ?? 0) + 1e-6);
    const wanted = logRate(feature);
    const nearest = [...rates.keys()]
      .filter((index) => !used.has(index))
      .sort((a, b) => Math.abs(logRate(a) - wanted) - Math.abs(logRate(b) - wanted) || a - b)
      .slice(0, NEAREST);
    const chosen = nearest[nearest.length === 0 ? 0 : random.below(nearest.length)];
    if (chosen === undefined) return null;
    used.add(chosen);
    replacements.set(key, chosen);
    return chosen;
  };
  const operations: Operation[] = [];
  for (const operation of canonicalEdit(edit).operations) {
    const feature = replace(operation.dictionary, operation.feature);
    const gates = operation.gates.map((gate) =>
      withGates ? { ...gate, feature: replace(operation.dictionary, gate.feature) ?? -1 } : gate,
    );
    if (feature === null || gates.some((gate) => gate.feature < 0)) return null;
    operations.push({ ...operation, feature, gates });
  }
  return { operations };
}

export interface DirectionBaselines {
  /** To be known to the intervenable model beside those of the edit. */
  readonly dictionaries: Dictionaries;
  readonly places: readonly { readonly site: string; readonly dictionary: string }[];
  readonly steer: Edit;
  readonly differenceOfMeans: Edit;
  readonly differenceOfMeansProjection: Edit;
}

/** Feature numbers in the dictionaries of directions. */
const [SHIFT, DIFFERENCE] = [0, 1];

/** @returns null where the edit never acts on the texts that it was measured on. */
export function directionBaselines(edit: Edit, { shifts, differences }: Directions): DirectionBaselines | null {
  const acting = shifts.filter(({ meanNorm }) => meanNorm > 0);
  if (acting.length === 0) return null;
  const dictionaries = new Map<string, Dictionary>();
  const parts = acting.map(({ site, meanNorm, meanShift }) => {
    const dictionary = directionDictionary(site, [meanShift, differences.get(site) ?? meanShift]);
    const hash = hashDictionary(dictionary);
    dictionaries.set(hash, dictionary);
    const place = { site, dictionary: hash, scope: scopeAt(edit, site), gates: [] };
    return {
      place: { site, dictionary: hash },
      steer: { ...place, feature: SHIFT, kind: 'steer' as const, amount: meanNorm },
      subtract: { ...place, feature: DIFFERENCE, kind: 'steer' as const, amount: -meanNorm },
      project: { ...place, feature: DIFFERENCE, kind: 'project' as const, factor: 0 },
    };
  });
  return {
    dictionaries,
    places: parts.map(({ place }) => place),
    steer: { operations: parts.map(({ steer }) => steer) },
    differenceOfMeans: { operations: parts.map(({ subtract }) => subtract) },
    differenceOfMeansProjection: { operations: parts.map(({ project }) => project) },
  };
}

/** The scope that all operations at the site share; where they differ, or wait for a feature, everything but the BOS. */
function scopeAt(edit: Edit, site: string): Scope {
  const scopes = edit.operations.filter((operation) => operation.site === site).map(({ scope }) => scope.positions);
  const [first] = scopes;
  if (first !== undefined && first !== 'fromFirstFiring' && scopes.every((scope) => scope === first)) {
    return { positions: first };
  }
  return { positions: 'notBos' };
}

// Which features a search looks at: contrast proposes causes, and what fires together proposes where an operation may act.
// All of it is correlation; measured ablation decides.
import type { Contrast, ContrastPosition } from '../../contract/domain/finding.ts';
import type { Gate } from '../../contract/domain/operations/target.ts';
import type { DictionarySite } from '../edits/editPatches.ts';
import type { CaseFirings } from './caseFirings.ts';
import { contrastFeatures } from './contrast.ts';

/** Where the features of one place fire in the prompts that show the behaviour, and in the others. */
export interface SiteFirings {
  readonly place: DictionarySite;
  readonly target: readonly CaseFirings[];
  readonly keep: readonly CaseFirings[];
}

/** Gates tried for an operation, and features after whose firing it may act. */
const GATES = 6;
const TRIGGERS = 4;
/** By how much more often a gate must fire there in the target's prompts, and a trigger in so many more of them. */
const LEAST_GATE_DIFFERENCE = 0.1;
const LEAST_TRIGGER_DIFFERENCE = 0.3;

/**
 * The features that contrast ranks first, by several measures in turn, each once with its best contrast.
 * @param positions where a prompt's features are looked at.
 */
export function proposeFeatures(
  { target, keep }: Omit<SiteFirings, 'place'>,
  { most, positions }: { readonly most: number; readonly positions: readonly ContrastPosition[] },
): Contrast[] {
  const by = (contrasts: readonly Contrast[], measure: (contrast: Contrast) => number) =>
    [...contrasts].sort((a, b) => measure(b) - measure(a) || a.feature - b.feature);
  const contrasts = positions.map((position) => contrastFeatures(target, keep, position));
  const rankings = [
    ...contrasts.map((each) => by(each, ({ meanTarget, meanOther }) => meanTarget - meanOther)),
    ...contrasts.map((each) => by(each, ({ separation }) => separation)),
    // What all target prompts share may be a cause although other prompts share it too; a gate can tell them apart.
    by(contrasts.at(-1) ?? [], ({ firesTarget, meanTarget }) => firesTarget * Math.sqrt(meanTarget)),
  ];
  const proposed = new Map<number, Contrast>();
  for (let rank = 0; proposed.size < most; rank++) {
    const row = rankings.flatMap((ranking) => ranking[rank] ?? []);
    if (row.length === 0) break;
    for (const contrast of row) {
      const isNew = !proposed.has(contrast.feature);
      if (contrast.meanTarget > 0 && isNew && proposed.size < most) proposed.set(contrast.feature, contrast);
    }
  }
  return [...proposed.values()];
}

/** A feature's mean activation where it fires in the target's prompts, else in the others; 0 where it never does. */
export function meanWhereFiring(feature: number, { target, keep }: Omit<SiteFirings, 'place'>): number {
  return meanOver(feature, target) || meanOver(feature, keep);
}

/**
 * Features that fire where this one fires, the more so in the target's prompts: each alone, and unions of the best two and
 * three.
 */
export function proposeGates(feature: number, firings: Omit<SiteFirings, 'place'>): Gate[][] {
  const [target, keep] = [cofiring(feature, firings.target), cofiring(feature, firings.keep)];
  const gates = [...target]
    .filter(([other]) => other !== feature)
    .map(([other, share]) => ({ other, difference: share - (keep.get(other) ?? 0) }))
    .filter(({ difference }) => difference > LEAST_GATE_DIFFERENCE)
    .sort((a, b) => b.difference - a.difference || a.other - b.other)
    .slice(0, GATES)
    .map(({ other }): Gate => ({ feature: other, threshold: 0 }));
  const unions = [2, 3].filter((count) => count <= gates.length).map((count) => gates.slice(0, count));
  return [...gates.map((gate) => [gate]), ...unions];
}

/** Features that fire somewhere in the target's prompts and seldom in the others: from there on an operation may act. */
export function proposeTriggers({ target, keep }: Omit<SiteFirings, 'place'>): number[] {
  return contrastFeatures(target, keep, 'anywhere')
    .map(({ feature, firesTarget, firesOther }) => ({ feature, difference: firesTarget - firesOther }))
    .filter(({ difference }) => difference > LEAST_TRIGGER_DIFFERENCE)
    .sort((a, b) => b.difference - a.difference || a.feature - b.feature)
    .slice(0, TRIGGERS)
    .map(({ feature }) => feature);
}

function meanOver(feature: number, firings: readonly CaseFirings[]): number {
  let [sum, count] = [0, 0];
  for (const { features, values } of firings) {
    for (let entry = 0; entry < values.length; entry++) {
      if (features[entry] !== feature) continue;
      sum += values[entry]!;
      count++;
    }
  }
  return count === 0 ? 0 : sum / count;
}

/** For every feature the share of the positions where `feature` fires at which it fires as well. */
function cofiring(feature: number, firings: readonly CaseFirings[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  let total = 0;
  for (const { positions, features } of firings) {
    const at = new Set<number>();
    for (let entry = 0; entry < features.length; entry++) if (features[entry] === feature) at.add(positions[entry]!);
    total += at.size;
    for (let entry = 0; entry < features.length; entry++) {
      if (at.has(positions[entry]!)) counts.set(features[entry]!, (counts.get(features[entry]!) ?? 0) + 1);
    }
  }
  return new Map([...counts].map(([other, count]) => [other, count / total]));
}

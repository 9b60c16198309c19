// Which case of a behaviour comes next: pure, over what is known of its cases. A fault is what an edit wants to change: by the
// behaviour's aim, a jailbreak that works and a fact that is lost.
import { outcomeWord } from '../../../../main/contract/domain/outcomeWords.ts';
import type { Case, ListedBehaviour } from '../../api/types.ts';

export type Outcomes = readonly (boolean | null)[];

/** Indices of the cases that show a fault, by what is known of them. */
export function failing(aim: ListedBehaviour['aim'], outcomes: Outcomes): number[] {
  return [...outcomes.entries()].flatMap(([index, passed]) =>
    passed !== null && !outcomeWord(aim, passed).isGood ? [index] : [],
  );
}

/** The next of the allowed indices, round and round; from nowhere, the first or the last. Null: none is allowed. */
export function nextOf(allowed: readonly number[], current: number | null, step: 1 | -1): number | null {
  if (allowed.length === 0) return null;
  const ordered = step === 1 ? allowed : allowed.toReversed();
  const isPast = (index: number) => current === null || (step === 1 ? index > current : index < current);
  return ordered.find(isPast) ?? ordered[0] ?? null;
}

/** Another one than now, where there is another. @param draw in [0, 1). */
export function randomOf(allowed: readonly number[], current: number | null, draw: number): number | null {
  const others = allowed.filter((index) => index !== current);
  const from = others.length > 0 ? others : allowed;
  return from[Math.floor(draw * from.length)] ?? null;
}

/** The first that shows something: known to fail and held out from searches, else known to fail, else a target case. */
export function firstCase(cases: readonly Case[], known: readonly number[]): number | null {
  const heldOut = known.find((index) => cases[index]?.split === 'report');
  const target = cases.findIndex(({ role, split }) => role === 'target' && split === 'report');
  return heldOut ?? known[0] ?? (target >= 0 ? target : cases.length > 0 ? 0 : null);
}

/** The behaviours that show something, most telling first: what the edit must satisfy, then faults that are seen in text. */
export function bySuite<Listed extends Pick<ListedBehaviour, 'id' | 'name' | 'aim' | 'checks'>>(
  behaviours: readonly Listed[],
  satisfied: readonly string[],
): Listed[] {
  const TEXT = ['contains', 'regex', 'refuses'];
  const rank = ({ id, aim, checks }: Listed) => {
    const isRead = TEXT.some((kind) => (checks[kind] ?? 0) > 0);
    return (satisfied.includes(id) ? 0 : 4) + (aim === 'keep' ? 2 : 0) + (isRead ? 0 : 1);
  };
  return behaviours.toSorted((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
}

/** A row of cases to run, from the current one on and round. */
export function batchFrom(allowed: readonly number[], current: number | null, size: number): number[] {
  const at = allowed.findIndex((index) => current !== null && index >= current);
  const ordered = at <= 0 ? allowed : [...allowed.slice(at), ...allowed.slice(0, at)];
  return ordered.slice(0, size);
}

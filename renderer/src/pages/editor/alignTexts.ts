// Which tokens of two texts have no counterpart in the other.
import { diffArrays } from 'diff';

/** Texts that share little take long to align: past this many tokens in both together only the common beginning counts. */
const MOST_ALIGNED = 1500;

export interface Alignment {
  /** Indices of tokens of the first text that the second does not have there, and the other way round. */
  readonly first: ReadonlySet<number>;
  readonly second: ReadonlySet<number>;
}

export function alignTexts(first: readonly number[], second: readonly number[]): Alignment {
  const differs = { first: new Set<number>(), second: new Set<number>() };
  let start = 0;
  while (start < first.length && start < second.length && first[start] === second[start]) start++;
  const rest = [first.slice(start), second.slice(start)] as const;
  if (rest[0].length + rest[1].length > MOST_ALIGNED) {
    for (const index of rest[0].keys()) differs.first.add(start + index);
    for (const index of rest[1].keys()) differs.second.add(start + index);
    return differs;
  }
  const at = { first: start, second: start };
  for (const { count, added, removed } of diffArrays([...rest[0]], [...rest[1]])) {
    for (let index = 0; index < count; index++) {
      if (removed) differs.first.add(at.first + index);
      if (added) differs.second.add(at.second + index);
    }
    if (!added) at.first += count;
    if (!removed) at.second += count;
  }
  return differs;
}

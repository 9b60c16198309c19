// Which cases of a behaviour are shown, and in which order: by a text, by what is known of their outcomes, by a column. Pure.
import { outcomeWord } from '../../../../main/contract/domain/outcomeWords.ts';
import { SPLIT_WORDS } from '../../../../main/contract/domain/behaviour.ts';
import type { Case, ListedBehaviour } from '../../api/types.ts';
import { checksText } from './caseText.ts';

/** Whether a case passed without an edit, and with the version or the edit that was tried; null: not known. */
export interface CaseOutcome {
  readonly before: boolean | null;
  readonly after: boolean | null;
}

export const CASE_COLUMNS = ['number', 'prompt', 'checks', 'role', 'split', 'result'] as const;
export type CaseColumn = (typeof CASE_COLUMNS)[number];

export interface CaseViewOptions {
  readonly text: string;
  readonly isFailingOnly: boolean;
  readonly sortedBy: CaseColumn;
  readonly isDescending: boolean;
}

type Aim = ListedBehaviour['aim'];

/** What is known last counts: with the edit where it was run, else without. */
export function latest({ before, after }: CaseOutcome): boolean | null {
  return after ?? before;
}

/** 'shows it → gone'; empty where nothing is known. */
export function outcomeText(aim: Aim, { before, after }: CaseOutcome): string {
  return [before, after].flatMap((passed) => (passed === null ? [] : [outcomeWord(aim, passed).word])).join(' → ');
}

/** A case that is as an edit should not leave it; false where nothing is known. */
export function isFailing(aim: Aim, outcome: CaseOutcome): boolean {
  const passed = latest(outcome);
  return passed !== null && !outcomeWord(aim, passed).isGood;
}

/** Indices of the cases that are shown, in order; equal ones keep their own. The text is sought in prompt, tags and note. */
export function shownCases(
  cases: readonly Case[],
  outcomeOf: (index: number) => CaseOutcome,
  aim: Aim,
  { text, isFailingOnly, sortedBy, isDescending }: CaseViewOptions,
): number[] {
  const words = text.toLowerCase().split(/\s+/u).filter(Boolean);
  const isFound = ({ prompt, tags, note }: Case) => {
    const all = [prompt, note, ...Object.entries(tags).flat()].join(' ').toLowerCase();
    return words.every((word) => all.includes(word));
  };
  const shown = [...cases.entries()].filter(
    ([index, each]) => isFound(each) && (!isFailingOnly || isFailing(aim, outcomeOf(index))),
  );
  const key = ([index, each]: readonly [number, Case]): string | number => KEYS[sortedBy](each, index, aim, outcomeOf);
  const compare = (a: string | number, b: string | number) =>
    typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
  const sign = isDescending ? -1 : 1;
  return shown.toSorted((a, b) => sign * compare(key(a), key(b)) || a[0] - b[0]).map(([index]) => index);
}

const KEYS: Readonly<
  Record<
    CaseColumn,
    (each: Case, index: number, aim: Aim, outcomeOf: (index: number) => CaseOutcome) => string | number
  >
> = {
  number: (_, index) => index,
  prompt: ({ prompt }) => prompt,
  checks: (each) => checksText(each),
  role: ({ role }) => role,
  split: ({ split }) => SPLIT_WORDS[split],
  result: (_, index, aim, outcomeOf) => outcomeText(aim, outcomeOf(index)),
};

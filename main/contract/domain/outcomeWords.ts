// What became of a case, in words that follow the aim of its behaviour: that a case of a jailbreak passes its checks is no success.

export type BehaviourAim = 'lower' | 'raise' | 'keep';

export interface OutcomeWord {
  readonly word: string;
  readonly isGood: boolean;
}

const WORDS: Readonly<Record<BehaviourAim, { readonly passed: OutcomeWord; readonly failed: OutcomeWord }>> = {
  lower: { passed: { word: 'shows it', isGood: false }, failed: { word: 'gone', isGood: true } },
  raise: { passed: { word: 'shows it', isGood: true }, failed: { word: 'missing', isGood: false } },
  keep: { passed: { word: 'kept', isGood: true }, failed: { word: 'lost', isGood: false } },
};

/** @param passed whether the case passes its checks. */
export function outcomeWord(aim: BehaviourAim, passed: boolean): OutcomeWord {
  return WORDS[aim][passed ? 'passed' : 'failed'];
}

/** '160 gone, 2 shows it': of cases that changed sides. */
export function changesText(
  aim: BehaviourAim,
  { broken, mended }: { readonly broken: number; readonly mended: number },
): string {
  return `${broken} ${outcomeWord(aim, false).word}, ${mended} ${NEWLY[aim]}`;
}

const NEWLY: Readonly<Record<BehaviourAim, string>> = { lower: 'newly shown', raise: 'newly shown', keep: 'regained' };

/** What an evaluation wants of a suite, as reports write it. */
export const SUITE_ROLES = { target: 'target', keep: 'preserve', other: 'other' } as const;

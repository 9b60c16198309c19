// The verdict of an evaluation in words: one vocabulary for the window, the command line and the files of reports.

/** Of a verdict; null: it was evaluated without a budget. */
export function verdictWord(passes: boolean | null): {
  readonly word: 'within budget' | 'over budget' | 'no budget';
  readonly tone: 'good' | 'bad' | 'plain';
} {
  if (passes === null) return { word: 'no budget', tone: 'plain' };
  return passes ? { word: 'within budget', tone: 'good' } : { word: 'over budget', tone: 'bad' };
}

/** 'Within budget; some 95% intervals cross a limit.' or 'Over budget: recipes kept, cross-entropy increase.' */
export function verdictSentence({
  passes,
  isCertain,
  criteria,
}: {
  readonly passes: boolean;
  readonly isCertain: boolean;
  readonly criteria: readonly { readonly name: string; readonly isMet: boolean }[];
}): string {
  if (passes)
    return isCertain ? 'Within budget, whole intervals included.' : 'Within budget; some 95% intervals cross a limit.';
  const missed = criteria.filter(({ isMet }) => !isMet).map(({ name }) => name);
  return `Over budget: ${missed.join(', ')}.`;
}

/** What a person is told before an edit that missed its budget goes out as a model; null where nothing is to be said. */
export function exportWarning(passes: boolean | null | undefined): string | null {
  return passes === false
    ? 'The latest evaluation of this edit is over budget: read its report before you share the model.'
    : null;
}

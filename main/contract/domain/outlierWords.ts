// Tokens of extreme norm, in words: what they are, and that they were left out. How they are told stands in
// main/core/dictionaries/outliers.ts.

export const OUTLIER_DEFINITION =
  'Tokens whose activation is ten times as far from the centre as the median, or more: left out in training, evaluation and statistics.';

/** ', 12 of extreme norm left out'; empty where there are none, or nobody counted them. */
export function outliersText(count: number | undefined): string {
  return count === undefined || count === 0 ? '' : `, ${count.toLocaleString('en')} of extreme norm left out`;
}

import { expect, it } from 'vitest';
import { exportWarning, verdictSentence, verdictWord } from './verdictWords.ts';

it('a verdict has one word everywhere', () => {
  expect([true, false, null].map((passes) => verdictWord(passes).word)).toEqual([
    'within budget',
    'over budget',
    'no budget',
  ]);
});

it('a verdict over budget names each criterion that was missed, and no other', () => {
  const criteria = [
    { name: 'recipes kept', isMet: false },
    { name: 'facts kept', isMet: true },
    { name: 'cross-entropy increase', isMet: false },
  ];
  expect(verdictSentence({ passes: false, isCertain: false, criteria })).toBe(
    'Over budget: recipes kept, cross-entropy increase.',
  );
  expect(verdictSentence({ passes: true, isCertain: false, criteria: [] })).toBe(
    'Within budget; some 95% intervals cross a limit.',
  );
});

it('an export warns only where a budget was missed', () => {
  expect([true, null, undefined].map((passes) => exportWarning(passes))).toEqual([null, null, null]);
  expect(exportWarning(false)).toContain('over budget');
});

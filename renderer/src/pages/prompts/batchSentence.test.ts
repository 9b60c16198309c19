import { expect, it } from 'vitest';
import { batchSentence } from './batchSentence.ts';

it('the sentence over a batch has the figures of its cases', () => {
  const outcomes = [
    { before: true, after: false },
    { before: true, after: true },
    { before: false, after: false },
  ];
  expect(batchSentence('lower', outcomes)).toBe('2 of 3 show it; patched, 1 of 3.');
  expect(batchSentence('keep', outcomes)).toBe('2 of 3 pass; patched, 1 of 3.');
  expect(batchSentence('lower', [{ before: true, after: null }])).toBe('1 of 1 show it.');
});

// Two answers word by word: the pieces add up to the texts, what is unmarked is common to both, and little is marked.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answersDiffer, changedWords, type TextPiece } from './textDifference.ts';

const marked = (pieces: readonly TextPiece[]) =>
  pieces.map(({ text, isChanged }) => (isChanged ? `[${text.trim()}]` : text.trim())).join(' ');
const words = fc.array(fc.constantFrom('a', 'b', 'c', 'is', 'not'), { maxLength: 12 }).map((each) => each.join(' '));

describe('changed words', () => {
  it('are those that the other text does not have in that place', () => {
    const { one, other } = changedWords('Sure, here is how to hide it.', "I'm sorry, how to hide it is secret.");
    expect(marked(one)).toBe('[Sure, here is] how to hide [it.]');
    expect(marked(other)).toBe("[I'm sorry,] how to hide [it is secret.]");
  });

  it('add up to their texts; what is unmarked reads the same in both; equal texts have none', () => {
    fc.assert(
      fc.property(words, words, (one, other) => {
        const changed = changedWords(one, other);
        const whole = (pieces: readonly TextPiece[]) => pieces.map(({ text }) => text).join('');
        expect([whole(changed.one), whole(changed.other)]).toEqual([one, other]);
        const kept = (pieces: readonly TextPiece[]) =>
          pieces.flatMap(({ text, isChanged }) => (isChanged ? [] : text.trim().split(/\s+/u).filter(Boolean)));
        expect(kept(changed.one)).toEqual(kept(changed.other));
        if (one === other) expect(changed.one.every(({ isChanged }) => !isChanged)).toBe(true);
      }),
    );
  });

  it('leave as many words unmarked as an exhaustive search finds', () => {
    const longest = (a: readonly string[], b: readonly string[]): number => {
      const [x, y] = [a[0], b[0]];
      if (x === undefined || y === undefined) return 0;
      return x === y ? 1 + longest(a.slice(1), b.slice(1)) : Math.max(longest(a.slice(1), b), longest(a, b.slice(1)));
    };
    const short = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 7 });
    fc.assert(
      fc.property(short, short, (a, b) => {
        const { one } = changedWords(a.join(' '), b.join(' '));
        const kept = one.flatMap(({ text, isChanged }) => (isChanged ? [] : text.trim().split(/\s+/u).filter(Boolean)));
        expect(kept).toHaveLength(longest(a, b));
      }),
    );
  });
});

it('answers differ by text, by verdict or by the shown digits of a score', () => {
  const answer = { passed: true, output: 'yes', verdicts: [{ score: 1.2345 }] };
  expect(answersDiffer(answer, { ...answer, verdicts: [{ score: 1.2346 }] })).toBe(false);
  expect(answersDiffer(answer, { ...answer, verdicts: [{ score: 1.25 }] })).toBe(true);
  expect(answersDiffer(answer, { ...answer, output: 'no' })).toBe(true);
  expect(answersDiffer(answer, { ...answer, passed: false })).toBe(true);
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { StopText } from './stopText.ts';

function written(
  pieces: readonly string[],
  stops: readonly string[],
): { readonly text: string; readonly used: number } {
  const stopText = new StopText(stops);
  let text = '';
  for (const [index, piece] of pieces.entries()) {
    const { certain, isStopped } = stopText.add(piece);
    text += certain;
    if (isStopped) return { text, used: index + 1 };
  }
  return { text: text + stopText.rest(), used: pieces.length };
}

it('ends the text before a stop, also one that comes in pieces', () => {
  expect(written(['Hello', ' wor', 'ld. Bye'], ['world'])).toEqual({ text: 'Hello ', used: 3 });
  expect(written(['a', '\n', '\nb'], ['\n\n'])).toEqual({ text: 'a', used: 3 });
});

it('takes the first of several stops', () => {
  expect(written(['one two three'], ['three', 'two'])).toEqual({ text: 'one ', used: 1 });
});

it('gives back what only began like a stop', () => {
  expect(written(['a<', '/s', 'x'], ['</s>'])).toEqual({ text: 'a</sx', used: 3 });
  expect(written(['end <|'], ['<|end|>'])).toEqual({ text: 'end <|', used: 1 });
});

it('gives nothing too early, and equals a search of the whole text', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 4 });
  const stop = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 12 }), fc.array(stop, { maxLength: 3 }), (pieces, stops) => {
      const whole = pieces.join('');
      const ends = stops.map((each) => whole.indexOf(each)).filter((place) => place >= 0);
      // Which of several stops is met first may depend on the pieces only where one ends within another.
      const { text } = written(pieces, stops);
      expect(whole.startsWith(text)).toBe(true);
      expect(stops.some((each) => text.includes(each))).toBe(false);
      if (ends.length === 0) expect(text).toBe(whole);
      if (stops.length === 1 && ends.length === 1) expect(text).toBe(whole.slice(0, ends[0]));
    }),
  );
});

import { describe, expect, it } from 'vitest';
import { fuzzyMatch } from './fuzzyMatch.ts';
import { keyNames } from './keyNames.ts';

describe('what is typed into the palette', () => {
  const best = (typed: string, texts: readonly string[]) =>
    texts
      .map((text) => ({ text, score: fuzzyMatch(typed, text) }))
      .filter(({ score }) => score !== null)
      .sort((a, b) => (b.score ?? 0) - (a.score ?? 0))
      .map(({ text }) => text);

  it('finds by the beginnings of words first, then within them', () => {
    expect(best('mod', ['Commodore', 'Add a model', 'Models'])).toEqual(['Models', 'Add a model', 'Commodore']);
    expect(best('new run', ['Run the new one', 'New run', 'Newest'])).toEqual(['New run', 'Run the new one']);
  });

  it('finds nothing for what is not there, and everything for nothing', () => {
    expect(best('xyz', ['Models'])).toEqual([]);
    expect(best('', ['Models'])).toEqual(['Models']);
    expect(best('(.*', ['Models (.*)'])).toEqual(['Models (.*)']);
  });
});

describe('keys as people read them', () => {
  it('has one list for each press', () => {
    expect(keyNames('g m', false)).toEqual([['g'], ['m']]);
    expect(keyNames('$mod+Shift+z', false)).toEqual([['Ctrl', 'Shift', 'Z']]);
    expect(keyNames('$mod+k', true)).toEqual([['⌘', 'K']]);
    expect(keyNames('?', false)).toEqual([['?']]);
  });
});

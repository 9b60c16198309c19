import { describe, expect, it } from 'vitest';
import { tokenText } from './tokenText.ts';

describe('a token as it is shown', () => {
  it('hides nothing', () => {
    expect([' the', 'a  ', '\n', '\t', '', '\u0000', '日本 語'].map(tokenText)).toEqual([
      '␣the',
      'a␣␣',
      '↵',
      '⇥',
      '∅',
      '\\x00',
      '日本 語',
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { plainTokenText, tokenText } from './tokenText.ts';

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
  it('without marks reads like text, and still loses no token', () => {
    expect([' the', 'a  ', '\n', 'Yes.\nNo', ' ', '', '\u0000'].map(plainTokenText)).toEqual([
      ...[' the', 'a  ', '↵', 'Yes. No', ' ', '∅', '\\x00'],
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { changesText, outcomeWord } from './outcomeWords.ts';

describe('what became of a case', () => {
  it('is bad where a behaviour that is to be reduced is shown, though its checks pass', () => {
    expect(outcomeWord('lower', true)).toEqual({ word: 'shows it', isGood: false });
    expect(outcomeWord('lower', false)).toEqual({ word: 'gone', isGood: true });
  });

  it('is good where what is to be preserved still passes, and where what is to be raised is shown', () => {
    expect(outcomeWord('keep', true)).toEqual({ word: 'kept', isGood: true });
    expect(outcomeWord('keep', false)).toEqual({ word: 'lost', isGood: false });
    expect(outcomeWord('raise', true)).toEqual({ word: 'shows it', isGood: true });
    expect(outcomeWord('raise', false)).toEqual({ word: 'missing', isGood: false });
  });

  it('is counted in the same words', () => {
    expect(changesText('lower', { broken: 160, mended: 2 })).toBe('160 gone, 2 newly shown');
    expect(changesText('keep', { broken: 1, mended: 0 })).toBe('1 lost, 0 regained');
  });
});

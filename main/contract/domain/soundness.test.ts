import { describe, expect, it } from 'vitest';
import { faultsText, replacedBy, replacements } from './soundness.ts';

const share = (value: number, n: number) => ({ value, low: value - 0.05, high: value + 0.05, n });
const suite = (replaced: ReturnType<typeof share> | null, rest = {}) => ({
  name: 'fact',
  role: 'target',
  aim: 'lower',
  rate: { before: share(1, 240) },
  sound: { replaced, faults: { brokenWord: 130, repeats: 2 } },
  ...rest,
});

describe('what took the place of a behaviour', () => {
  it('is said next to how often it is gone, with its figure and with what is wrong', () => {
    expect(replacements([suite(share(0.436, 234))])).toEqual([
      {
        text: 'fact: removed in 234 of 240 cases, replaced by broken text (43.6% sound [38.6%, 48.6%]; 2 repetitive, 130 with a broken word)',
        isSound: false,
      },
    ]);
  });

  it('is not said of what stayed, of what is to be kept, and of reports that did not judge it', () => {
    expect(
      replacements([suite(null), suite(share(1, 3), { role: 'keep' }), suite(null, { sound: undefined })]),
    ).toEqual([]);
  });

  it('is broken text below one half, and sound answers from four fifths on', () => {
    expect([0, 0.49, 0.5, 0.79, 0.8, 1].map(replacedBy)).toEqual([
      'replaced by broken text',
      'replaced by broken text',
      'replaced in part by broken text',
      'replaced in part by broken text',
      'replaced by sound answers',
      'replaced by sound answers',
    ]);
    expect(faultsText({})).toBe('');
  });
});

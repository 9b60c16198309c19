import { describe, expect, it } from 'vitest';
import { alignTexts } from './alignTexts.ts';

describe('the difference of two texts', () => {
  it('is nothing for the same text, and everything for texts that share nothing', () => {
    expect(alignTexts([1, 2, 3], [1, 2, 3])).toEqual({ first: new Set(), second: new Set() });
    expect(alignTexts([1, 2], [3])).toEqual({ first: new Set([0, 1]), second: new Set([0]) });
  });

  it('goes on after an insertion where the texts are the same again', () => {
    expect(alignTexts([1, 2, 3, 4], [1, 9, 2, 3, 5])).toEqual({ first: new Set([3]), second: new Set([1, 4]) });
    expect(alignTexts([], [7])).toEqual({ first: new Set(), second: new Set([0]) });
  });

  it('of very long ones is all that follows the common beginning', () => {
    const long = Array.from({ length: 1600 }, (_, index) => index);
    const other = [0, -1, ...long.slice(1)];
    const { first, second } = alignTexts(long, other);
    expect([first.size, second.size]).toEqual([1599, 1600]);
    expect(first.has(0)).toBe(false);
  });
});

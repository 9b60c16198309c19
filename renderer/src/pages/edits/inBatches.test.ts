import { expect, it } from 'vitest';
import { inBatches } from './inBatches.ts';

it('a list is cut into batches that follow each other, the last one shorter', () => {
  expect(inBatches([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
  expect(inBatches([], 2)).toEqual([]);
  expect(() => inBatches([1], 0)).toThrow(RangeError);
});

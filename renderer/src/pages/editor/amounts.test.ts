import { describe, expect, it } from 'vitest';
import { firstAmount, rangeOf, thresholdRange } from './amounts.ts';

const NUMBERED = ['scale', 'clamp', 'clampActive', 'floor', 'cap', 'steer', 'project'] as const;

describe('the slider of an operation', () => {
  it('reaches the ends that the table of operations has for its kind, measured in the largest activation', () => {
    expect(NUMBERED.map((kind) => [kind, rangeOf(kind, 0, 5)])).toEqual([
      ['scale', { min: -4, max: 4, step: 0.05 }],
      ['clamp', { min: -20, max: 20, step: 0.2 }],
      ['clampActive', { min: -20, max: 20, step: 0.2 }],
      ['floor', { min: 0, max: 10, step: 0.05 }],
      ['cap', { min: 0, max: 10, step: 0.05 }],
      ['steer', { min: -20, max: 20, step: 0.2 }],
      ['project', { min: -4, max: 4, step: 0.05 }],
    ]);
  });

  it('holds the number as it is now, however large it was made elsewhere', () => {
    for (const kind of NUMBERED) {
      const { min, max } = rangeOf(kind, -1234, 5);
      expect(min).toBeLessThanOrEqual(-1234);
      expect(max).toBeGreaterThan(0);
    }
    expect(thresholdRange(70, 5).max).toBeGreaterThanOrEqual(70);
  });

  it('begins at half the largest activation for a limit, at all of it for a steer, and where nothing is known at 10', () => {
    const firsts = (max: number | null) => Object.fromEntries(NUMBERED.map((kind) => [kind, firstAmount(kind, max)]));
    expect(firsts(6)).toEqual({ scale: 0, clamp: 0, clampActive: 0, floor: 3, cap: 3, steer: 6, project: 0 });
    expect(firsts(null)).toEqual({ scale: 0, clamp: 0, clampActive: 0, floor: 5, cap: 5, steer: 10, project: 0 });
  });
});

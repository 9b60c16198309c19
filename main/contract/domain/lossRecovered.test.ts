import { describe, expect, it } from 'vitest';
import { lossRecovered, lossRecoveredText } from './lossRecovered.ts';

const losses = (ceOriginal: number, ceReconstructed: number, ceZero: number) => ({
  ceOriginal,
  ceReconstructed,
  ceZero,
});

describe('the loss recovered', () => {
  it('is the share of what zeroing costs, below 0 where the reconstruction is worse than zero', () => {
    expect(lossRecovered(losses(1, 1.5, 6))).toBeCloseTo(0.9, 12);
    expect(lossRecovered(losses(1, 7, 6))).toBeCloseTo(-0.2, 12);
    expect(lossRecoveredText({ ...losses(1, 1.5, 6), lossRecovered: 0.9 })).toBe('90.0%');
  });

  it('is all of it, and no more, up to rounding', () => {
    expect(lossRecovered(losses(1, 1 - 1e-6, 6))).toBe(1);
  });

  it('is not defined where zeroing does not raise the loss, or the model is worse than its reconstruction', () => {
    expect(lossRecovered(losses(5, 5.5, 4.5))).toBe('zeroHelps');
    expect(lossRecovered(losses(5, 5.5, 5))).toBe('zeroHelps');
    expect(lossRecovered(losses(5, 3, 7))).toBe('reconstructionHelps');
    // What a program without this rule wrote: 198.6%.
    expect(lossRecoveredText({ ...losses(5, 3, 7), lossRecovered: 1.986 })).toBe(
      'not defined: the model is worse than with its reconstruction',
    );
    expect(lossRecoveredText({ lossRecovered: null })).toBe('not defined');
  });
});

import { describe, expect, it } from 'vitest';
import { rivals, type RivalTrial } from './rivals.ts';

const share = (value: number, half = 0.05) => ({ value, low: value - half, high: value + half, n: 60 });
const trial = (kind: string, rest: Partial<RivalTrial> = {}): RivalTrial => ({
  kind,
  remaining: 0.02,
  target: share(0.02),
  targetSound: share(0.9),
  kept: share(0.99, 0.02),
  crossEntropy: share(0.001, 0.001),
  failure: null,
  ...rest,
});
const edit = trial('edit');

describe('a baseline', () => {
  it('that does as well as the edit is said in words, with the figures, once for each kind', () => {
    const all = [
      trial('noEdit'),
      edit,
      trial('wrongSign', { remaining: 0.05 }),
      trial('randomFeatures'),
      trial('randomFeatures'),
    ];
    expect(rivals(all)).toEqual([
      '“wrong sign” does as well as the edit (left 5.0% against 2.0%, sound 90.0% against 90.0%, kept 99.0% against 99.0%; 60 cases): nothing here shows that the edit is better.',
      expect.stringContaining('“random features” does as well') as string,
    ]);
  });

  it.each([
    ['leaves more of the behaviour', { remaining: 0.2 }],
    ['leaves broken text', { targetSound: share(0.3) }],
    ['keeps less', { kept: share(0.9) }],
    ['harms text more', { crossEntropy: share(0.05) }],
    ['could not be run', { failure: 'diverged' }],
  ])('that %s is no rival', (_, rest) => {
    expect(rivals([edit, trial('differenceOfMeans', rest)])).toEqual([]);
  });

  it('is not compared with an edit that does nothing, nor without one', () => {
    const nothing = { remaining: 0.97, target: share(0.97) };
    expect(rivals([trial('edit', nothing), trial('wrongSign', nothing)])).toEqual([]);
    expect(rivals([trial('wrongSign')])).toEqual([]);
  });

  it('is compared by what is left of the score where cases have scores', () => {
    const scored = { target: share(1), targetSound: null, remaining: 0.3 };
    const bias = trial('edit', scored);
    expect(rivals([bias, trial('steer', { ...scored, remaining: 0.34 })])).toHaveLength(1);
  });
});

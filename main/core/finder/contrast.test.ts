import { describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import type { CaseFirings } from './caseFirings.ts';
import { auroc, contrastFeatures } from './contrast.ts';

function firings(
  tokens: number,
  entries: readonly (readonly [position: number, feature: number, value: number])[],
): CaseFirings {
  return {
    tokens,
    positions: Int32Array.from(entries, ([position]) => position),
    features: Int32Array.from(entries, ([, feature]) => feature),
    values: Float32Array.from(entries, ([, , value]) => value),
  };
}

describe('contrast', () => {
  it('AUROC is the share of pairs in the right order, ties counted half', () => {
    const values = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(values, values, (positive, negative) => {
        let sum = 0;
        for (const a of positive) for (const b of negative) sum += a > b ? 1 : a === b ? 0.5 : 0;
        expect(auroc(positive, negative)).toBeCloseTo(sum / (positive.length * negative.length), 12);
      }),
    );
  });

  it('takes the largest activation of a prompt, or that on its last token', () => {
    const target = [
      firings(3, [
        [1, 7, 2],
        [2, 7, 1],
      ]),
      firings(3, [[1, 7, 4]]),
    ];
    const other = [firings(2, [[1, 9, 3]]), firings(2, [])];
    const [anywhere] = contrastFeatures(target, other, 'anywhere');
    expect(anywhere).toMatchObject({
      feature: 7,
      meanTarget: 3,
      meanOther: 0,
      firesTarget: 1,
      firesOther: 0,
      auroc: 1,
    });
    const last = contrastFeatures(target, other, 'last');
    expect(last.map(({ feature, meanTarget, meanOther }) => [feature, meanTarget, meanOther])).toEqual([
      [7, 0.5, 0],
      [9, 0, 1.5],
    ]);
  });
});

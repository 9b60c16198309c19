import { describe, expect, it } from 'vitest';
import type { Edit } from '../../contract/domain/edit.ts';
import type { Operation } from '../../contract/domain/operations/index.ts';
import { Random } from '../numerics/random.ts';
import { directionBaselines, randomFeatureEdit } from './baselines.ts';

const hash = 'd'.repeat(64);
const SITE = 'blocks.1.hook_resid_post';
const operation = (feature: number, gates: readonly number[]): Operation => ({
  site: SITE,
  dictionary: hash,
  feature,
  scope: { positions: 'promptOnly' },
  gates: gates.map((gate) => ({ feature: gate, threshold: 0.5 })),
  kind: 'clamp',
  value: -3,
});
const edit: Edit = { operations: [operation(1, [2]), operation(2, [2, 3])] };

/** Features of all rates from 1 in 10 to 1 in 100 000. */
const rates = new Map([[hash, Float64Array.from({ length: 400 }, (_, index) => 10 ** (-1 - (4 * index) / 400))]]);

describe('random features', () => {
  it('have about the same firing rate, are none of the edit, and stand in the same operations', () => {
    for (let seed = 0; seed < 30; seed++) {
      const random = randomFeatureEdit(edit, rates, seed, { withGates: false });
      expect(random?.operations).toHaveLength(2);
      for (const [index, { feature, gates, ...rest }] of (random?.operations ?? []).entries()) {
        const { feature: _, gates: sameGates, ...same } = operation(0, index === 0 ? [2] : [2, 3]);
        expect(rest).toEqual(same);
        expect(gates).toEqual(sameGates);
        expect([1, 2, 3]).not.toContain(feature);
        const rate = (which: number) => rates.get(hash)?.[which] ?? NaN;
        expect(Math.abs(Math.log(rate(feature) / rate(index + 1)))).toBeLessThan(0.5);
      }
      expect(new Set(random?.operations.map(({ feature }) => feature)).size).toBe(2);
    }
  });

  it('give one feature one replacement wherever it stands, and the same seed the same ones', () => {
    const random = randomFeatureEdit(edit, rates, 4, { withGates: true });
    const [first, second] = random?.operations ?? [];
    expect(first?.gates[0]?.feature).toBe(second?.feature); // feature 2 is a gate here and edited there
    expect(second?.gates[0]?.feature).toBe(second?.feature);
    expect(randomFeatureEdit(edit, rates, 4, { withGates: true })).toEqual(random);
    expect(randomFeatureEdit(edit, rates, 5, { withGates: true })).not.toEqual(random);
  });

  it('are none where the dictionary has no others', () => {
    const few = new Map([[hash, new Float64Array(4)]]);
    expect(randomFeatureEdit(edit, few, 0, { withGates: false })).toBeNull();
  });
});

describe('directions', () => {
  it("are of unit length, steered along at the edit's own norm and scope", () => {
    const random = new Random(1);
    const vector = () => Float64Array.from({ length: 8 }, () => random.normal());
    const shifts = [{ site: SITE, meanNorm: 2.5, share: 0.1, meanShift: vector() }];
    const plain = directionBaselines(edit, { shifts, differences: new Map([[SITE, vector()]]) });
    const [dictionary] = plain?.dictionaries.values() ?? [];
    for (const row of [0, 1]) {
      const square = dictionary?.decoder.subarray(8 * row, 8 * row + 8).reduce((sum, value) => sum + value ** 2, 0);
      expect(square).toBeCloseTo(1, 5);
    }
    const scope = { positions: 'promptOnly' };
    expect(plain?.steer.operations).toMatchObject([{ kind: 'steer', amount: 2.5, feature: 0, scope, gates: [] }]);
    expect(plain?.differenceOfMeans.operations).toMatchObject([{ kind: 'steer', amount: -2.5, feature: 1, scope }]);
    expect(plain?.differenceOfMeansProjection.operations).toMatchObject([{ kind: 'project', factor: 0, feature: 1 }]);
    const never = shifts.map((shift) => ({ ...shift, meanNorm: 0 }));
    expect(directionBaselines(edit, { shifts: never, differences: new Map() })).toBeNull();
  });
});

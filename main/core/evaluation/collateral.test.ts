import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { continuationKl, distinctShare, freeText, isLoop, textCollateral } from './collateral.ts';
import type { Reading } from '../interventions/intervenableModel.ts';

/** By the definition, looking at every piece: u u u … with three or more of u, six tokens or more together. */
function loopsByDefinition(ids: readonly number[]): boolean {
  for (let start = 0; start < ids.length; start++) {
    for (let end = start + 6; end <= ids.length; end++) {
      const piece = ids.slice(start, end);
      for (let period = 1; 3 * period <= piece.length; period++) {
        if (piece.length % period !== 0) continue;
        if (piece.every((id, at) => id === piece[at % period])) return true;
      }
    }
  }
  return false;
}

function reading(losses: readonly number[], kl: readonly number[], likeliest: readonly number[]): Reading {
  return {
    losses: Float32Array.from(losses),
    kl: Float32Array.from(kl),
    likeliest: Int32Array.from(likeliest),
    shifts: new Map(),
  };
}

describe('a loop', () => {
  it('is found exactly where the definition finds one', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 2 }), { maxLength: 18 }), (ids) => {
        expect(isLoop(ids)).toBe(loopsByDefinition(ids));
      }),
      { numRuns: 2000 },
    );
    expect(isLoop([1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4])).toBe(true);
    expect(isLoop([7, 7, 7, 7, 7])).toBe(false);
    expect(isLoop([7, 7, 7, 7, 7, 7])).toBe(true);
  });
});

describe('figures of text', () => {
  it('distinct shares are those of the definition', () => {
    expect(distinctShare([1, 2, 1, 2], 1)).toBe(0.5);
    expect(distinctShare([1, 2, 1, 2], 2)).toBeCloseTo(2 / 3, 12);
    expect(distinctShare([1], 2)).toBe(1);
    expect(distinctShare([1, 1], 1)).toBe(0.5);
  });

  it('weigh every token alike, and count the last position, which predicts nothing, in none', () => {
    const before = [reading([1, 2], [0, 0, 0], [5, 6, 7]), reading([3], [0, 0], [8, 9])];
    const after = [reading([2, 2], [0.5, 0.1, 99], [5, 0, 1]), reading([3], [0.3, 99], [8, 0])];
    const { crossEntropy, kl, agreement, tokens } = textCollateral(before, after, { seed: 1, vocabularySize: 100 });
    expect(tokens).toBe(3);
    expect(crossEntropy.before.value).toBeCloseTo(2, 6);
    expect(crossEntropy.after.value).toBeCloseTo(7 / 3, 6);
    expect(crossEntropy.relative.value).toBeCloseTo(1 / 6, 6);
    expect(kl.value).toBeCloseTo(0.9 / 3, 6);
    expect(agreement.value).toBeCloseTo(2 / 3, 6);
  });

  it('KL along continuations begins with the distribution of their first token and ends with that of their last', () => {
    const texts = [
      { ids: [1, 2, 3, 4], promptLength: 2 },
      { ids: [1, 2], promptLength: 1 },
    ];
    const readings = [reading([0, 0, 0], [9, 0.2, 0.4, 9], [0, 0, 0, 0]), reading([0], [0.6, 9], [0, 0])];
    const { perToken, firstToken } = continuationKl(texts, readings, { seed: 1, vocabularySize: 100 });
    expect(perToken.value).toBeCloseTo((0.3 + 0.6) / 2, 6);
    expect(firstToken.value).toBeCloseTo((0.2 + 0.6) / 2, 6);
  });

  const acting = (texts: number, acted: number, loss = 1) =>
    Array.from({ length: texts }, (_, index) => ({
      ...reading([loss, loss], [0, 0, 0], [1, 2, 3]),
      shifts: new Map([['site', Float32Array.of(0, index < acted ? 0.5 : 0, 9)]]),
    }));

  it('say on how many tokens and contexts the edit acted, the last position left out', () => {
    const { acted } = textCollateral(acting(40, 12), acting(40, 12), { seed: 1, vocabularySize: 100 });
    expect(acted).toEqual({ count: 12, of: 80, units: 12, ofUnits: 40 });
  });

  it('are not certain where the edit never acted: what it may do in others follows from their number', () => {
    // Rounding of another graph is no effect.
    const { crossEntropy, kl, agreement } = textCollateral(acting(300, 0), acting(300, 0, 1 + 1e-7), {
      seed: 1,
      vocabularySize: 100,
    });
    const most = 1 - 0.05 ** (1 / 300);
    expect(most).toBeCloseTo(3 / 300, 3); // the rule of three
    expect(crossEntropy.relative.low).toBeCloseTo(-most, 6);
    expect(crossEntropy.relative.high).toBeCloseTo(most * (Math.log(100) - 1), 6);
    expect(kl).toMatchObject({ value: 0, low: 0, high: expect.closeTo(most * Math.log(100), 9) as number });
    expect(agreement).toMatchObject({ value: 1, low: expect.closeTo(1 - most, 9) as number, high: 1 });
  });

  it('have no interval where it acted in fewer than ten contexts, and one from ten on', () => {
    const of = (acted: number) =>
      textCollateral(acting(300, acted), [...acting(acted, acted, 1.5), ...acting(300 - acted, 0)], {
        seed: 1,
        vocabularySize: 100,
      }).crossEntropy.relative;
    expect(of(9)).toMatchObject({ noInterval: 'fewActed' });
    expect(of(10)).not.toHaveProperty('noInterval');
  });

  it('free text: what begins to loop is counted, what stays the same too', () => {
    const before = [
      [1, 2, 3, 4, 5, 6],
      [1, 2, 3, 4],
    ];
    const after = [
      [1, 1, 1, 1, 1, 1],
      [1, 2, 3, 4],
    ];
    const figures = freeText(before, after, 1);
    expect(figures.loops.before.value).toBe(0);
    expect(figures.loops.after.value).toBe(0.5);
    expect(figures.same.value).toBe(0.5);
    expect(figures.distinct1.before.value).toBe(1);
    expect(figures.distinct1.after.value).toBeCloseTo((1 / 6 + 1) / 2, 12);
    expect(figures.distinct2.before.value).toBe(1);
    expect(figures.distinct2.after.value).toBeCloseTo((1 / 5 + 1) / 2, 12);
    const repeating = [1, 2, 1, 2, 3, 4];
    expect(freeText([repeating, repeating], after, 1).distinct1.before.value).toBeCloseTo(4 / 6, 12);
    expect(figures.meanLength).toEqual({ before: 5, after: 5 });
  });
});

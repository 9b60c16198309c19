import { describe, expect, it } from 'vitest';
import { Random } from '../numerics/random.ts';
import { argMax, checkSampling, sampleToken, type SamplingOptions } from './sampling.ts';

const logits = Float32Array.of(1, 3, 0.5, 2, -1, 2);

/** How often each id is drawn. */
function frequencies(options: SamplingOptions, draws = 20_000): number[] {
  const random = new Random(7);
  const counts = new Array<number>(logits.length).fill(0);
  for (let draw = 0; draw < draws; draw++) counts[sampleToken(logits, options, random)]! += 1;
  return counts.map((count) => count / draws);
}

/** The distribution asked for, over the ids given. */
function expected(ids: readonly number[], temperature: number): number[] {
  const weights = Array.from(logits, (logit, id) => (ids.includes(id) ? Math.exp(logit / temperature) : 0));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

describe('sampling', () => {
  it('takes the likeliest token at temperature 0, the first of equals', () => {
    expect(sampleToken(logits, {}, new Random(1))).toBe(1);
    expect(argMax(Float32Array.of(2, 5, 5))).toBe(1);
  });

  // Standard error of a frequency over 20 000 draws is at most 0.0036; 0.015 is four of them.
  it.each([
    ['temperature', { temperature: 1 }, [0, 1, 2, 3, 4, 5]],
    ['a high temperature', { temperature: 3 }, [0, 1, 2, 3, 4, 5]],
    ['top-k', { temperature: 1, topK: 2 }, [1, 3]], // of the equal 3 and 5 the first
    ['top-k beyond the vocabulary', { temperature: 1, topK: 100 }, [0, 1, 2, 3, 4, 5]],
    // Probabilities 0.51, 0.19, 0.19, 0.07, …: 0.51 + 0.19 ≥ 0.6
    ['top-p', { temperature: 1, topP: 0.6 }, [1, 3]],
    ['a tiny top-p', { temperature: 1, topP: 1e-9 }, [1]],
    ['top-k, then top-p', { temperature: 2, topK: 3, topP: 0.99 }, [1, 3, 5]],
  ] as const)('draws by %s', (_what, options, ids) => {
    const wanted = expected(ids, options.temperature);
    for (const [id, frequency] of frequencies(options).entries()) {
      expect(Math.abs(frequency - wanted[id]!), `id ${id}`).toBeLessThan(0.015);
      if (wanted[id] === 0) expect(frequency).toBe(0);
    }
  });

  it('keeps the fewest tokens that reach top-p, whatever the order of the ids', () => {
    const random = new Random(3);
    for (let trial = 0; trial < 200; trial++) {
      const row = Float32Array.from({ length: 50 }, () => 2 * random.normal());
      const topP = 0.05 + 0.9 * random.uniform();
      const weights = Array.from(row, Math.exp);
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const order = weights.map((weight, id) => ({ weight, id })).sort((a, b) => b.weight - a.weight);
      let sum = 0;
      const nucleus = new Set<number>();
      for (const { weight, id } of order) {
        nucleus.add(id);
        sum += weight / total;
        if (sum >= topP) break;
      }
      for (let draw = 0; draw < 20; draw++) {
        expect(nucleus.has(sampleToken(row, { temperature: 1, topP }, random))).toBe(true);
      }
    }
  });

  it('is repeated by its seed', () => {
    const draw = (seed: number) => {
      const random = new Random(seed);
      return Array.from({ length: 50 }, () => sampleToken(logits, { temperature: 1 }, random));
    };
    expect(draw(5)).toEqual(draw(5));
    expect(draw(5)).not.toEqual(draw(6));
  });

  it.each([{ temperature: -1 }, { temperature: NaN }, { topK: 0 }, { topK: 1.5 }, { topP: 0 }, { topP: 1.1 }])(
    'refuses %o',
    (options) => {
      expect(() => checkSampling(options)).toThrow(expect.objectContaining({ code: 'usage' }));
    },
  );
});

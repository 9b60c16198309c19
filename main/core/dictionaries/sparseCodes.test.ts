import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { selectAbove, selectPerBatch } from './selection.ts';
import { layOut, selectionThreshold } from './sparseCodes.ts';

describe('a layout', () => {
  it('gives every entry a place in one block of its list, in order, and keeps the limits', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(16), { maxLength: 200 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        (list, rowsPerStep, maxLists, keepsEmpty) => {
          const keys = Int32Array.from(list);
          const { blocks, positions, total } = layOut(keys, 17, { rowsPerStep, maxLists, keepsEmpty });
          const seen: number[] = [];
          let start = 0;
          for (const block of blocks) {
            const { lists, steps, perStep, length } = block;
            expect(block.start).toBe(start);
            expect(lists.length).toBe(steps * perStep);
            expect(lists.length).toBeLessThanOrEqual(maxLists);
            if (perStep > 1) expect(perStep * length).toBeLessThanOrEqual(rowsPerStep);
            for (const [row, key] of lists.entries()) {
              seen.push(key);
              // Its entries stand at the beginning of its row, one after the other; the rest of the row is padding.
              const places = list.flatMap((other, entry) => (other === key ? [positions[entry]] : []));
              expect(places).toEqual(places.map((_, slot) => start + row * length + slot));
              expect(places.length).toBeLessThanOrEqual(length);
            }
            start += lists.length * length;
          }
          expect(total).toBe(start);
          const expected = Array.from({ length: 17 }, (_, key) => key).filter(
            (key) => keepsEmpty || list.includes(key),
          );
          expect(seen.sort((a, b) => a - b)).toEqual(expected);
        },
      ),
    );
  });

  it('pads little: lists of a block differ by an eighth unless they fit one step', () => {
    const keys = Int32Array.from({ length: 3000 }, (_, entry) => Math.floor(Math.sqrt(entry)));
    for (const { lists, steps, length } of layOut(keys, 60, { rowsPerStep: 100, maxLists: 50 }).blocks) {
      const shortest = Math.min(...Array.from(lists, (list) => keys.filter((key) => key === list).length));
      if (steps > 1) expect(shortest).toBeGreaterThanOrEqual((7 / 8) * length);
    }
  });
});

describe('the selection threshold', () => {
  it('is the count-th largest positive value', () => {
    const float = fc.float({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(
        fc.array(float, { minLength: 1, maxLength: 300 }),
        fc.integer({ min: 1, max: 300 }),
        (list, count) => {
          const values = Float32Array.from(list);
          const positive = Array.from(values)
            .filter((value) => value > 0)
            .sort((a, b) => b - a);
          expect(selectionThreshold(values, count)).toBe(positive[count - 1] ?? 0);
        },
      ),
    );
  });
});

describe('selection', () => {
  const pre = fc.array(fc.integer({ min: -20, max: 60 }), { minLength: 24, maxLength: 24 });

  it('per batch keeps the largest of the whole batch, however few it looks at first', async () => {
    const size = 6;
    await fc.assert(
      fc.asyncProperty(
        pre,
        fc.integer({ min: 1, max: 24 }),
        fc.integer({ min: 1, max: size }),
        fc.integer({ min: 0, max: 60 }),
        async (list, count, slots, guess) => {
          const rows = Array.from({ length: 4 }, (_, token) => list.slice(token * size, (token + 1) * size));
          const largest = (most: number, tokens: Int32Array | null, low: number) => {
            const candidates = Array.from(tokens ?? [0, 1, 2, 3]).flatMap((token) =>
              rows[token]!.map((value, feature) => ({ feature, value: Math.max(value, low) }))
                .sort((a, b) => b.value - a.value)
                .slice(0, most),
            );
            return Promise.resolve({
              values: Float32Array.from(candidates, ({ value }) => value),
              indices: Int32Array.from(candidates, ({ feature }) => feature),
              slots: most,
            });
          };
          const { codes, threshold } = await selectPerBatch(largest, { slots, size, count }, guess);
          expect(await selectPerBatch(largest, { slots, size, count })).toEqual({ codes, threshold });
          const positive = list.filter((value) => value > 0).sort((a, b) => b - a);
          expect(threshold).toBe(positive[count - 1] ?? 0);
          const expected = list.flatMap((value, at) => (value > 0 && value >= threshold ? [{ at, value }] : []));
          const actual = Array.from(codes.values, (value, entry) => ({
            at: codes.tokens[entry]! * size + codes.features[entry]!,
            value,
          }));
          expect(actual.sort((a, b) => a.at - b.at)).toEqual(expected);
        },
      ),
    );
  });

  it('per token keeps the positive candidates', () => {
    const values = Float32Array.of(3, -1, 0, 2);
    const codes = {
      tokens: Int32Array.of(0, 1),
      features: Int32Array.of(5, 9),
      values: Float32Array.of(3, 2),
    };
    const candidates = Int32Array.of(0, 3);
    expect(selectAbove({ values, indices: BigInt64Array.of(5n, 4n, 1n, 9n), slots: 2 })).toEqual({ codes, candidates });
    expect(selectAbove({ values, indices: Int32Array.of(5, 4, 1, 9), slots: 2 })).toEqual({ codes, candidates });
  });
});

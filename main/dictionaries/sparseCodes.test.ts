import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { selectPerBatch, selectPerToken } from './selection.ts';
import { blocksOf, fillColumns, fillValues, groupEntries, readValues, selectionThreshold } from './sparseCodes.ts';

const entriesOf = (listCount: number) =>
  fc.array(fc.record({ key: fc.integer({ min: -1, max: listCount - 1 }), column: fc.nat(99) }), { maxLength: 200 });

describe('grouped entries', () => {
  it('lie in exactly one block each, and come back to where they were', () => {
    fc.assert(
      fc.property(
        entriesOf(17),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 9 }),
        (entries, maxRows, maxLists) => {
          const keys = Int32Array.from(entries, ({ key }) => key);
          const columns = Int32Array.from(entries, ({ column }) => column);
          const values = Float32Array.from(entries, (_, at) => at + 1);
          const lists = groupEntries(keys, columns, 17);
          const seen: { key: number; column: number; value: number }[] = [];
          const returned = new Float32Array(entries.length);
          for (const block of blocksOf(lists, maxRows, maxLists)) {
            const count = block.lists.length * block.length;
            expect(block.lists.length).toBeLessThanOrEqual(maxLists);
            if (block.lists.length > 1) expect(count).toBeLessThanOrEqual(maxRows);
            // What was in the buffers before must not matter.
            const blockColumns = new Int32Array(count).fill(77);
            const blockValues = new Float32Array(count).fill(77);
            fillColumns(block, lists, blockColumns);
            fillValues(block, lists, values, blockValues);
            readValues(block, lists, blockValues, returned);
            blockValues.forEach((value, at) => {
              if (value === 0) expect(blockColumns[at]).toBe(0);
              else seen.push({ key: block.lists[Math.floor(at / block.length)]!, column: blockColumns[at]!, value });
            });
          }
          const expected = entries
            .map(({ key, column }, at) => ({ key, column, value: at + 1 }))
            .filter(({ key }) => key >= 0);
          expect(seen.sort((a, b) => a.value - b.value)).toEqual(expected);
          expect(Array.from(returned)).toEqual(entries.map(({ key }, at) => (key >= 0 ? at + 1 : 0)));
        },
      ),
    );
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

  it('per batch keeps the largest of the whole batch, whatever the guess', () => {
    fc.assert(
      fc.property(
        pre,
        fc.integer({ min: 1, max: 24 }),
        fc.float({ min: 0, max: 70, noNaN: true }),
        (list, count, guess) => {
          const values = Float32Array.from(list);
          const { codes, threshold } = selectPerBatch(values, 6, count, guess);
          const positive = list.filter((value) => value > 0).sort((a, b) => b - a);
          expect(threshold).toBe(positive[count - 1] ?? 0);
          const expected = list.flatMap((value, at) =>
            value > 0 && value >= threshold ? [{ token: Math.floor(at / 6), feature: at % 6, value }] : [],
          );
          const actual = Array.from(codes.values, (value, entry) => ({
            token: codes.tokens[entry],
            feature: codes.features[entry],
            value,
          }));
          expect(actual).toEqual(expected);
        },
      ),
    );
  });

  it('per token keeps the positive candidates', () => {
    const codes = selectPerToken(Float32Array.of(3, -1, 0, 2), BigInt64Array.of(5n, 4n, 1n, 9n), 2);
    expect(codes).toEqual({
      tokens: Int32Array.of(0, 1),
      features: Int32Array.of(5, 9),
      values: Float32Array.of(3, 2),
    });
  });
});

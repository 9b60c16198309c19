import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeAxis } from './ticks.ts';

describe('axes', () => {
  it('have ticks inside the domain, in order, and not many more than asked for', () => {
    const range = fc.double({ min: 1e-9, max: 1e9, noNaN: true });
    /** From a few floats wide to many powers of ten. */
    const width = fc.oneof(
      fc.integer({ min: 0, max: 50 }).map((floats) => (a: number) => a * (1 + floats * Number.EPSILON)),
      range.map((b) => () => b),
    );
    fc.assert(
      fc.property(range, width, fc.constantFrom('log' as const, 'linear' as const), (a, to, kind) => {
        const [low, high] = a < to(a) ? [a, to(a)] : [to(a), a];
        const { ticks } = makeAxis(kind, [low, high], [0, 100], 5);
        expect(ticks.length).toBeGreaterThan(0);
        expect(ticks.length).toBeLessThanOrEqual(12);
        for (const { at } of ticks) expect(at >= -1e-3 && at <= 100.001, `${at}`).toBe(true);
        const values = ticks.map(({ value }) => value);
        expect([...values].sort((x, y) => x - y)).toEqual(values);
        expect(new Set(values).size).toBe(values.length);
      }),
      { examples: [[999_999_999.9999977, () => 999_999_999.9999983, 'linear']] }, // a few floats wide
    );
  });

  it('show powers of ten on a long log axis', () => {
    expect(makeAxis('log', [1e-6, 1], [0, 100], 8).ticks.map(({ value }) => value)).toEqual([
      1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1,
    ]);
  });
});

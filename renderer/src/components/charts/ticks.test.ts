import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeAxis } from './ticks.ts';

describe('axes', () => {
  it('have ticks inside the domain, in order, and not many more than asked for', () => {
    const range = fc.double({ min: 1e-9, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(range, range, fc.constantFrom('log' as const, 'linear' as const), (a, b, kind) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        const { ticks } = makeAxis(kind, [low, high], [0, 100], 5);
        expect(ticks.length).toBeGreaterThan(0);
        expect(ticks.length).toBeLessThanOrEqual(12);
        for (const { at } of ticks) expect(at >= -1e-3 && at <= 100.001, `${at}`).toBe(true);
        const values = ticks.map(({ value }) => value);
        expect([...values].sort((x, y) => x - y)).toEqual(values);
      }),
    );
  });

  it('show powers of ten on a long log axis', () => {
    expect(makeAxis('log', [1e-6, 1], [0, 100], 8).ticks.map(({ value }) => value)).toEqual([
      1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1,
    ]);
  });
});

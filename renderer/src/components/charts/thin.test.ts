import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { thin } from './thin.ts';

describe('a curve with fewer points', () => {
  it('keeps its ends, its highest and its lowest point, in order, and is no longer than four points a column', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 2000 }),
        fc.integer({ min: 1, max: 50 }),
        (ys, columns) => {
          const points = ys.map((y, x) => ({ x, y }));
          const kept = thin(points, columns);
          expect(kept.length).toBeLessThanOrEqual(
            Math.max(points.length > columns * 4 ? columns * 4 : points.length, 1),
          );
          expect(kept[0]).toEqual(points[0]);
          expect(kept.at(-1)).toEqual(points.at(-1));
          const of = (list: readonly { y: number }[]) => [
            Math.min(...list.map(({ y }) => y)),
            Math.max(...list.map(({ y }) => y)),
          ];
          expect(of(kept)).toEqual(of(points));
          expect([...kept].sort((a, b) => a.x - b.x)).toEqual(kept);
        },
      ),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearestPoint, nextInDirection, pointsWithin, toMap, toScreen, wholeView, zoomed } from './mapView.ts';

const size = { width: 600, height: 400 };
const coordinate = fc.double({ min: -1, max: 1, noNaN: true });

describe('the map', () => {
  it('finds the place under the pointer again, however it was moved and enlarged', () => {
    fc.assert(
      fc.property(coordinate, coordinate, fc.double({ min: 0.1, max: 50, noNaN: true }), (x, y, factor) => {
        const view = zoomed(wholeView(size), size, [100, 80], factor);
        const [mapX, mapY] = toMap(view, size, toScreen(view, size, [x, y]));
        expect(mapX).toBeCloseTo(x, 9);
        expect(mapY).toBeCloseTo(y, 9);
        // What was under the pointer stays under it.
        const before = toMap(wholeView(size), size, [100, 80]);
        expect(toMap(view, size, [100, 80])[0]).toBeCloseTo(before[0], 9);
        expect(toMap(view, size, [100, 80])[1]).toBeCloseTo(before[1], 9);
      }),
    );
  });

  it('finds the nearest point within reach, and none beyond', () => {
    const points = Float32Array.of(0, 0, 0.5, 0.5, -0.5, 0.5);
    const view = wholeView(size);
    const [left, top] = toScreen(view, size, [0.5, 0.5]);
    expect(nearestPoint(points, view, size, [left + 3, top - 2], 8)).toBe(1);
    expect(nearestPoint(points, view, size, [left + 30, top], 8)).toBeNull();
    expect(nearestPoint(new Float32Array(0), view, size, [0, 0], 8)).toBeNull();
  });

  it('takes what a lasso is drawn around, also around a bay', () => {
    const points = Float32Array.of(-0.1, 0, 0.8, 0, 0, 0.6, 0.8, 0.6, 0.4, 0.6);
    const bay = [
      [-0.2, -0.2],
      [1, -0.2],
      [1, 1],
      [0.4, 0.2],
      [-0.2, 1],
    ] as const;
    expect(pointsWithin(points, bay)).toEqual([0, 1, 2, 3]);
    expect(pointsWithin(points, bay.slice(0, 3))).toEqual([1, 3]);
    expect(pointsWithin(points, [[0, 0]])).toEqual([]);
  });

  it('goes on by arrow keys', () => {
    const points = Float32Array.of(0, 0, 0.3, 0.1, 0.9, 0, 0, -0.4);
    expect(nextInDirection(points, 0, 1, 0)).toBe(1);
    expect(nextInDirection(points, 1, 1, 0)).toBe(2);
    expect(nextInDirection(points, 0, 0, -1)).toBe(3);
    expect(nextInDirection(points, 0, -1, 0)).toBeNull();
  });
});

// Geometry of the map: which part of the plane is in sight, what lies under the pointer or within a lasso, which feature is next
// in a direction. Places on the map lie between −1 and 1; y grows upwards, on the screen downwards.

export interface MapView {
  /** The point of the map in the middle of the canvas. */
  readonly x: number;
  readonly y: number;
  /** CSS pixels per unit of the map. */
  readonly scale: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export type Point = readonly [x: number, y: number];

const MARGIN = 0.92;
const MOST_ZOOM = 200;

/** All of the map. */
export function wholeView({ width, height }: Size): MapView {
  return { x: 0, y: 0, scale: Math.max(1, (Math.min(width, height) / 2) * MARGIN) };
}

export function toScreen({ x, y, scale }: MapView, { width, height }: Size, [mapX, mapY]: Point): Point {
  return [width / 2 + (mapX - x) * scale, height / 2 - (mapY - y) * scale];
}

export function toMap({ x, y, scale }: MapView, { width, height }: Size, [left, top]: Point): Point {
  return [x + (left - width / 2) / scale, y - (top - height / 2) / scale];
}

/** What is under `at` (on the screen) stays there. */
export function zoomed(view: MapView, size: Size, at: Point, factor: number): MapView {
  const whole = wholeView(size).scale;
  const scale = Math.max(whole * 0.5, Math.min(whole * MOST_ZOOM, view.scale * factor));
  const [x, y] = toMap(view, size, at);
  return { x: x - (at[0] - size.width / 2) / scale, y: y + (at[1] - size.height / 2) / scale, scale };
}

/** @param points `[n, 2]` @param reach on the screen @returns the nearest point, or null when none is within reach. */
export function nearestPoint(points: Float32Array, view: MapView, size: Size, at: Point, reach: number): number | null {
  const [x, y] = toMap(view, size, at);
  let [best, least] = [-1, (reach / view.scale) ** 2];
  for (let index = 0; 2 * index < points.length; index++) {
    const distance = (points[2 * index]! - x) ** 2 + (points[2 * index + 1]! - y) ** 2;
    if (distance <= least) [best, least] = [index, distance];
  }
  return best < 0 ? null : best;
}

/** The points within a closed line, by the even-odd rule. @param line on the map */
export function pointsWithin(points: Float32Array, line: readonly Point[]): number[] {
  const [left, right] = [Math.min(...line.map(([x]) => x)), Math.max(...line.map(([x]) => x))];
  const [low, high] = [Math.min(...line.map(([, y]) => y)), Math.max(...line.map(([, y]) => y))];
  const found: number[] = [];
  for (let index = 0; 2 * index < points.length; index++) {
    const [x, y] = [points[2 * index]!, points[2 * index + 1]!];
    if (x < left || x > right || y < low || y > high) continue;
    let isInside = false;
    for (let at = 0; at < line.length; at++) {
      const [ax, ay] = line[at]!;
      const [bx, by] = line[(at + 1) % line.length]!;
      if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) isInside = !isInside;
    }
    if (isInside) found.push(index);
  }
  return found;
}

/** The nearest point in a quarter of the plane: what an arrow key goes to. @param dx, dy the direction, y upwards */
export function nextInDirection(points: Float32Array, from: number, dx: number, dy: number): number | null {
  const [x, y] = [points[2 * from]!, points[2 * from + 1]!];
  let [best, least] = [-1, Infinity];
  for (let index = 0; 2 * index < points.length; index++) {
    const along = (points[2 * index]! - x) * dx + (points[2 * index + 1]! - y) * dy;
    const across = Math.abs((points[2 * index]! - x) * dy - (points[2 * index + 1]! - y) * dx);
    if (along <= 0 || across > along) continue;
    const distance = along * along + across * across;
    if (distance < least) [best, least] = [index, distance];
  }
  return best < 0 ? null : best;
}

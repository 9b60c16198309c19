// Fewer points for the same picture: of each column of pixels the first, the lowest, the highest and the last.

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** @param points in order of x. */
export function thin(points: readonly Point[], columns: number): readonly Point[] {
  if (points.length <= columns * 4) return points;
  const first = points[0];
  const last = points.at(-1);
  if (!first || !last || last.x <= first.x) return points;
  const kept: Point[] = [];
  let column: Point[] = [];
  let at = 0;
  const flush = () => {
    const [start] = column;
    if (!start) return;
    let low = start;
    let high = start;
    for (const point of column) {
      if (point.y < low.y) low = point;
      if (point.y > high.y) high = point;
    }
    const end = column.at(-1) ?? start;
    kept.push(...[...new Set([start, low, high, end])].sort((a, b) => a.x - b.x));
    column = [];
  };
  for (const point of points) {
    const own = Math.min(columns - 1, Math.floor(((point.x - first.x) / (last.x - first.x)) * columns));
    if (own !== at) flush();
    at = own;
    column.push(point);
  }
  flush();
  return kept;
}

import { describe, expect, it } from 'vitest';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import { Random } from '../numerics/random.ts';
import { decoderNeighbours, unitRows } from './decoderNeighbours.ts';
import { featureMap } from './featureMap.ts';

const runtime = createCpuRuntime({ threads: 1 });
const D = 24;

/** Rows around `clusters` directions. */
function clustered(clusters: number, perCluster: number): Float32Array {
  const random = new Random(7);
  const centres = Array.from({ length: clusters }, () => Array.from({ length: D }, () => random.normal()));
  return Float32Array.from({ length: clusters * perCluster * D }, (_, at) => {
    const row = Math.floor(at / D);
    return centres[row % clusters]![at % D]! + 0.3 * random.normal();
  });
}

describe('the map', () => {
  it('keeps near what has similar directions, and says the same each time', async () => {
    const clusters = 8;
    const decoder = clustered(clusters, 40);
    const size = decoder.length / D;
    const neighbours = await decoderNeighbours({ d: D, size, decoder }, 15, { runtime });
    const rows = unitRows(decoder, D);
    const map = await featureMap(rows, D, neighbours);
    expect(await featureMap(rows, D, neighbours)).toEqual(map);
    expect(map.every((value) => Math.abs(value) <= 1 + 1e-6)).toBe(true);
    // Of each point's five nearest on the map nearly all are of its own cluster; by chance one in eight would be.
    let own = 0;
    for (let point = 0; point < size; point++) {
      const distance = (other: number) =>
        (map[2 * point]! - map[2 * other]!) ** 2 + (map[2 * point + 1]! - map[2 * other + 1]!) ** 2;
      const nearest = Array.from({ length: size }, (_, other) => other)
        .filter((other) => other !== point)
        .sort((a, b) => distance(a) - distance(b))
        .slice(0, 5);
      own += nearest.filter((other) => other % clusters === point % clusters).length;
    }
    expect(own / (5 * size)).toBeGreaterThan(0.95);
  });

  it('gathers each cluster apart from the others, and spreads its points within it', async () => {
    const [clusters, perCluster] = [8, 40];
    const decoder = clustered(clusters, perCluster);
    const size = clusters * perCluster;
    const neighbours = await decoderNeighbours({ d: D, size, decoder }, 15, { runtime });
    const map = await featureMap(unitRows(decoder, D), D, neighbours);
    const at = (point: number) => [map[2 * point]!, map[2 * point + 1]!] as const;
    const distance = (a: readonly [number, number], b: readonly [number, number]) =>
      Math.hypot(a[0] - b[0], a[1] - b[1]);
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const points = Array.from({ length: size }, (_, point) => point);
    const centres = Array.from({ length: clusters }, (_, cluster) => {
      const own = points.filter((point) => point % clusters === cluster).map(at);
      return [mean(own.map(([x]) => x)), mean(own.map(([, y]) => y))] as const;
    });
    const width = mean(points.map((point) => distance(at(point), centres[point % clusters]!)));
    const gaps = centres.flatMap((centre, index) => centres.slice(0, index).map((other) => distance(centre, other)));
    // The nearest two centres are 18 widths apart; after 4 rounds instead of 500 they are 5.6.
    expect(Math.min(...gaps) / width).toBeGreaterThan(10);
    // Without repulsion every cluster collapses into one point: the width is then below 1e-9.
    expect(width).toBeGreaterThan(0.005);
    const nearest = points
      .map((point) =>
        Math.min(...points.filter((other) => other !== point).map((other) => distance(at(point), at(other)))),
      )
      .sort((a, b) => a - b);
    expect(nearest[size / 2]! / width).toBeGreaterThan(0.05);
  });

  it('takes rows that are equal, zero, or very few', async () => {
    for (const [size, decoder] of [
      [30, new Float32Array(30 * D).fill(1)],
      [30, new Float32Array(30 * D)],
      [2, clustered(2, 1)],
      [1, clustered(1, 1)],
    ] as const) {
      const neighbours = await decoderNeighbours({ d: D, size, decoder }, 15, { runtime });
      const map = await featureMap(unitRows(decoder, D), D, neighbours);
      expect(map.length).toBe(2 * size);
      expect(map.every(Number.isFinite)).toBe(true);
    }
  });

  it('can be cancelled', async () => {
    const decoder = clustered(3, 20);
    const neighbours = await decoderNeighbours({ d: D, size: 60, decoder }, 15, { runtime });
    const abort = new AbortController();
    const drawing = featureMap(unitRows(decoder, D), D, neighbours, {
      signal: abort.signal,
      onWork: ({ done }) => {
        if (done === 3) abort.abort();
      },
    });
    await expect(drawing).rejects.toThrow();
  });
});

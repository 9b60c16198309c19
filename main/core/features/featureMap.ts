// A map of the features: points in the plane such that features with similar decoder directions lie near each other. UMAP
// (McInnes, Healy & Melville 2018, arXiv 1802.03426) over the nearest decoder neighbours that are known already, started
// from the two directions in which the rows vary most. Only nearness means something on it; axes and far distances do not.
//
// Our own, since umap-js needs more than a minute and 2.4 GB to begin with 65 536 points, without a way to stop it.
import type { OnWork } from '../../contract/base/progress.ts';
import { Random } from '../numerics/random.ts';
import type { DecoderNeighbours } from './decoderNeighbours.ts';

/** Similarity in the plane is 1 / (1 + a·r^(2b)): fitted for min_dist 0.1 and spread 1, the paper's defaults. */
const A = 1.5769;
const B = 0.8951;
const NEGATIVES = 5;
const LARGEST_STEP = 4;
const START_WIDTH = 10;
/** Rows that the two first directions are found from. */
const SAMPLED_ROWS = 4096;
const POWER_ITERATIONS = 12;

export interface MapOptions {
  readonly seed?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onWork?: OnWork | undefined;
}

/**
 * @param rows `[size, d]`, of unit length
 * @returns `[size, 2]`, between −1 and 1, the same for the same input.
 */
export async function featureMap(
  rows: Float32Array,
  d: number,
  neighbours: DecoderNeighbours,
  { seed = 1, signal, onWork }: MapOptions = {},
): Promise<Float32Array> {
  const size = rows.length / d;
  const random = new Random(seed);
  const points = principalPlane(rows, d, random);
  const edges = symmetricEdges(neighbours, size);
  const epochs = size <= 10_000 ? 500 : 200;
  const largest = edges.weights.reduce((most, weight) => Math.max(most, weight), 0);
  // An edge is pulled on in a share of the epochs that is its weight relative to the largest.
  const due = Float64Array.from(edges.weights, (weight) => largest / weight);
  for (let epoch = 0; epoch < epochs; epoch++) {
    await new Promise((resolve) => setImmediate(resolve)); // cancelling, and other tasks of the engine
    signal?.throwIfAborted();
    runEpoch(points, edges, due, largest, epoch, 1 - epoch / epochs, random);
    onWork?.({ stage: 'Drawing the map', done: epoch + 1, total: epochs, unit: 'rounds' });
  }
  return normalised(points);
}

interface Edges {
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** 0 to 1 */
  readonly weights: Float64Array;
}

/** Fuzzy neighbourhoods: w_ij = exp(−(r_ij − ρ_i) / σ_i), then w_ij + w_ji − w_ij·w_ji, each pair once. */
function symmetricEdges({ features, cosines }: DecoderNeighbours, size: number): Edges {
  const count = features.length / size;
  const weights = new Float64Array(features.length);
  for (let feature = 0; feature < size; feature++) {
    const distances: number[] = [];
    for (let at = feature * count; at < (feature + 1) * count && features[at]! >= 0; at++) {
      distances.push(Math.max(0, 1 - cosines[at]!));
    }
    for (const [place, weight] of memberships(distances).entries()) weights[feature * count + place] = weight;
  }
  const weightOf = (feature: number, partner: number) => {
    for (let at = feature * count; at < (feature + 1) * count; at++) if (features[at] === partner) return weights[at]!;
    return 0;
  };
  const from: number[] = [];
  const to: number[] = [];
  const joint: number[] = [];
  for (let feature = 0; feature < size; feature++) {
    for (let at = feature * count; at < (feature + 1) * count; at++) {
      const partner = features[at]!;
      if (partner < 0) break;
      const back = weightOf(partner, feature);
      if (back > 0 && partner < feature) continue; // taken from the other side
      const weight = weights[at]! + back - weights[at]! * back;
      if (weight < 1e-3) continue; // less than once in all epochs
      from.push(feature);
      to.push(partner);
      joint.push(weight);
    }
  }
  return { from: Int32Array.from(from), to: Int32Array.from(to), weights: Float64Array.from(joint) };
}

/** @param distances rising. σ is such that the memberships add up to log₂ of their number, itself counted. */
function memberships(distances: readonly number[]): number[] {
  const nearest = distances.find((distance) => distance > 0) ?? 0;
  const target = Math.log2(distances.length + 1);
  let [low, high, sigma] = [0, Infinity, 1];
  const at = (width: number) => distances.map((distance) => Math.exp(-Math.max(0, distance - nearest) / width));
  for (let round = 0; round < 64; round++) {
    const sum = at(sigma).reduce((total, weight) => total + weight, 0);
    if (Math.abs(sum - target) < 1e-5) break;
    if (sum > target) [high, sigma] = [sigma, (low + sigma) / 2];
    else [low, sigma] = [sigma, high === Infinity ? 2 * sigma : (sigma + high) / 2];
  }
  const mean = distances.reduce((sum, distance) => sum + distance, 0) / Math.max(1, distances.length);
  return at(Math.max(sigma, 1e-3 * mean, 1e-9));
}

/** Moves both ends of the edges whose turn it is together, and the one apart from a few others drawn at random. */
function runEpoch(
  points: Float64Array,
  { from, to, weights }: Edges,
  due: Float64Array,
  largest: number,
  epoch: number,
  rate: number,
  random: Random,
): void {
  const size = points.length / 2;
  const step = (gradient: number) => Math.max(-LARGEST_STEP, Math.min(LARGEST_STEP, gradient)) * rate;
  for (let edge = 0; edge < weights.length; edge++) {
    if (due[edge]! > epoch + 1) continue;
    due[edge]! += largest / weights[edge]!;
    const [i, j] = [2 * from[edge]!, 2 * to[edge]!];
    const [x, y] = [points[i]! - points[j]!, points[i + 1]! - points[j + 1]!];
    const squared = x * x + y * y;
    if (squared > 0) {
      const power = squared ** B;
      const pull = (-2 * A * B * (power / squared)) / (1 + A * power);
      const [dx, dy] = [step(pull * x), step(pull * y)];
      points[i]! += dx;
      points[i + 1]! += dy;
      points[j]! -= dx;
      points[j + 1]! -= dy;
    }
    for (let sample = 0; sample < NEGATIVES; sample++) {
      // The ends take turns.
      const moved = sample % 2 === 0 ? i : j;
      const other = 2 * random.below(size);
      if (other === i || other === j) continue;
      const [ox, oy] = [points[moved]! - points[other]!, points[moved + 1]! - points[other + 1]!];
      const apart = ox * ox + oy * oy;
      const push = apart > 0 ? (2 * B) / ((0.001 + apart) * (1 + A * apart ** B)) : 0;
      points[moved]! += step(push * ox);
      points[moved + 1]! += step(push * oy);
    }
  }
}

/** The rows' places along the two directions in which they vary most, ±START_WIDTH wide, with a little noise. */
function principalPlane(rows: Float32Array, d: number, random: Random): Float64Array {
  const size = rows.length / d;
  const stride = Math.max(1, Math.floor(size / SAMPLED_ROWS));
  const mean = new Float64Array(d);
  let sampled = 0;
  for (let row = 0; row < size; row += stride, sampled++) {
    for (let j = 0; j < d; j++) mean[j]! += rows[row * d + j]!;
  }
  for (let j = 0; j < d; j++) mean[j]! /= sampled;
  const along = (row: number, axis: Float64Array) => {
    let sum = 0;
    for (let j = 0; j < d; j++) sum += (rows[row * d + j]! - mean[j]!) * axis[j]!;
    return sum;
  };
  const axes: Float64Array[] = [];
  for (let which = 0; which < 2; which++) {
    let axis = unit(Float64Array.from({ length: d }, () => random.normal()));
    for (let iteration = 0; iteration < POWER_ITERATIONS; iteration++) {
      const next = new Float64Array(d);
      for (let row = 0; row < size; row += stride) {
        const place = along(row, axis);
        for (let j = 0; j < d; j++) next[j]! += place * (rows[row * d + j]! - mean[j]!);
      }
      for (const earlier of axes) {
        const overlap = next.reduce((sum, value, j) => sum + value * earlier[j]!, 0);
        for (let j = 0; j < d; j++) next[j]! -= overlap * earlier[j]!;
      }
      axis = unit(next);
    }
    axes.push(axis);
  }
  const points = new Float64Array(2 * size);
  for (let row = 0; row < size; row++) for (const [c, axis] of axes.entries()) points[2 * row + c] = along(row, axis);
  const widest = points.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  return points.map((value) => (value / widest) * START_WIDTH + 0.01 * random.normal());
}

function unit(vector: Float64Array): Float64Array {
  const norm = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return norm === 0 ? vector : vector.map((value) => value / norm);
}

/** Centred; what lies farthest out along either axis is at 1. */
function normalised(points: Float64Array): Float32Array {
  const range = (axis: number): [number, number] => {
    let [least, most] = [Infinity, -Infinity];
    for (let at = axis; at < points.length; at += 2) {
      least = Math.min(least, points[at]!);
      most = Math.max(most, points[at]!);
    }
    return [(least + most) / 2, (most - least) / 2];
  };
  const [[x, width], [y, height]] = [range(0), range(1)];
  const half = Math.max(width, height) || 1;
  return Float32Array.from(points, (value, at) => (value - (at % 2 === 0 ? x : y)) / half);
}

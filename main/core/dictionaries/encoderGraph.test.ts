// Every architecture, as a graph, against dictionary.ts's formulas in double precision. Tolerance 1e-5: sums of 12 products
// of numbers near 1 in float32.
import { Tensor } from 'onnxruntime-common';
import { describe, expect, it } from 'vitest';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import { Random } from '../numerics/random.ts';
import { GraphBuilder, type Shape, type Value } from '../onnx/graph.ts';
import type { Dictionary } from './dictionary.ts';
import { DICTIONARY_KINDS } from './kinds/index.ts';
import {
  dictionaryFeeds,
  encodeFeatures,
  reconstruct,
  reconstructionPatch,
  zeroPatch,
  type DictionaryGraphOptions,
} from './encoderGraph.ts';
import {
  randomDictionary,
  referenceActivations,
  referenceReconstruction,
} from '../../testing/dictionaries/randomDictionary.ts';

const runtime = createCpuRuntime({ threads: 1 });
const TOLERANCE = 1e-5;
const d = 12;
const size = 40;

async function run(x: Tensor, shape: Shape, build: (x: Value) => Value, feeds: Record<string, Tensor> = {}) {
  const graph = new GraphBuilder('test');
  graph.output(build(graph.input('x', 'float32', shape)), 'y');
  const session = await runtime.createSession(graph.toBytes());
  const { y } = await session.run({ x, ...feeds });
  await session.release();
  if (!(y?.data instanceof Float32Array)) throw new Error('no floats');
  return { dims: y.dims, data: y.data };
}

function randomX(random: Random, ...dims: number[]): Tensor {
  const count = dims.reduce((product, dim) => product * dim, 1);
  return new Tensor(
    'float32',
    Float32Array.from({ length: count }, () => random.normal()),
    dims,
  );
}

const rowsOf = (data: Float32Array, width: number) =>
  Array.from({ length: data.length / width }, (_, row) => data.subarray(row * width, (row + 1) * width));

function expectClose(actual: Float32Array, expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  expect(actual.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (expected[i] ?? NaN))), 0)).toBeLessThan(
    TOLERANCE,
  );
}

describe.each(DICTIONARY_KINDS)('a %s dictionary in a graph', (architecture) => {
  const random = new Random(7);
  const dictionary = randomDictionary(random, architecture, { d, size });
  const x = randomX(random, 3, 5, d);
  const rows = rowsOf(x.data as Float32Array, d);
  const shape = ['batch', 'time', d];

  it('encodes all features', async () => {
    const { dims, data } = await run(x, shape, (value) => encodeFeatures(value, dictionary));
    expect(dims).toEqual([3, 5, size]);
    const expected = rows.flatMap((row) => [...referenceActivations(dictionary, row)]);
    expect(expected.filter((value) => value > 0).length).toBeGreaterThan(20); // it is not all silent
    expectClose(data, expected);
  });

  it('encodes some features as they are among all', async () => {
    const features = [31, 2, 2, 17];
    const { dims, data } = await run(x, shape, (value) => encodeFeatures(value, dictionary, { features }));
    expect(dims).toEqual([3, 5, features.length]);
    const expected = rows.flatMap((row) => {
      const all = referenceActivations(dictionary, row);
      return features.map((feature) => all[feature] ?? NaN);
    });
    expectClose(data, expected);
  });

  it('reconstructs, at a site with heads as well', async () => {
    const expected = rows.flatMap((row) => [...referenceReconstruction(dictionary, row)]);
    expectClose((await run(x, shape, (value) => reconstruct(value, dictionary))).data, expected);
    const heads = new Tensor('float32', x.data as Float32Array, [3, 5, 3, 4]);
    const { dims, data } = await run(heads, ['batch', 'time', 3, 4], (value) => reconstruct(value, dictionary));
    expect(dims).toEqual([3, 5, 3, 4]);
    expectClose(data, expected);
    expectClose(
      (
        await run(new Tensor('float32', x.data as Float32Array, [15, d]), ['rows', d], (value) =>
          reconstruct(value, dictionary),
        )
      ).data,
      expected,
    );
  });

  it.each([1, 15])('gives the same bits with its arrays as inputs, %i positions at once', async (positions) => {
    // 300 wide: wider than the block after which ONNX Runtime's product starts a new partial sum
    const wide = randomDictionary(new Random(3), architecture, { d: 300, size });
    const input = randomX(new Random(4), 1, positions, 300);
    const build = (options: DictionaryGraphOptions) => (value: Value) => reconstruct(value, wide, options);
    const asInitializers = await run(input, ['batch', 'time', 300], build({}));
    const options = { arrays: 'inputs', name: 'other' } as const;
    const asInputs = await run(input, ['batch', 'time', 300], build(options), dictionaryFeeds(wide, options));
    expect(asInputs.data).toEqual(asInitializers.data);
  });
});

describe('topk', () => {
  it('keeps the first of equal activations and no more than k', async () => {
    const base = randomDictionary(new Random(1), 'topk', { d: 2, size: 6, k: 3 });
    const dictionary: Dictionary = {
      ...base,
      encoder: Float32Array.of(1, 0, 2, 0, 1, 0, 1, 0, 1, 0, -1, 0),
      encoderBias: new Float32Array(6),
      centre: new Float32Array(2),
    };
    const x = new Tensor('float32', Float32Array.of(1, 0, -1, 0), [2, 2]);
    const { data } = await run(x, ['rows', 2], (value) => encodeFeatures(value, dictionary));
    expect([...data]).toEqual([1, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
  });
});

describe('patches for loss recovered', () => {
  const dictionary = randomDictionary(new Random(2), 'relu', { d, size });

  it('replace the value by its reconstruction or by zero, whatever it was', async () => {
    expect(reconstructionPatch(dictionary).site).toBe(dictionary.site);
    const x = new Tensor('float32', Float32Array.of(1, -2, NaN, Infinity), [1, 1, 4]);
    const { data } = await run(x, ['batch', 'time', 4], (value) => zeroPatch('hook_embed').apply(value));
    expect([...data]).toEqual([0, 0, 0, 0]);
  });

  it('refuse a site of another width and a feature that is not there', () => {
    const value = new GraphBuilder('test').input('x', 'float32', ['batch', 'time', 11]);
    expect(() => reconstructionPatch(dictionary).apply(value)).toThrow(/12 numbers per token does not fit/);
    const fitting = new GraphBuilder('test').input('x', 'float32', ['batch', 'time', d]);
    expect(() => encodeFeatures(fitting, dictionary, { features: [size] })).toThrow(/features 0 to 39, but not 40/);
  });
});

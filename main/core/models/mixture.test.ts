// A mixture of experts against the same in double precision, a token and an expert at a time.
import { Tensor } from 'onnxruntime-common';
import { expect, it } from 'vitest';
import { Random } from '../numerics/random.ts';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import { GraphBuilder } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import { ConfigFields } from './config.ts';
import { gatedProduct } from './feedForward.ts';
import { mixtureOfExperts, readExperts, type MixtureConfig } from './mixture.ts';

const HIDDEN = 6;
const WIDTH = 5;
const runtime = createCpuRuntime({ threads: 1 });

type Matrix = readonly (readonly number[])[];
const product = (matrix: Matrix, x: readonly number[]) =>
  matrix.map((row) => row.reduce((sum, weight, i) => sum + weight * x[i]!, 0));

interface Weights {
  readonly router: Matrix;
  readonly experts: readonly { readonly gate: Matrix; readonly up: Matrix; readonly down: Matrix }[];
}

function reference({ router, experts }: Weights, x: readonly number[], { perToken, isNormalized }: MixtureConfig) {
  const powers = product(router, x).map(Math.exp);
  const total = powers.reduce((sum, each) => sum + each, 0);
  const ranked = powers.map((power, expert) => ({ expert, probability: power / total }));
  const chosen = ranked.sort((a, b) => b.probability - a.probability).slice(0, perToken);
  const mass = isNormalized ? chosen.reduce((sum, { probability }) => sum + probability, 0) : 1;
  const sum = new Array<number>(HIDDEN).fill(0);
  for (const { expert, probability } of chosen) {
    const { gate, up, down } = experts[expert]!;
    const opened = product(gate, x).map((value) => value / (1 + Math.exp(-value)));
    const hidden = product(up, x).map((value, i) => value * opened[i]!);
    product(down, hidden).forEach((value, i) => (sum[i]! += (probability / mass) * value));
  }
  return sum;
}

it.each([
  { experts: 4, perToken: 2, isNormalized: true, tokens: 12 },
  { experts: 4, perToken: 2, isNormalized: false, tokens: 12 },
  { experts: 3, perToken: 3, isNormalized: false, tokens: 5 },
  // Most experts compute nothing.
  { experts: 20, perToken: 1, isNormalized: true, tokens: 2 },
])('is the weighted sum of the experts that a token chose: $perToken of $experts, $tokens tokens', async (asked) => {
  const config: MixtureConfig = { ...asked, blocks: [0], width: WIDTH };
  const random = new Random(5);
  const matrix = (rows: number, columns: number): Matrix =>
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => Math.fround(random.normal())));
  const weights: Weights = {
    router: matrix(asked.experts, HIDDEN),
    experts: Array.from({ length: asked.experts }, () => ({
      ...{ gate: matrix(WIDTH, HIDDEN), up: matrix(WIDTH, HIDDEN), down: matrix(HIDDEN, WIDTH) },
    })),
  };
  const x = matrix(asked.tokens, HIDDEN);

  const graph = new GraphBuilder('mixture');
  const input = graph.input('x', 'float32', ['batch', 'time', HIDDEN]);
  let count = 0;
  const constant = (value: Matrix) =>
    graph.initializer(
      `weight ${count++}`,
      'float32',
      [value.length, value[0]!.length],
      Float32Array.from(value.flat()),
    );
  const result = mixtureOfExperts(0, input, config, {
    router: (rows) => op.linear(rows, constant(weights.router)),
    expert: (rows, index) => {
      const { gate, up, down } = weights.experts[index]!;
      const parts = {
        gate: { weight: constant(gate) },
        up: { weight: constant(up) },
        down: { weight: constant(down) },
      };
      return gatedProduct(rows, parts, op.silu);
    },
  });
  graph.output(result, 'y');
  const session = await runtime.createSession(graph.toBytes());
  const { y } = await session.run({ x: new Tensor('float32', Float32Array.from(x.flat()), [1, asked.tokens, HIDDEN]) });
  await session.release();

  expect(y!.dims).toEqual([1, asked.tokens, HIDDEN]);
  const expected = x.flatMap((row) => reference(weights, row, config));
  (y!.data as Float32Array).forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-4));
});

it('is refused with more experts per token than there are', () => {
  const fields = new ConfigFields('config.json', { num_experts: 4, num_experts_per_tok: 5 });
  expect(() => readExperts(fields, ['num_experts'], 8)).toThrow('a token goes through 5 experts, and there are only 4');
});

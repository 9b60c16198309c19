// RelP's rules (Jafari et al. 2025, arXiv 2508.21258): what they hold constant, and that relevance is conserved where they say so.
import { Tensor } from 'onnxruntime-common';
import { expect, it } from 'vitest';
import { createCpuRuntime } from '../cpuRuntime.ts';
import { GraphBuilder, type Value } from '../graph.ts';
import * as op from '../ops.ts';
import { RELP } from './rules.ts';
import { vectorJacobianProduct } from './vectorJacobian.ts';

const runtime = createCpuRuntime({ threads: 1 });
const X = [-1.5, -0.25, 0, 0.75, 2, 1];
const UP = [0.5, -2, 1.5, 1, -1, 0.25];

/** y and the gradients of Σ y by RelP with respect to x and up, `[2, 3]` each. */
async function relevance(build: (x: Value, up: Value) => Value): Promise<(number[] | null)[]> {
  const graph = new GraphBuilder('relp');
  const [x, up] = [graph.input('x', 'float32', [2, 3]), graph.input('up', 'float32', [2, 3])];
  const y = build(x, up);
  const ones = graph.initializer('ones', 'float32', [2, 3], new Float32Array(6).fill(1));
  const gradients = vectorJacobianProduct([{ value: y, gradient: ones }], [x, up], RELP);
  graph.output(y, 'y');
  for (const [index, gradient] of gradients.entries()) if (gradient) graph.output(gradient, `gradient.${index}`);
  const session = await runtime.createSession(graph.toBytes());
  const feeds = { x: new Tensor('float32', X, [2, 3]), up: new Tensor('float32', UP, [2, 3]) };
  const results = await session.run(
    Object.fromEntries(Object.entries(feeds).filter(([name]) => session.inputNames.includes(name))),
  );
  await session.release();
  const numbers = (name: string) => {
    const data = results[name]?.data;
    return data instanceof Float32Array ? Array.from(data) : null;
  };
  return [numbers('y'), numbers('gradient.0'), numbers('gradient.1')];
}

function expectClose(actual: readonly number[] | null | undefined, expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [index, value] of expected.entries()) expect(actual?.[index]).toBeCloseTo(value, 5);
}

it.each([
  ['GELU', op.gelu],
  ["GELU's tanh approximation", op.geluTanh],
  ['SiLU', op.silu],
  ['tanh', op.tanh],
  ['ReLU', op.relu],
] as const)('%s conserves relevance: x times its rule is its value', async (_, build) => {
  const [y, gradient] = await relevance(build);
  expectClose(
    gradient?.map((slope, index) => slope * X[index]!),
    y ?? [],
  );
});

it('holds the gate of a gated product constant, and passes everything to the other factor', async () => {
  const [, gate, up] = await relevance((x, factor) => op.mul(op.silu(x), factor));
  expect(gate).toBeNull();
  expectClose(
    up,
    X.map((x) => x / (1 + Math.exp(-x))),
  );
});

it.each([
  [
    'LayerNorm',
    (x: Value) => op.layerNorm(x, x.graph.constant('float32', [1, 2, 3]), null, 1e-5),
    (row: readonly number[]) => {
      const mean = (row[0]! + row[1]! + row[2]!) / 3;
      return Math.sqrt(row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 3 + 1e-5);
    },
    // Σⱼ scaleⱼ·(δᵢⱼ − 1/3)
    [-1, 0, 1],
  ],
  [
    'RMSNorm',
    (x: Value) => op.div(x, op.sqrt(op.add(op.reduceMean(op.pow(x, 2), [-1]), 1e-5))),
    (row: readonly number[]) => Math.sqrt(row.reduce((sum, value) => sum + value ** 2, 0) / 3 + 1e-5),
    [1, 1, 1],
  ],
] as const)('holds the divisor of %s constant', async (_, build, divisor, direction) => {
  const [, gradient] = await relevance(build);
  const expected = [X.slice(0, 3), X.slice(3)].flatMap((row) => direction.map((value) => value / divisor(row)));
  expectClose(gradient, expected);
});

it('holds attention patterns constant', async () => {
  const [, scores, values] = await relevance((x, up) =>
    op.matMul(op.softmax(op.matMul(x, op.transpose(x, [1, 0]))), up),
  );
  expect(scores).toBeNull();
  expect(values?.every((value) => value > 0)).toBe(true);
});

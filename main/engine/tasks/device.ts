// Tries a device out: does it compute correctly, do results stay on it between runs, how fast is a matrix product. Always
// run in an engine process of its own that is thrown away: a broken driver takes the process with it.
import { env, Tensor } from 'onnxruntime-node';
import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';
import { GraphBuilder } from '../../core/onnx/graph.ts';
import * as op from '../../core/onnx/ops.ts';
import type { Runtime } from '../../core/onnx/runtime.ts';
import { defineTask } from '../task.ts';

export interface ProbeResult {
  /** The largest difference from the same products in float64. */
  readonly maxAbsError: number;
  /** Of a float32 matrix product, 10⁹ floating point operations per second. */
  readonly gigaflops: number;
  readonly onnxruntime: string;
}

export const probeDevice = defineTask({
  lane: 'quick',
  input: v.object({}),
  run: async (_input, { runtime }): Promise<ProbeResult> => {
    const maxAbsError = await checkCorrectness(runtime);
    const gigaflops = await measureProduct(runtime);
    return { maxAbsError, gigaflops, onnxruntime: env.versions.node ?? env.versions.common };
  },
});

const ROWS = 16;
const WIDTH = 64;
const STEPS = 3;
/** Float32 products of 64 terms of size about one, three times over, are exact to about 1e-5. */
const TOLERANCE = 1e-3;

const wave = (length: number, frequency: number, scale: number) =>
  Float32Array.from({ length }, (_, i) => scale * Math.sin(frequency * (i + 1)));

/**
 * state ← relu(state·w) + x, three times with the state kept on the device as training keeps its parameters, then read
 * back through an Identity; against the same in float64.
 */
async function checkCorrectness(runtime: Runtime): Promise<number> {
  const weights = wave(WIDTH * WIDTH, 1.7, 0.2);
  const x = wave(ROWS * WIDTH, 0.9, 1);

  const step = new GraphBuilder('step');
  const state = step.input('state', 'float32', [ROWS, WIDTH]);
  const product = op.matMul(state, step.initializer('w', 'float32', [WIDTH, WIDTH], weights));
  const next = op.add(op.relu(product), step.input('x', 'float32', [ROWS, WIDTH]));
  step.output(next, 'next');
  step.output(op.topK(next, 4).values, 'largest');
  const read = new GraphBuilder('read');
  read.output(op.identity(read.input('state', 'float32', [ROWS, WIDTH])), 'copy');

  const stepSession = await runtime.createSession(step.toBytes(), { residentOutputs: ['next'] });
  const readSession = await runtime.createSession(read.toBytes());
  const input = new Tensor('float32', x, [ROWS, WIDTH]);
  let current: Tensor = new Tensor('float32', new Float32Array(ROWS * WIDTH), [ROWS, WIDTH]);
  let largest: ArrayLike<unknown> = [];
  for (let i = 0; i < STEPS; i++) {
    const results = await stepSession.run({ state: current, x: input });
    if (!results['next'] || !results['largest']) throw new AppError('device', 'An output is missing.');
    current = results['next'];
    largest = results['largest'].data;
  }
  const { copy } = await readSession.run({ state: current });
  await stepSession.release();
  await readSession.release();

  const expected = reference(weights, x);
  const expectedLargest = Array.from({ length: ROWS }, (_, row) =>
    [...expected.subarray(row * WIDTH, (row + 1) * WIDTH)].sort((a, b) => b - a).slice(0, 4),
  ).flat();
  const maxAbsError = Math.max(difference(copy?.data, expected), difference(largest, expectedLargest));
  if (!(maxAbsError <= TOLERANCE)) {
    throw new AppError('device', `It computes wrong results: they differ from the reference by ${maxAbsError}.`);
  }
  return maxAbsError;
}

function reference(weights: Float32Array, x: Float32Array): Float64Array {
  let state = new Float64Array(ROWS * WIDTH);
  for (let step = 0; step < STEPS; step++) {
    state = Float64Array.from(x, (added, at) => {
      const row = Math.floor(at / WIDTH) * WIDTH;
      let sum = 0;
      for (let k = 0; k < WIDTH; k++) sum += (state[row + k] ?? NaN) * (weights[k * WIDTH + (at % WIDTH)] ?? NaN);
      return Math.max(0, sum) + added;
    });
  }
  return state;
}

/** NaN when there is nothing to compare or anything is not a number. */
function difference(actual: ArrayLike<unknown> | undefined, expected: ArrayLike<number>): number {
  if (actual?.length !== expected.length) return NaN;
  return Array.from(expected, (value, i) => Math.abs(Number(actual[i]) - value)).reduce((a, b) => Math.max(a, b), 0);
}

const PRODUCT_DEPTH = 512;
const PRODUCT_WIDTH = 2048;
const MOST_ROWS = 4096;
/** Long enough to drown the cost of a call, short enough for a slow device. */
const ENOUGH_MS = 60;

/** The rate of `[rows, 512] × [512, 2048]`, with as many rows as it takes to be measured; at least one run after a first. */
async function measureProduct(runtime: Runtime): Promise<number> {
  const graph = new GraphBuilder('product');
  const x = graph.input('x', 'float32', ['rows', PRODUCT_DEPTH]);
  const weights = wave(PRODUCT_DEPTH * PRODUCT_WIDTH, 0.3, 0.1);
  const product = op.matMul(x, graph.initializer('w', 'float32', [PRODUCT_DEPTH, PRODUCT_WIDTH], weights));
  graph.output(op.reduceMax(product, [1]), 'largest'); // a small result, so that the product is what is measured
  const session = await runtime.createSession(graph.toBytes());
  let best = 0;
  for (let rows = 8; rows <= MOST_ROWS; rows *= 4) {
    const input = new Tensor('float32', wave(rows * PRODUCT_DEPTH, 0.5, 1), [rows, PRODUCT_DEPTH]);
    const firstAt = performance.now();
    await session.run({ x: input }); // compiles, allocates
    const at = performance.now();
    if (rows > 8 && at - firstAt > 40 * ENOUGH_MS) break; // a second one would take as long again
    await session.run({ x: input });
    const ms = performance.now() - at;
    best = Math.max(best, (2 * rows * PRODUCT_DEPTH * PRODUCT_WIDTH) / (ms * 1e6));
    if (ms > ENOUGH_MS) break;
  }
  await session.release();
  return best;
}

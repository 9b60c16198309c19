// Compares the gradient of a graph with central differences of the same function in double precision. Only tests import this file.
import { Tensor } from 'onnxruntime-common';
import { Random } from '../../core/numerics/random.ts';
import { createCpuRuntime } from '../../core/onnx/cpuRuntime.ts';
import type { Rules } from '../../core/onnx/gradient/rule.ts';
import { vectorJacobianProduct } from '../../core/onnx/gradient/vectorJacobian.ts';
import { GraphBuilder } from '../../core/onnx/graph.ts';
import * as op from '../../core/onnx/ops.ts';
import type { CaseInput, OperatorCase } from './operatorCases.ts';

const runtime = createCpuRuntime({ threads: 1 });

/** Steps of the differences: large ones err by the third derivative, small ones by rounding. The best of all counts. */
const STEPS = [1e-3, 1e-4, 1e-5, 1e-6];

export interface GradientCheck {
  /** max |graph − formula| of the function itself. */
  readonly valueError: number;
  /** max |graph − differences| over all wanted inputs, relative to the largest difference. */
  readonly gradientError: number;
}

export async function checkCase(operatorCase: OperatorCase, rules: Rules): Promise<GradientCheck> {
  const { inputs, build, sizes } = operatorCase;
  const graph = new GraphBuilder('case');
  const values = inputs.map((input, index) => graph.input(`x${index}`, 'float32', input.shape));
  const y = build(values, graph);
  const seed = op.cast(graph.input('seed', 'float32', y.shape), y.type);
  const wanted = values.filter((_, index) => inputs[index]?.isWanted);
  const gradients = vectorJacobianProduct([{ value: y, gradient: seed }], wanted, rules);
  graph.output(op.cast(y, 'float32'), 'y');
  for (const [index, gradient] of gradients.entries()) if (gradient) graph.output(gradient, `gradient.${index}`);

  const count = sizes.reduce((product, size) => product * size, 1);
  const random = new Random(5);
  const weights = Float32Array.from({ length: count }, () => 0.5 + random.uniform());
  const feeds: Record<string, Tensor> = { seed: new Tensor('float32', weights, [...sizes]) };
  for (const [index, input] of inputs.entries()) {
    feeds[`x${index}`] = new Tensor('float32', Float32Array.from(input.values), [...input.sizes]);
  }
  const session = await runtime.createSession(graph.toBytes());
  const used = Object.fromEntries(Object.entries(feeds).filter(([name]) => session.inputNames.includes(name)));
  const results = await session.run(used);
  await session.release();

  const arrays = inputs.map(({ values: numbers }) => Float64Array.from(numbers, Math.fround));
  const valueError = worst(dataOf(results['y']), evaluate(operatorCase, arrays));
  let gradientError = 0;
  let place = 0;
  for (const [index, input] of inputs.entries()) {
    if (!input.isWanted) continue;
    const actual = results[`gradient.${place++}`];
    const got = actual ? dataOf(actual) : new Float32Array(input.values.length);
    gradientError = Math.max(gradientError, againstDifferences(operatorCase, arrays, weights, index, got));
  }
  return { valueError, gradientError };
}

function againstDifferences(
  operatorCase: OperatorCase,
  arrays: readonly Float64Array[],
  weights: Float32Array,
  input: number,
  got: Float32Array,
): number {
  const errors = STEPS.map((step) => {
    const expected = got.map((_, position) => {
      const at = (offset: number) => {
        const moved = arrays.map((array, index) =>
          index === input ? array.map((value, n) => (n === position ? value + offset : value)) : array,
        );
        return evaluate(operatorCase, moved).reduce((total, value, n) => total + value * weights[n]!, 0);
      };
      return (at(step) - at(-step)) / (2 * step);
    });
    const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
    return worst(got, expected) / scale;
  });
  return Math.min(...errors);
}

function evaluate({ inputs, sizes, formula }: OperatorCase, arrays: readonly Float64Array[]): Float64Array {
  const reads = inputs.map((input, index) => reader(input, arrays[index]!));
  const count = sizes.reduce((product, size) => product * size, 1);
  return Float64Array.from({ length: count }, (_, flat) => formula(reads, unravel(flat, sizes)));
}

function reader({ sizes }: CaseInput, array: Float64Array) {
  return (...index: readonly number[]): number => {
    const flat = sizes.reduce((position, size, axis) => position * size + (index[axis] ?? NaN), 0);
    const value = array[flat];
    if (value === undefined) throw new Error(`There is no entry ${index.join(', ')} in [${sizes.join(', ')}].`);
    return value;
  };
}

function unravel(flat: number, sizes: readonly number[]): number[] {
  const index: number[] = [];
  let rest = flat;
  for (const size of sizes.toReversed()) {
    index.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return index;
}

function dataOf(tensor: Tensor | undefined): Float32Array {
  if (!(tensor?.data instanceof Float32Array)) throw new Error('Not a float32 tensor.');
  return tensor.data;
}

function worst(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let most = 0;
  for (let index = 0; index < actual.length; index++) {
    const difference = Math.abs(actual[index]! - expected[index]!);
    if (!(difference <= most)) most = difference;
  }
  return most;
}

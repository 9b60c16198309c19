// For every operator with a derivative: graphs that use it, and the same functions in double precision, written out from their
// formulas. Only tests import this file.
import { Random } from '../../core/numerics/random.ts';
import type { Dim, GraphBuilder, Value } from '../../core/onnx/graph.ts';
import * as op from '../../core/onnx/ops.ts';

export interface CaseInput {
  readonly sizes: readonly number[];
  /** The sizes with names for those that are known at run time only. */
  readonly shape: readonly Dim[];
  readonly values: readonly number[];
  /** Whether a gradient with respect to it is wanted. */
  readonly isWanted: boolean;
}

type Read = (...index: readonly number[]) => number;

export interface OperatorCase {
  readonly operator: string;
  readonly title: string;
  readonly inputs: readonly CaseInput[];
  readonly build: (values: readonly Value[], graph: GraphBuilder) => Value;
  /** The sizes of the result, and each of its numbers by its indices. */
  readonly sizes: readonly number[];
  readonly formula: (inputs: readonly Read[], index: readonly number[]) => number;
}

const random = new Random(17);

interface Draw {
  /** Numbers lie between them, and further than `gap` from 0. */
  readonly low?: number;
  readonly high?: number;
  readonly gap?: number;
  readonly names?: readonly (string | null)[];
  readonly isWanted?: boolean;
}

function draw(sizes: readonly number[], { low = -2, high = 2, gap = 0.05, names = [], isWanted = true }: Draw = {}) {
  const count = sizes.reduce((product, size) => product * size, 1);
  const values = Array.from({ length: count }, () => {
    for (;;) {
      const value = low + (high - low) * random.uniform();
      if (Math.abs(value) > gap) return value;
    }
  });
  return { sizes, shape: sizes.map((size, axis) => names[axis] ?? size), values, isWanted };
}

const X = [2, 3, 4];
const sum = (count: number, term: (index: number) => number): number =>
  Array.from({ length: count }, (_, index) => term(index)).reduce((total, next) => total + next, 0);
const range = (count: number, term: (index: number) => number): number[] =>
  Array.from({ length: count }, (_, index) => term(index));

/** An operator on one value of the same shape. */
function unary(
  operator: string,
  build: (x: Value) => Value,
  formula: (x: number) => number,
  options: Draw = {},
): OperatorCase {
  return {
    operator,
    title: operator,
    inputs: [draw(X, { names: ['batch', 'time', null], ...options })],
    build: ([x]) => build(x!),
    sizes: X,
    formula: ([x], index) => formula(x!(...index)),
  };
}

/** An operator on two values: of one shape, and with the second or the first repeated along two axes. */
function binary(
  operator: string,
  build: (a: Value, b: Value) => Value,
  formula: (a: number, b: number) => number,
  options: Draw = {},
): OperatorCase[] {
  const rows = (a: readonly number[], b: readonly number[], title: string): OperatorCase => ({
    operator,
    title: `${operator} ${title}`,
    inputs: [draw(a, options), draw(b, options)],
    build: ([x, y]) => build(x!, y!),
    sizes: X,
    formula: ([x, y], [i = 0, j = 0, k = 0]) => {
      const read = (value: Read, sizes: readonly number[]) =>
        sizes.length === 1 ? value(k) : value(i, sizes[1] === 1 ? 0 : j, k);
      return formula(read(x!, a), read(y!, b));
    },
  });
  return [rows(X, X, 'of equal shapes'), rows(X, [4], 'with a row'), rows([2, 1, 4], X, 'with a repeated axis')];
}

function erf(x: number): number {
  // Taylor series: enough for |x| ≤ 3 in double precision.
  let [term, total] = [x, x];
  for (let n = 1; n < 80; n++) {
    term *= (-x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}

/** Over the last axis of `[2, 3, 4]`, kept as size 1 or dropped. */
function reduction(
  operator: string,
  build: (x: Value, keepDims: boolean) => Value,
  formula: (row: readonly number[]) => number,
): OperatorCase[] {
  return [true, false].map((keepDims) => ({
    operator,
    title: `${operator} ${keepDims ? 'that keeps' : 'that drops'} its axis`,
    inputs: [draw(X, { names: ['batch', 'time', null] })],
    build: ([x]) => build(x!, keepDims),
    sizes: keepDims ? [2, 3, 1] : [2, 3],
    formula: ([x], [i = 0, j = 0]) => formula(range(4, (k) => x!(i, j, k))),
  }));
}

const logSumExp = (row: readonly number[]) => Math.log(sum(row.length, (k) => Math.exp(row[k]!)));

const int64 = (graph: GraphBuilder, name: string, shape: readonly number[], values: readonly number[]) =>
  graph.initializer(name, 'int64', shape, BigInt64Array.from(values, BigInt));

export const OPERATOR_CASES: readonly OperatorCase[] = [
  unary(
    'Identity',
    (x) => op.identity(x),
    (x) => x,
  ),
  unary(
    'Cast',
    (x) => op.cast(x, 'float64'),
    (x) => x,
  ),
  ...binary('Add', op.add, (a, b) => a + b),
  ...binary('Sub', op.sub, (a, b) => a - b),
  ...binary('Mul', op.mul, (a, b) => a * b),
  ...binary('Div', op.div, (a, b) => a / b, { gap: 0.5 }),
  ...binary('Max', op.max, Math.max),
  ...binary('Min', op.min, Math.min),
  unary('Neg', op.neg, (x) => -x),
  unary('Abs', op.abs, Math.abs),
  unary('Sqrt', op.sqrt, Math.sqrt, { low: 0.5 }),
  unary('Exp', op.exp, Math.exp),
  unary('Log', op.log, Math.log, { low: 0.5 }),
  unary('Tanh', op.tanh, Math.tanh),
  unary('Sigmoid', op.sigmoid, (x) => 1 / (1 + Math.exp(-x))),
  unary('Erf', op.erf, erf),
  unary('Relu', op.relu, (x) => Math.max(x, 0)),
  unary(
    'Clip',
    (x) => op.clip(x, x.graph.constant('float32', 0.25)),
    (x) => Math.max(x, 0.25),
    { gap: 0.3 },
  ),
  unary(
    'Pow',
    (x) => op.pow(x, 2),
    (x) => x * x,
  ),
  {
    ...unary(
      'Pow',
      (x) => op.pow(x, 3),
      (x) => x ** 3,
    ),
    title: 'Pow of 3',
  },
  unary('Gelu', op.gelu, (x) => (x * (1 + erf(x / Math.SQRT2))) / 2),
  {
    ...unary('Gelu', op.geluTanh, (x) => (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2),
    title: 'Gelu by its tanh approximation',
  },
  {
    operator: 'Where',
    title: 'Where with a repeated branch',
    inputs: [draw(X), draw([4]), draw(X, { isWanted: false })],
    build: ([a, b, condition]) => op.where(op.greater(condition!, 0), a!, b!),
    sizes: X,
    formula: ([a, b, condition], [i = 0, j = 0, k = 0]) => (condition!(i, j, k) > 0 ? a!(i, j, k) : b!(k)),
  },
  {
    operator: 'Expand',
    title: 'Expand',
    inputs: [draw([2, 1, 4]), draw(X, { isWanted: false })],
    build: ([x, like]) => op.expand(x!, like!),
    sizes: X,
    formula: ([x], [i = 0, , k = 0]) => x!(i, 0, k),
  },
  ...[false, true].flatMap((transA) =>
    [false, true].map((transB): OperatorCase => ({
      operator: 'Gemm',
      title: `Gemm${transA ? ' of Aᵀ' : ''}${transB ? ' by Bᵀ' : ''} with a bias`,
      inputs: [draw(transA ? [4, 3] : [3, 4]), draw(transB ? [5, 4] : [4, 5]), draw([5])],
      build: ([a, b, c]) => op.gemm(a!, b!, c, { transA, transB, alpha: 0.5, beta: 3 }),
      sizes: [3, 5],
      formula: ([a, b, c], [i = 0, j = 0]) =>
        0.5 * sum(4, (k) => (transA ? a!(k, i) : a!(i, k)) * (transB ? b!(j, k) : b!(k, j))) + 3 * c!(j),
    })),
  ),
  {
    operator: 'MatMul',
    title: 'MatMul of stacks',
    inputs: [draw([2, 3, 4]), draw([2, 4, 5])],
    build: ([a, b]) => op.matMul(a!, b!),
    sizes: [2, 3, 5],
    formula: ([a, b], [i = 0, j = 0, k = 0]) => sum(4, (n) => a!(i, j, n) * b!(i, n, k)),
  },
  {
    operator: 'MatMul',
    title: 'MatMul of a stack by one matrix',
    inputs: [draw([2, 3, 4]), draw([4, 5])],
    build: ([a, b]) => op.matMul(a!, b!),
    sizes: [2, 3, 5],
    formula: ([a, b], [i = 0, j = 0, k = 0]) => sum(4, (n) => a!(i, j, n) * b!(n, k)),
  },
  {
    operator: 'Softmax',
    title: 'Softmax',
    inputs: [draw(X)],
    build: ([x]) => op.softmax(x!),
    sizes: X,
    formula: ([x], [i = 0, j = 0, k = 0]) => Math.exp(x!(i, j, k)) / sum(4, (n) => Math.exp(x!(i, j, n))),
  },
  {
    operator: 'LogSoftmax',
    title: 'LogSoftmax',
    inputs: [draw(X)],
    build: ([x]) => op.logSoftmax(x!),
    sizes: X,
    formula: ([x], [i = 0, j = 0, k = 0]) => x!(i, j, k) - logSumExp(range(4, (n) => x!(i, j, n))),
  },
  {
    operator: 'LayerNormalization',
    title: 'LayerNormalization',
    inputs: [draw(X), draw([4]), draw([4])],
    build: ([x, scale, bias]) => op.layerNorm(x!, scale!, bias!, 1e-2),
    sizes: X,
    formula: ([x, scale, bias], [i = 0, j = 0, k = 0]) => {
      const mean = sum(4, (n) => x!(i, j, n)) / 4;
      const variance = sum(4, (n) => (x!(i, j, n) - mean) ** 2) / 4;
      return ((x!(i, j, k) - mean) / Math.sqrt(variance + 1e-2)) * scale!(k) + bias!(k);
    },
  },
  ...reduction(
    'ReduceSum',
    (x, keepDims) => op.reduceSum(x, [-1], { keepDims }),
    (row) => sum(4, (k) => row[k]!),
  ),
  ...reduction(
    'ReduceMean',
    (x, keepDims) => op.reduceMean(x, [-1], { keepDims }),
    (row) => sum(4, (k) => row[k]!) / 4,
  ),
  {
    operator: 'ReduceMean',
    title: 'ReduceMean over a size known at run time',
    inputs: [draw(X, { names: [null, 'time', null] })],
    build: ([x]) => op.reduceMean(x!, [1]),
    sizes: [2, 1, 4],
    formula: ([x], [i = 0, , k = 0]) => sum(3, (j) => x!(i, j, k)) / 3,
  },
  ...reduction(
    'ReduceSumSquare',
    (x, keepDims) => op.reduceSumSquare(x, [-1], { keepDims }),
    (row) => sum(4, (k) => row[k]! ** 2),
  ),
  ...reduction(
    'ReduceL2',
    (x, keepDims) => op.reduceL2(x, [-1], { keepDims }),
    (row) => Math.hypot(...row),
  ),
  ...reduction('ReduceLogSumExp', (x, keepDims) => op.reduceLogSumExp(x, [-1], { keepDims }), logSumExp),
  ...reduction(
    'ReduceMax',
    (x, keepDims) => op.reduceMax(x, [-1], { keepDims }),
    (row) => Math.max(...row),
  ),
  ...[false, true].flatMap((exclusive) =>
    [false, true].map((reverse): OperatorCase => ({
      operator: 'CumSum',
      title: `CumSum${exclusive ? ', exclusive' : ''}${reverse ? ', reversed' : ''}`,
      inputs: [draw(X)],
      build: ([x]) => op.cumSum(x!, 1, { exclusive, reverse }),
      sizes: X,
      formula: ([x], [i = 0, j = 0, k = 0]) =>
        sum(3, (n) => ((reverse ? n > j : n < j) || (!exclusive && n === j) ? x!(i, n, k) : 0)),
    })),
  ),
  {
    operator: 'Reshape',
    title: 'Reshape with names',
    inputs: [draw(X, { names: ['batch', 'time', null] })],
    build: ([x]) => op.reshape(x!, ['batch', '2×time', 2]),
    sizes: [2, 6, 2],
    formula: ([x], [i = 0, j = 0, k = 0]) => x!(i, Math.floor(j / 2), 2 * (j % 2) + k),
  },
  {
    operator: 'Squeeze',
    title: 'Squeeze',
    inputs: [draw([2, 1, 4])],
    build: ([x]) => op.squeeze(x!, [1]),
    sizes: [2, 4],
    formula: ([x], [i = 0, k = 0]) => x!(i, 0, k),
  },
  {
    operator: 'Unsqueeze',
    title: 'Unsqueeze',
    inputs: [draw([2, 4])],
    build: ([x]) => op.unsqueeze(x!, [1]),
    sizes: [2, 1, 4],
    formula: ([x], [i = 0, , k = 0]) => x!(i, k),
  },
  {
    operator: 'Transpose',
    title: 'Transpose',
    inputs: [draw(X)],
    build: ([x]) => op.transpose(x!, [1, 2, 0]),
    sizes: [3, 4, 2],
    formula: ([x], [j = 0, k = 0, i = 0]) => x!(i, j, k),
  },
  {
    operator: 'Split',
    title: 'Split, one part of which is not used',
    inputs: [draw(X)],
    build: ([x]) => op.split(x!, [1, 2, 1], -1)[1]!,
    sizes: [2, 3, 2],
    formula: ([x], [i = 0, j = 0, k = 0]) => x!(i, j, k + 1),
  },
  {
    operator: 'Concat',
    title: 'Concat',
    inputs: [draw([2, 3, 1]), draw([2, 3, 2])],
    build: ([a, b]) => op.concat([a!, b!], -1),
    sizes: [2, 3, 3],
    formula: ([a, b], [i = 0, j = 0, k = 0]) => (k === 0 ? a!(i, j, 0) : b!(i, j, k - 1)),
  },
  ...[
    { start: 1, end: op.END, from: 1, size: 2 },
    { start: 0, end: -1, from: 0, size: 2 },
    { start: -2, end: -1, from: 1, size: 1 },
  ].map(({ start, end, from, size }): OperatorCase => ({
    operator: 'Slice',
    title: `Slice from ${start} to ${end === op.END ? 'the end' : end}`,
    inputs: [draw(X, { names: [null, 'time', null] })],
    build: ([x]) => op.slice(x!, 1, start, end, 'part'),
    sizes: [2, size, 4],
    formula: ([x], [i = 0, j = 0, k = 0]) => x!(i, j + from, k),
  })),
  {
    operator: 'Gather',
    title: 'Gather of rows, one of them twice',
    inputs: [draw([5, 4])],
    build: ([x], graph) => op.gather(x!, int64(graph, 'rows', [3], [4, 1, 4])),
    sizes: [3, 4],
    formula: ([x], [i = 0, k = 0]) => x!([4, 1, 4][i]!, k),
  },
  {
    operator: 'Gather',
    title: 'Gather along an inner axis by a table of indices',
    inputs: [draw([2, 5, 4])],
    build: ([x], graph) => op.gather(x!, int64(graph, 'rows', [2, 2], [4, 1, 0, 4]), 1),
    sizes: [2, 2, 2, 4],
    formula: ([x], [i = 0, m = 0, n = 0, k = 0]) => x!(i, [4, 1, 0, 4][2 * m + n]!, k),
  },
  {
    operator: 'GatherND',
    title: 'GatherND',
    inputs: [draw(X)],
    build: ([x], graph) => op.gatherND(x!, int64(graph, 'at', [3, 2], [0, 2, 1, 0, 0, 2])),
    sizes: [3, 4],
    formula: ([x], [n = 0, k = 0]) => x!([0, 1, 0][n]!, [2, 0, 2][n]!, k),
  },
  {
    operator: 'GatherND',
    title: 'GatherND with a common axis',
    inputs: [draw(X)],
    build: ([x], graph) => op.gatherND(x!, int64(graph, 'at', [2, 1], [2, 1]), 1),
    sizes: [2, 4],
    formula: ([x], [i = 0, k = 0]) => x!(i, [2, 1][i]!, k),
  },
  {
    operator: 'GatherElements',
    title: 'GatherElements, one entry twice',
    inputs: [draw([2, 4])],
    build: ([x], graph) => op.gatherElements(x!, int64(graph, 'at', [2, 3], [3, 0, 3, 1, 2, 1])),
    sizes: [2, 3],
    formula: ([x], [i = 0, k = 0]) => x!(i, [3, 0, 3, 1, 2, 1][3 * i + k]!),
  },
  {
    operator: 'ScatterND',
    title: 'ScatterND that adds, twice to one row',
    inputs: [draw([4, 3]), draw([3, 3])],
    build: ([x, y], graph) => op.scatterND(x!, int64(graph, 'at', [3, 1], [2, 0, 2]), y!, 'add'),
    sizes: [4, 3],
    formula: ([x, y], [i = 0, k = 0]) => x!(i, k) + sum(3, (n) => ([2, 0, 2][n] === i ? y!(n, k) : 0)),
  },
  {
    operator: 'ScatterND',
    title: 'ScatterND that writes over',
    inputs: [draw([4, 3]), draw([2, 3])],
    build: ([x, y], graph) => op.scatterND(x!, int64(graph, 'at', [2, 1], [2, 0]), y!),
    sizes: [4, 3],
    formula: ([x, y], [i = 0, k = 0]) => (i === 2 ? y!(0, k) : i === 0 ? y!(1, k) : x!(i, k)),
  },
  {
    operator: 'TopK',
    title: 'TopK',
    inputs: [draw([2, 4])],
    build: ([x]) => op.topK(x!, 2).values,
    sizes: [2, 2],
    formula: ([x], [i = 0, k = 0]) => range(4, (n) => x!(i, n)).sort((a, b) => b - a)[k]!,
  },
];

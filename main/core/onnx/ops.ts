// The operators of our graphs as functions of values: `add(x, mul(a, b))`. Each checks its operands and computes the type
// and shape of its result; a plain number beside a value becomes a constant of the value's type.
// Operator semantics: the ONNX specification, opset 21; contrib operators (com.microsoft) are marked.
import { ELEMENT_TYPES, type ElementType } from './elementType.ts';
import {
  describe,
  graphError,
  type Attribute,
  type Dim,
  type GraphBuilder,
  type OutputSpec,
  type Shape,
  type Value,
} from './graph.ts';

type Attributes = Readonly<Record<string, Attribute>>;
type Operand = Value | number;

// ---- shared rules ---------------------------------------------------------------------------------------------------

function only(values: readonly Value[]): Value {
  const [value] = values;
  if (!value) throw graphError('A node without output.');
  return value;
}

function emit(
  opType: string,
  inputs: readonly (Value | null)[],
  output: OutputSpec,
  attributes: Attributes = {},
  domain?: 'com.microsoft',
): Value {
  return only(builderOf(inputs).node(opType, inputs, [output], { attributes, ...(domain ? { domain } : {}) }));
}

/** The innermost graph among the operands: a node inside a Loop body may read values of the outer graph. */
function builderOf(inputs: readonly (Value | null)[]): GraphBuilder {
  let innermost: GraphBuilder | undefined;
  for (const input of inputs) {
    if (input && (!innermost || isInside(input.graph, innermost))) innermost = input.graph;
  }
  if (!innermost) throw graphError('An operator without operands has no graph.');
  return innermost;
}

function isInside(graph: GraphBuilder, outer: GraphBuilder): boolean {
  for (let next = graph.outer; next; next = next.outer) if (next === outer) return true;
  return false;
}

function lift(operand: Operand, beside: Operand): Value {
  if (typeof operand !== 'number') return operand;
  if (typeof beside === 'number') throw graphError('At least one operand must be a value.');
  return beside.graph.constant(beside.type, operand);
}

function sameType(...values: readonly Value[]): ElementType {
  const [first] = values;
  if (!first) throw graphError('No operands.');
  for (const value of values) {
    if (value.type !== first.type) throw graphError(`Types differ: ${describe(first)} and ${describe(value)}.`);
  }
  return first.type;
}

/** NumPy broadcasting: axes are aligned from the right; equal sizes, or one of them 1. */
export function broadcast(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, index): Dim => {
    const left = a[a.length - rank + index] ?? 1;
    const right = b[b.length - rank + index] ?? 1;
    if (left === right || right === 1) return left;
    if (left === 1) return right;
    throw graphError(`Shapes [${a.join(', ')}] and [${b.join(', ')}] do not broadcast.`);
  });
}

function axisOf(value: Value, axis: number): number {
  const resolved = axis < 0 ? axis + value.shape.length : axis;
  if (!Number.isInteger(axis) || resolved < 0 || resolved >= value.shape.length) {
    throw graphError(`${describe(value)} has no axis ${axis}.`);
  }
  return resolved;
}

export function size(value: Value, axis: number): Dim {
  return value.shape[axisOf(value, axis)] as Dim;
}

/** A fixed size along an axis; throws when it is only known at run time. */
export function fixedSize(value: Value, axis: number): number {
  const dim = size(value, axis);
  if (typeof dim !== 'number') throw graphError(`${describe(value)} must have a fixed size along axis ${axis}.`);
  return dim;
}

function ints(graph: GraphBuilder, values: readonly number[]): Value {
  return graph.constant('int64', values);
}

// ---- elementwise ----------------------------------------------------------------------------------------------------

function unary(opType: string, attributes: Attributes = {}) {
  return (x: Value): Value => emit(opType, [x], { type: x.type, shape: x.shape }, attributes);
}

function binary(opType: string, resultType?: ElementType) {
  return (a: Operand, b: Operand): Value => {
    const left = lift(a, b);
    const right = lift(b, a);
    const type = sameType(left, right);
    return emit(opType, [left, right], { type: resultType ?? type, shape: broadcast(left.shape, right.shape) });
  };
}

export const add = binary('Add');
export const sub = binary('Sub');
export const mul = binary('Mul');
export const div = binary('Div');
export const pow = binary('Pow');
export const max = binary('Max');
export const min = binary('Min');
export const equal = binary('Equal', 'bool');
export const greater = binary('Greater', 'bool');
export const greaterOrEqual = binary('GreaterOrEqual', 'bool');
export const less = binary('Less', 'bool');
export const lessOrEqual = binary('LessOrEqual', 'bool');
export const and = binary('And', 'bool');

export const not = unary('Not');
export const neg = unary('Neg');
export const abs = unary('Abs');
export const sqrt = unary('Sqrt');
export const exp = unary('Exp');
export const log = unary('Log');
export const tanh = unary('Tanh');
export const sigmoid = unary('Sigmoid');
export const relu = unary('Relu');
/** x·Φ(x), by the error function. */
export const gelu = unary('Gelu', { approximate: { string: 'none' } });
/** x·Φ(x), by its tanh approximation (gelu_new, gelu_pytorch_tanh). */
export const geluTanh = unary('Gelu', { approximate: { string: 'tanh' } });

/** x·sigmoid(x). */
export function silu(x: Value): Value {
  return mul(x, sigmoid(x));
}

/** With `name`, the result has that name; without, a value that has the type already is returned as it is. */
export function cast(x: Value, type: ElementType, name?: string): Value {
  if (x.type === type) return name === undefined ? x : identity(x, name);
  const output = { type, shape: x.shape, ...(name === undefined ? {} : { name }) };
  return emit('Cast', [x], output, { to: { int: ELEMENT_TYPES[type].code } });
}

export function identity(x: Value, name?: string): Value {
  return emit('Identity', [x], { type: x.type, shape: x.shape, ...(name === undefined ? {} : { name }) });
}

export function where(condition: Value, a: Operand, b: Operand): Value {
  if (condition.type !== 'bool') throw graphError(`${describe(condition)} is no condition.`);
  const left = lift(a, b);
  const right = lift(b, a);
  const type = sameType(left, right);
  return emit('Where', [condition, left, right], {
    type,
    shape: broadcast(condition.shape, broadcast(left.shape, right.shape)),
  });
}

// ---- products -------------------------------------------------------------------------------------------------------

/** Batched matrix product `[…, m, k] × […, k, n] → […, m, n]`; leading axes broadcast. */
export function matMul(a: Value, b: Value): Value {
  const type = sameType(a, b);
  if (a.shape.length < 2 || b.shape.length < 2 || size(a, -1) !== size(b, -2)) {
    throw graphError(`Cannot multiply ${describe(a)} by ${describe(b)}.`);
  }
  const lead = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
  return emit('MatMul', [a, b], { type, shape: [...lead, size(a, -2), size(b, -1)] });
}

/** alpha·A'·B' + beta·C on matrices; A' is A or its transpose. C broadcasts to `[m, n]`. */
export function gemm(
  a: Value,
  b: Value,
  c: Value | null = null,
  { transA = false, transB = false, alpha = 1, beta = 1 } = {},
): Value {
  const type = c ? sameType(a, b, c) : sameType(a, b);
  const [m, k] = transA ? [size(a, 1), size(a, 0)] : [size(a, 0), size(a, 1)];
  const [k2, n] = transB ? [size(b, 1), size(b, 0)] : [size(b, 0), size(b, 1)];
  if (a.shape.length !== 2 || b.shape.length !== 2 || k !== k2) {
    throw graphError(`Gemm cannot multiply ${describe(a)} by ${describe(b)}.`);
  }
  if (c) broadcast(c.shape, [m, n]);
  const attributes: Record<string, Attribute> = {
    transA: { int: transA ? 1 : 0 },
    transB: { int: transB ? 1 : 0 },
    alpha: { float: alpha },
    beta: { float: beta },
  };
  return emit('Gemm', c ? [a, b, c] : [a, b], { type, shape: [m, n] }, attributes);
}

/**
 * x·W' + bias over the last axis: `[…, d_in] → […, d_out]`. `weight` is `[d_out, d_in]` (torch's Linear) or, with
 * `transposed`, `[d_in, d_out]` (GPT-2's Conv1D). Goes through a 2-D Gemm, so that the weight is read as it lies in the
 * user's file and never copied into its transpose.
 */
export function linear(x: Value, weight: Value, bias: Value | null = null, { transposed = false } = {}): Value {
  const dIn = fixedSize(x, -1);
  const dOut = fixedSize(weight, transposed ? 1 : 0);
  const rows = x.shape.length === 2 ? x : reshape(x, [rowsName(x), dIn]);
  const y = gemm(rows, weight, bias, { transB: !transposed });
  return x.shape.length === 2 ? y : reshape(y, [...x.shape.slice(0, -1), dOut]);
}

/** The name of the dimension that all leading axes of `x` make together. */
function rowsName(x: Value): Dim {
  const lead = x.shape.slice(0, -1);
  if (lead.every((dim) => typeof dim === 'number')) return lead.reduce<number>((product, dim) => product * dim, 1);
  return lead.join('·');
}

// ---- normalisation and reduction ------------------------------------------------------------------------------------

function alongAxis(opType: string) {
  return (x: Value, axis = -1): Value =>
    emit(opType, [x], { type: x.type, shape: x.shape }, { axis: { int: axisOf(x, axis) } });
}

export const softmax = alongAxis('Softmax');
export const logSoftmax = alongAxis('LogSoftmax');

/** (x − mean)/√(var + epsilon)·scale + bias over the last axis, the variance biased. */
export function layerNorm(x: Value, scale: Value, bias: Value | null, epsilon: number): Value {
  sameType(x, scale, ...(bias ? [bias] : []));
  return emit(
    'LayerNormalization',
    bias ? [x, scale, bias] : [x, scale],
    { type: x.type, shape: x.shape },
    { axis: { int: x.shape.length - 1 }, epsilon: { float: epsilon } },
  );
}

function reduction(opType: string) {
  return (x: Value, axes: readonly number[] | null = null, { keepDims = true } = {}): Value => {
    const resolved = (axes ?? x.shape.map((_, axis) => axis)).map((axis) => axisOf(x, axis));
    const shape = keepDims
      ? x.shape.map((dim, axis) => (resolved.includes(axis) ? 1 : dim))
      : x.shape.filter((_, axis) => !resolved.includes(axis));
    const attributes = { keepdims: { int: keepDims ? 1 : 0 } };
    return emit(opType, [x, ints(x.graph, resolved)], { type: x.type, shape }, attributes);
  };
}

export const reduceSum = reduction('ReduceSum');
export const reduceMean = reduction('ReduceMean');
export const reduceMax = reduction('ReduceMax');
export const reduceSumSquare = reduction('ReduceSumSquare');
export const reduceL2 = reduction('ReduceL2');
export const reduceLogSumExp = reduction('ReduceLogSumExp');

/** The index of the largest along an axis: int64. */
export function argMax(x: Value, axis = -1, { keepDims = false } = {}): Value {
  const resolved = axisOf(x, axis);
  const shape = x.shape.flatMap((dim, index) => (index !== resolved ? [dim] : keepDims ? [1] : []));
  const attributes = { axis: { int: resolved }, keepdims: { int: keepDims ? 1 : 0 } };
  return emit('ArgMax', [x], { type: 'int64', shape }, attributes);
}

export function cumSum(x: Value, axis: number, { exclusive = false } = {}): Value {
  const at = x.graph.constant('int64', axisOf(x, axis));
  return emit('CumSum', [x, at], { type: x.type, shape: x.shape }, { exclusive: { int: exclusive ? 1 : 0 } });
}

/** max(x, low), low a scalar: `[]`. Unlike Max in ONNX Runtime it works in place, on all threads. */
export function clip(x: Value, low: Value): Value {
  sameType(x, low);
  if (low.shape.length !== 0) throw graphError(`Clip wants a scalar, not ${describe(low)}.`);
  return emit('Clip', [x, low], { type: x.type, shape: x.shape });
}

/** The `k` largest along an axis, by default the last, and their int64 indices: the axis becomes `k` long. */
export function topK(
  x: Value,
  k: number | { readonly count: Value; readonly dim: string },
  { sorted = true, largest = true, axis = -1 } = {},
): { values: Value; indices: Value } {
  const at = axisOf(x, axis);
  const width = size(x, at);
  if (typeof width === 'number' && typeof k === 'number' && k > width)
    throw graphError(`TopK of ${k} in ${describe(x)}.`);
  const [count, dim] = typeof k === 'number' ? [ints(x.graph, [k]), k] : [k.count, k.dim];
  const shape = x.shape.map((size, index) => (index === at ? dim : size));
  const attributes = {
    axis: { int: at },
    sorted: { int: sorted ? 1 : 0 },
    largest: { int: largest ? 1 : 0 },
  };
  const outputs: OutputSpec[] = [
    { type: x.type, shape },
    { type: 'int64', shape },
  ];
  const [values, indices] = x.graph.node('TopK', [x, count], outputs, { attributes }) as [Value, Value];
  return { values, indices };
}

// ---- shape ----------------------------------------------------------------------------------------------------------

/**
 * Reshapes to dimensions that may have names. What cannot be said with fixed numbers, a copied axis or one inferred axis
 * is computed at run time from the sizes of the named dimensions.
 */
export function reshape(x: Value, shape: Shape): Value {
  const { graph } = x;
  const output = { type: x.type, shape };
  const isCopied = shape.map((dim, axis) => typeof dim === 'string' && x.shape[axis] === dim);
  const unknown = shape.filter((dim, axis) => typeof dim === 'string' && !isCopied[axis]);
  if (unknown.length <= 1) {
    const sizes = shape.map((dim, axis) => (isCopied[axis] ? 0 : typeof dim === 'string' ? -1 : dim));
    checkCount(x, shape);
    return emit('Reshape', [x, ints(graph, sizes)], output);
  }
  let hasInferred = false;
  const sizes = shape.map((dim) => {
    if (typeof dim === 'number') return ints(graph, [dim]);
    if (!hasInferred && !graph.knowsDim(dim)) {
      hasInferred = true;
      return ints(graph, [-1]);
    }
    return graph.dim(dim);
  });
  return emit('Reshape', [x, concat(sizes, 0)], output);
}

/** When every named dimension of both shapes cancels, the fixed parts must agree. */
function checkCount(x: Value, shape: Shape): void {
  const names = (dims: Shape) =>
    dims
      .filter((dim) => typeof dim === 'string')
      .flatMap((dim) => dim.split('·'))
      .sort()
      .join();
  const count = (dims: Shape) =>
    dims.reduce<number>((product, dim) => (typeof dim === 'number' ? product * dim : product), 1);
  if (names(x.shape) === names(shape) && count(x.shape) !== count(shape)) {
    throw graphError(`Cannot reshape ${describe(x)} to [${shape.join(', ')}].`);
  }
}

export function transpose(x: Value, permutation: readonly number[]): Value {
  if ([...permutation].sort((a, b) => a - b).join() !== x.shape.map((_, axis) => axis).join()) {
    throw graphError(`[${permutation.join(', ')}] does not permute ${describe(x)}.`);
  }
  const shape = permutation.map((axis) => size(x, axis));
  return emit('Transpose', [x], { type: x.type, shape }, { perm: { ints: permutation } });
}

export function unsqueeze(x: Value, axes: readonly number[]): Value {
  const rank = x.shape.length + axes.length;
  const resolved = axes.map((axis) => (axis < 0 ? axis + rank : axis));
  const rest = [...x.shape];
  const shape = Array.from({ length: rank }, (_, axis): Dim => (resolved.includes(axis) ? 1 : (rest.shift() as Dim)));
  return emit('Unsqueeze', [x, ints(x.graph, resolved)], { type: x.type, shape });
}

export function squeeze(x: Value, axes: readonly number[]): Value {
  const resolved = axes.map((axis) => axisOf(x, axis));
  for (const axis of resolved)
    if (x.shape[axis] !== 1) throw graphError(`${describe(x)} has no axis ${axis} of size 1.`);
  const shape = x.shape.filter((_, axis) => !resolved.includes(axis));
  return emit('Squeeze', [x, ints(x.graph, resolved)], { type: x.type, shape });
}

/** Joins along an axis. A sum with a named dimension gets `name`, or the names joined by "+". */
export function concat(values: readonly Value[], axis: number, name?: string): Value {
  const type = sameType(...values);
  const [first] = values as [Value];
  const at = axisOf(first, axis);
  for (const value of values) {
    const agrees =
      value.shape.length === first.shape.length && value.shape.every((dim, i) => i === at || dim === first.shape[i]);
    if (!agrees) throw graphError(`Cannot join ${describe(first)} and ${describe(value)} along axis ${axis}.`);
  }
  const dims = values.map((value) => value.shape[at] as Dim);
  const joined: Dim = dims.every((dim) => typeof dim === 'number')
    ? dims.reduce((sum, dim) => sum + dim, 0)
    : (name ?? dims.join('+'));
  const shape = first.shape.map((dim, index) => (index === at ? joined : dim));
  return emit('Concat', values, { type, shape }, { axis: { int: at } });
}

/** Splits an axis of fixed size into parts. */
export function split(x: Value, sizes: readonly number[], axis: number): Value[] {
  const at = axisOf(x, axis);
  if (sizes.reduce((sum, part) => sum + part, 0) !== x.shape[at]) {
    throw graphError(`Cannot split ${describe(x)} into ${sizes.join(' + ')} along axis ${axis}.`);
  }
  const outputs = sizes.map((part) => ({ type: x.type, shape: x.shape.map((dim, i) => (i === at ? part : dim)) }));
  return x.graph.node('Split', [x, ints(x.graph, sizes)], outputs, { attributes: { axis: { int: at } } });
}

/**
 * x[start:end] along one axis. Bounds are numbers or int64 `[1]` values; negative numbers count from the end. Where the
 * resulting size is not a plain difference of numbers, name it with `dim`.
 */
export function slice(x: Value, axis: number, start: Operand, end: Operand, dim?: Dim): Value {
  const at = axisOf(x, axis);
  const { graph } = x;
  const bound = (operand: Operand) => (typeof operand === 'number' ? ints(graph, [operand]) : operand);
  const full = x.shape[at] as Dim;
  let result: Dim | undefined = dim;
  if (result === undefined && typeof start === 'number' && typeof end === 'number' && typeof full === 'number') {
    const from = start < 0 ? full + start : start;
    const to = Math.min(end < 0 ? full + end : end, full);
    result = to - from;
  } else if (result === undefined && typeof start === 'number' && start < 0 && end === END) {
    result = -start;
  }
  if (result === undefined || (typeof result === 'number' && result < 0)) {
    throw graphError(`The size of this slice of ${describe(x)} needs a name.`);
  }
  const shape = x.shape.map((size, index) => (index === at ? result : size));
  return emit('Slice', [x, bound(start), bound(end), ints(graph, [at])], { type: x.type, shape });
}

/** "To the end" for slice. */
export const END = Number.MAX_SAFE_INTEGER;

/** start, start + 1, … (exclusive of end): int64 `[dim]`. The bounds are int64 scalars. */
export function range(start: Value, end: Value, dim: Dim): Value {
  const step = start.graph.constant('int64', 1);
  return emit('Range', [start, end, step], { type: 'int64', shape: [dim] });
}

// ---- indexing -------------------------------------------------------------------------------------------------------

/** Rows of `data` along an axis: data `[…, n, …]`, indices of any shape, which replaces the axis. */
export function gather(data: Value, indices: Value, axis = 0): Value {
  const at = axisOf(data, axis);
  const shape = [...data.shape.slice(0, at), ...indices.shape, ...data.shape.slice(at + 1)];
  return emit('Gather', [data, indices], { type: data.type, shape }, { axis: { int: at } });
}

/**
 * The entries of `data` that the last axis of `indices` names, the first `batchAxes` axes of both running together:
 * data `[b, n, …]`, indices `[b, 1]`, batchAxes 1 → `[b, …]`.
 */
export function gatherND(data: Value, indices: Value, batchAxes = 0): Value {
  const depth = fixedSize(indices, -1);
  if (data.shape.slice(0, batchAxes).join() !== indices.shape.slice(0, batchAxes).join()) {
    throw graphError(`GatherND of ${describe(data)} at ${describe(indices)} with ${batchAxes} common axes.`);
  }
  const shape = [...indices.shape.slice(0, -1), ...data.shape.slice(batchAxes + depth)];
  return emit('GatherND', [data, indices], { type: data.type, shape }, { batch_dims: { int: batchAxes } });
}

/** data[…, indices[…, j], …] elementwise along an axis; the result has the shape of `indices`. */
export function gatherElements(data: Value, indices: Value, axis = -1): Value {
  const at = axisOf(data, axis);
  return emit('GatherElements', [data, indices], { type: data.type, shape: indices.shape }, { axis: { int: at } });
}

/** data with `updates` written at (or added to) the positions that the last axis of `indices` names. */
export function scatterND(
  data: Value,
  indices: Value,
  updates: Value,
  reduction: 'none' | 'add' | 'max' = 'none',
): Value {
  sameType(data, updates);
  const depth = fixedSize(indices, -1);
  const expected = [...indices.shape.slice(0, -1), ...data.shape.slice(depth)];
  if (expected.join() !== updates.shape.join()) {
    throw graphError(`ScatterND: updates ${describe(updates)}, expected [${expected.join(', ')}].`);
  }
  const attributes = { reduction: { string: reduction } };
  return emit('ScatterND', [data, indices, updates], { type: data.type, shape: data.shape }, attributes);
}

// ---- control --------------------------------------------------------------------------------------------------------

/**
 * Runs `body` a fixed number of times, carrying values along: `body(iteration, …carried) → carried'`. Types and shapes of
 * the carried values stay.
 */
export function loop(
  graph: GraphBuilder,
  name: string,
  count: Value | number,
  carried: readonly Value[],
  body: (inner: GraphBuilder, iteration: Value, carried: readonly Value[]) => readonly Value[],
): Value[] {
  const inner = graph.subgraph(name);
  const iteration = inner.input(`${name}/iteration`, 'int64', []);
  const condition = inner.input(`${name}/condition`, 'bool', []);
  const inputs = carried.map((value, index) => inner.input(`${name}/carried.${index}`, value.type, value.shape));
  inner.output(condition, `${name}/continue`);
  const results = body(inner, iteration, inputs);
  if (results.length !== carried.length) throw graphError(`The body of ${name} must return ${carried.length} values.`);
  for (const [index, result] of results.entries()) {
    const before = carried[index] as Value;
    if (result.type !== before.type || result.shape.join() !== before.shape.join()) {
      throw graphError(`The body of ${name} turns ${describe(before)} into ${describe(result)}.`);
    }
    inner.output(result, `${name}/next.${index}`);
  }
  const trips = typeof count === 'number' ? graph.constant('int64', count) : count;
  return graph.node(
    'Loop',
    [trips, graph.constant('bool', 1), ...carried],
    carried.map((value) => ({ type: value.type, shape: value.shape })),
    { attributes: { body: { graph: inner } } },
  );
}

/**
 * Runs `body` once for every row of the first axis, which all inputs share, and stacks what it returns:
 * inputs `[steps, …]`, `body(…rows) → results`, outputs `[steps, …]` called `names` where given.
 */
export function scan(
  graph: GraphBuilder,
  name: string,
  inputs: readonly Value[],
  body: (rows: readonly Value[]) => readonly Value[],
  names: readonly string[] = [],
): Value[] {
  const inner = graph.subgraph(name);
  const steps = inputs[0]?.shape[0];
  const rows = inputs.map((input, index) => {
    const [first, ...rest] = input.shape;
    if (first === undefined || first !== steps) throw graphError(`${name} cannot go through ${describe(input)}.`);
    return inner.input(`${name}/row.${index}`, input.type, rest);
  });
  if (steps === undefined) throw graphError(`${name} has nothing to go through.`);
  const outputs = body(rows).map((result, index) => {
    const value = inner.output(result);
    const output: OutputSpec = { type: value.type, shape: [steps, ...value.shape] };
    const outputName = names[index];
    return outputName === undefined ? output : { ...output, name: outputName };
  });
  const attributes = { num_scan_inputs: { int: inputs.length }, body: { graph: inner } };
  return graph.node('Scan', inputs, outputs, { attributes });
}

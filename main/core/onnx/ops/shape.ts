// Shapes, which may have named dimensions: reshape, join, split, slice.
import { describe, graphError, type Dim, type Shape, type Value } from '../graph.ts';
import { broadcast, emit, sameType, axisOf, size, ints, type Operand } from './emit.ts';

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

/** The run-time sizes of a value, int64 `[rank]`; with an axis, that one's size, int64 `[1]`. */
export function sizes(x: Value, axis?: number): Value {
  if (axis === undefined) return emit('Shape', [x], { type: 'int64', shape: [x.shape.length] });
  const at = axisOf(x, axis);
  return emit('Shape', [x], { type: 'int64', shape: [1] }, { start: { int: at }, end: { int: at + 1 } });
}

/** x repeated along axes of size 1 until it has the shape of `like`, which it must broadcast to. */
export function expand(x: Value, like: Value): Value {
  if (broadcast(x.shape, like.shape).join() !== like.shape.join()) {
    throw graphError(`${describe(x)} does not expand to ${describe(like)}.`);
  }
  return emit('Expand', [x, sizes(like)], { type: x.type, shape: like.shape });
}

/** The entries of `x` in the shape of `like`, which has as many. */
export function reshapeLike(x: Value, like: Value): Value {
  return emit('Reshape', [x, sizes(like)], { type: x.type, shape: like.shape });
}

/** x with zeros before and after it along an axis: `before` and `after` are int64 `[1]`, `dim` the resulting size. */
export function padZeros(x: Value, axis: number, before: Value, after: Value, dim: Dim): Value {
  const at = axisOf(x, axis);
  const { graph } = x;
  const pads = concat([before, after], 0);
  const shape = x.shape.map((each, index) => (index === at ? dim : each));
  return emit('Pad', [x, pads, graph.constant(x.type, 0), ints(graph, [at])], { type: x.type, shape });
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

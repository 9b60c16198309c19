// Reading from and writing at positions: TopK, gather, scatter.
import { describe, graphError, type OutputSpec, type Value } from '../graph.ts';
import { emit, sameType, axisOf, size, fixedSize, ints } from './emit.ts';
import { squeeze } from './shape.ts';

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

/** The indices of the entries of `x` `[n]` that are not 0, in their order: int64, along a dimension called `dim`. */
export function nonZero(x: Value, dim: string): Value {
  if (x.shape.length !== 1) throw graphError(`NonZero of ${describe(x)}, which has not one axis.`);
  return squeeze(emit('NonZero', [x], { type: 'int64', shape: [1, dim] }), [0]);
}

/** data[…, indices[…, j], …] elementwise along an axis; the result has the shape of `indices`. */
export function gatherElements(data: Value, indices: Value, axis = -1): Value {
  const at = axisOf(data, axis);
  return emit('GatherElements', [data, indices], { type: data.type, shape: indices.shape }, { axis: { int: at } });
}

/** data with `updates` added at data[…, indices[…, j], …] along an axis; `updates` has the shape of `indices`. */
export function scatterAddElements(data: Value, indices: Value, updates: Value, axis = -1): Value {
  sameType(data, updates);
  if (indices.shape.join() !== updates.shape.join()) {
    throw graphError(`ScatterElements: updates ${describe(updates)} at ${describe(indices)}.`);
  }
  const attributes = { axis: { int: axisOf(data, axis) }, reduction: { string: 'add' } };
  return emit('ScatterElements', [data, indices, updates], { type: data.type, shape: data.shape }, attributes);
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

// Sums, maxima and the like along axes.
import type { Value } from '../graph.ts';
import { emit, axisOf, ints } from './emit.ts';

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

export function cumSum(x: Value, axis: number, { exclusive = false, reverse = false } = {}): Value {
  const at = x.graph.constant('int64', axisOf(x, axis));
  const attributes = { exclusive: { int: exclusive ? 1 : 0 }, reverse: { int: reverse ? 1 : 0 } };
  return emit('CumSum', [x, at], { type: x.type, shape: x.shape }, attributes);
}

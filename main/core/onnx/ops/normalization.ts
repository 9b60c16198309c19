// Normalisation along one axis.
import type { Value } from '../graph.ts';
import { emit, sameType, axisOf } from './emit.ts';

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

// The two normalisations of transformers, over the last axis, split as the sites need it: `normalize` is the site
// `ln2.hook_normalized` (before the learned scale and bias, as TransformerLens has it once it has folded those into the next
// layer), `scale` the learned part. Statistics are float32.
import type { Value } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';

export interface Normalization {
  normalize(x: Value): Value;
  scale(normalized: Value): Value;
  /** Both, where nothing needs to come between. */
  apply(x: Value): Value;
}

/** (x − mean)/√(variance + epsilon)·weight + bias (Ba et al. 2016). Without weights the learned part is nothing. */
export function layerNormalization(weight: Value | null, bias: Value | null, epsilon: number): Normalization {
  const ones = (x: Value) =>
    x.graph.constant(
      'float32',
      Array.from({ length: op.fixedSize(x, -1) }, () => 1),
    );
  return {
    normalize: (x) => op.layerNorm(x, ones(x), null, epsilon),
    scale: (normalized) => {
      const scaled = weight ? op.mul(normalized, weight) : normalized;
      return bias ? op.add(scaled, bias) : scaled;
    },
    apply: (x) => op.layerNorm(x, weight ?? ones(x), bias, epsilon),
  };
}

/**
 * x/√(mean(x²) + epsilon)·weight (Zhang & Sennrich 2019). Gemma stores its weights less 1: `offset` 1.
 * Written in the form that ONNX Runtime recognises and fuses.
 */
export function rmsNormalization(weight: Value, epsilon: number, offset = 0): Normalization {
  const normalize = (x: Value) => op.div(x, op.sqrt(op.add(op.reduceMean(op.pow(x, 2), [-1]), epsilon)));
  const scale = (normalized: Value) => op.mul(normalized, offset === 0 ? weight : op.add(weight, offset));
  return { normalize, scale, apply: (x) => scale(normalize(x)) };
}

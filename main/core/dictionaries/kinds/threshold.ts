// Selection by a threshold of each feature: f_i = pre_i where pre_i > θ_i. What jumprelu and batchtopk are at inference.
import { AppError } from '../../../contract/base/errors.ts';
import type { Value } from '../../onnx/graph.ts';
import * as op from '../../onnx/ops.ts';
import type { FeatureArrays, PerFeature, Selected } from './kind.ts';

export const THRESHOLD = 'threshold';

export function thresholdOf(perFeature: PerFeature): Float32Array {
  const threshold = perFeature[THRESHOLD];
  if (threshold) return threshold;
  throw new AppError('internal', 'This dictionary has no threshold.');
}

/** f_i = pre_i where it is above `bar_i`, a number or `[rows, 1]`. */
export function keepAbove(pre: Value, bar: Value | number): Value {
  return op.where(op.greater(pre, bar), pre, 0);
}

export function keepAboveSlowly(pre: Float64Array, bar: (row: number) => number): Selected {
  return { values: pre.map((value, row) => (value > bar(row) ? value : 0)), bar };
}

/** Everything that kinds with a threshold have in common. */
export const byThreshold = {
  perFeature: [THRESHOLD],
  competes: false,
  select: (pre: Value, perFeature: (name: string) => Value) => keepAbove(pre, perFeature(THRESHOLD)),
  selectSlowly(pre: Float64Array, perFeature: PerFeature) {
    const threshold = thresholdOf(perFeature);
    return keepAboveSlowly(pre, (row) => threshold[row] ?? 0);
  },
  python: [`return torch.where(pre > rows["${THRESHOLD}"], pre, torch.zeros_like(pre))`],
  jump: (perFeature: PerFeature, feature: number) => Math.max(0, thresholdOf(perFeature)[feature] ?? 0),
  saeLens: {
    architecture: 'jumprelu',
    config: () => ({}),
    tensors: ({ encoderBias, perFeature }: FeatureArrays) => ({
      b_enc: encoderBias,
      threshold: thresholdOf(perFeature),
    }),
    read: async (tensor: (name: string) => Promise<Float32Array>) => ({
      encoderBias: await tensor('b_enc'),
      // SAELens compares with relu(threshold): what is not positive never fires.
      perFeature: { [THRESHOLD]: (await tensor('threshold')).map((value) => (value < 0 ? 0 : value)) },
    }),
  },
} as const;

// TopK (Gao et al. 2024, arXiv 2406.04093): the k largest of relu(pre) of a token fire; of equals the first ones.
import type { Value } from '../../onnx/graph.ts';
import * as op from '../../onnx/ops.ts';
import { openForwardPerToken } from '../forwardPerToken.ts';
import { selectPerToken } from '../residentSelection.ts';
import type { Kind, Selected } from './kind.ts';

export const topk = {
  name: 'topk',
  perFeature: [],
  competes: true,
  select: (pre, _, k) => keepLargest(pre, k),
  selectSlowly: (pre, _, k) => keepLargestSlowly(pre, k),
  python: [
    'values, indices = torch.relu(pre).topk(k, dim=-1)',
    'return torch.zeros_like(pre).scatter(-1, indices, values)',
  ],
  jump: () => 0,
  exactness: ({ size, k }) =>
    `All ${size} features are evaluated, so that the ${k ?? 0} largest are kept as in training.`,
  saeLens: {
    architecture: 'topk',
    config: (k) => ({ k, rescale_acts_by_decoder_norm: false }),
    tensors: ({ encoderBias }) => ({ b_enc: encoderBias }),
    read: async (tensor) => ({ encoderBias: await tensor('b_enc'), perFeature: {} }),
  },
  training: {
    openForward: openForwardPerToken,
    selectResident: selectPerToken,
    perFeature: () => ({}),
    calibratesThreshold: false,
  },
} satisfies Kind<'topk'>;

/** @param pre `[rows, positions]` */
function keepLargest(pre: Value, k: number): Value {
  const positive = op.relu(pre);
  const { values, indices } = op.topK(op.transpose(positive, [1, 0]), k);
  const smallestKept = op.transpose(op.slice(values, 1, -1, op.END), [1, 0]); // [1, positions]
  const lastKept = op.transpose(op.cast(op.slice(indices, 1, -1, op.END), 'int32'), [1, 0]);
  const { graph } = pre;
  const all = op.range(graph.constant('int64', 0), graph.constant('int64', op.fixedSize(pre, 0)), op.size(pre, 0));
  const row = op.unsqueeze(op.cast(all, 'int32'), [1]); // [rows, 1]
  const isTied = op.and(op.equal(positive, smallestKept), op.lessOrEqual(row, lastKept));
  // Two Wheres and no Or, which the WebGPU provider would leave to the CPU.
  return op.where(op.greater(positive, smallestKept), positive, op.where(isTied, positive, 0));
}

function keepLargestSlowly(pre: Float64Array, k: number): Selected {
  const order = [...pre.keys()].sort((a, b) => pre[b]! - pre[a]! || a - b);
  const best = new Set(order.slice(0, k));
  // Halfway between the last that is kept and the first that is not.
  const [last, next] = [order[k - 1], order[k]];
  const bar = last === undefined || next === undefined ? 0 : Math.max(0, (pre[last]! + pre[next]!) / 2);
  return { values: pre.map((value, row) => (best.has(row) ? Math.max(value, 0) : 0)), bar: () => bar };
}

// GroupMax (EleutherAI's sparsify): the features are cut into k groups of neighbours, and of each the largest fires, if it is
// above 0; of equals the first. SAELens has no such kind: a folder of it opens here only.
import { AppError } from '../../../contract/base/errors.ts';
import type { Value } from '../../onnx/graph.ts';
import * as op from '../../onnx/ops.ts';
import type { Kind, Selected } from './kind.ts';

export const groupmax = {
  name: 'groupmax',
  perFeature: [],
  competes: true,
  select: (pre, _, k) => keepLargestOfGroups(pre, k),
  selectSlowly: (pre, _, k) => keepLargestOfGroupsSlowly(pre, k),
  python: [
    'grouped = torch.relu(pre).reshape(*pre.shape[:-1], k, -1)',
    'values, indices = grouped.topk(1, dim=-1)',
    'return torch.zeros_like(grouped).scatter(-1, indices, values).reshape(pre.shape)',
  ],
  jump: () => 0,
  exactness: ({ size, k }) =>
    `All ${size} features are evaluated, so that the largest of each of the ${k ?? 0} groups is kept as in training.`,
  saeLens: {
    architecture: 'groupmax',
    config: (k) => ({ k }),
    tensors: ({ encoderBias }) => ({ b_enc: encoderBias }),
    read: async (tensor) => ({ encoderBias: await tensor('b_enc'), perFeature: {} }),
  },
} satisfies Kind<'groupmax'>;

/** @throws AppError `invalid-file` */
function groupSize(rows: number, k: number): number {
  if (k >= 1 && rows % k === 0) return rows / k;
  throw new AppError('invalid-file', `A groupmax dictionary of ${rows} features cannot be cut into ${k} equal groups.`);
}

/** @param pre `[rows, positions]` */
function keepLargestOfGroups(pre: Value, k: number): Value {
  const { graph } = pre;
  const size = groupSize(op.fixedSize(pre, 0), k);
  const [, positions = 1] = pre.shape;
  const grouped = op.reshape(op.relu(pre), [k, size, positions]);
  const best = op.cast(op.argMax(grouped, 1, { keepDims: true }), 'int32'); // [k, 1, positions]
  const all = op.range(graph.constant('int64', 0), graph.constant('int64', size), size);
  const member = op.unsqueeze(op.cast(all, 'int32'), [0, 2]); // [1, size, 1]
  return op.reshape(op.where(op.equal(member, best), grouped, 0), pre.shape);
}

function keepLargestOfGroupsSlowly(pre: Float64Array, k: number): Selected {
  const size = groupSize(pre.length, k);
  const values = new Float64Array(pre.length);
  const bars = new Float64Array(k);
  for (let group = 0; group < k; group++) {
    const members = Array.from({ length: size }, (_, i) => group * size + i);
    const [best = 0, second] = members.toSorted((a, b) => pre[b]! - pre[a]! || a - b);
    values[best] = Math.max(0, pre[best]!);
    // Halfway between the largest and the next.
    bars[group] = second === undefined ? 0 : Math.max(0, (pre[best]! + pre[second]!) / 2);
  }
  return { values, bar: (row) => bars[Math.floor(row / size)] ?? 0 };
}

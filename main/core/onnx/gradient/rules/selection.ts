// Derivatives of reading at positions: the gradient is added where the numbers were read, several times where they were read
// several times. Indices have none.
import { graphError, type GraphNode, type Value } from '../../graph.ts';
import * as op from '../../ops.ts';
import { inputOf, outputOf, zerosLike, type Rule } from '../rule.ts';
import { axisFirst } from './shape.ts';

/** Indices of GatherND with its common axes spelled out, as ScatterND wants them: int64 `[…, depth + batchAxes]`. */
function fullIndices(node: GraphNode, indices: Value): Value {
  const batchAxes = node.int('batch_dims', 0);
  if (batchAxes === 0) return indices;
  if (batchAxes !== 1 || indices.shape.length !== 2) {
    throw graphError('The gradient of GatherND is known with one common axis and one index each.');
  }
  const { graph } = indices;
  const count = op.squeeze(op.sizes(indices, 0), [0]);
  const rows = op.range(graph.constant('int64', 0), count, indices.shape[0] ?? 1);
  return op.concat([op.unsqueeze(rows, [1]), indices], 1);
}

export const selection: Readonly<Record<string, Rule>> = {
  Gather: ({ node, gradient }) => [
    () => {
      const [data, indices] = [inputOf(node, 0), op.cast(inputOf(node, 1), 'int64')];
      const axis = node.int('axis', 0);
      const rank = indices.shape.length;
      // The axes of the indices first, as ScatterND wants them.
      const moved = [...gradient.shape.keys()].filter((each) => each < axis || each >= axis + rank);
      const updates = op.transpose(gradient, [...indices.shape.keys()].map((each) => each + axis).concat(moved));
      const zeros = axisFirst(zerosLike(data), axis);
      const added = op.scatterND(zeros, op.unsqueeze(indices, [rank]), updates, 'add');
      const back = [...data.shape.keys()].map((each) => (each === axis ? 0 : each < axis ? each + 1 : each));
      return axis === 0 ? added : op.transpose(added, back);
    },
  ],
  GatherND: ({ node, gradient }) => [
    () => op.scatterND(zerosLike(inputOf(node, 0)), fullIndices(node, inputOf(node, 1)), gradient, 'add'),
  ],
  GatherElements: ({ node, gradient }) => [
    () => op.scatterAddElements(zerosLike(inputOf(node, 0)), inputOf(node, 1), gradient, node.int('axis', 0)),
  ],
  // What is written over has no gradient at the positions that are written.
  ScatterND: ({ node, gradient }) => {
    const [indices, updates] = [inputOf(node, 1), inputOf(node, 2)];
    const reduction = node.text('reduction', 'none');
    if (reduction !== 'none' && reduction !== 'add') {
      throw graphError(`The gradient of ScatterND with the reduction ${reduction} is not known.`);
    }
    return [
      () => (reduction === 'add' ? gradient : op.scatterND(gradient, indices, zerosLike(updates))),
      null,
      () => op.gatherND(gradient, indices),
    ];
  },
  TopK: ({ node, gradient }) => [
    () => op.scatterAddElements(zerosLike(inputOf(node, 0)), outputOf(node, 1), gradient, node.int('axis', -1)),
  ],
};

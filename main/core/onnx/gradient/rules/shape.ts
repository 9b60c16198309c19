// Derivatives of what moves numbers without changing them: each number's gradient goes back to where it came from.
import { graphError, type Value } from '../../graph.ts';
import * as op from '../../ops.ts';
import { fixedNumbers, inputOf, outputOf, zerosLike, type Rule } from '../rule.ts';

const reshaped: Rule = ({ node, gradient }) => [() => op.reshapeLike(gradient, inputOf(node, 0))];

export const shape: Readonly<Record<string, Rule>> = {
  Reshape: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Transpose: ({ node, gradient }) => [
    () => {
      const permutation = node.ints('perm');
      return op.transpose(
        gradient,
        permutation.map((_, axis) => permutation.indexOf(axis)),
      );
    },
  ],
  Split: ({ node, gradients }) => [
    () => {
      const parts = node.outputs.map((output, index) => gradients[index] ?? zerosLike(output));
      return op.concat(parts, node.int('axis', 0));
    },
  ],
  Concat: ({ node, gradient }) => {
    const axis = node.int('axis', 0);
    const { graph } = gradient;
    const lengths = node.inputs.map((_, index) => op.sizes(inputOf(node, index), axis));
    const ends = lengths.map((_, index) => lengths.slice(0, index + 1).reduce((sum, next) => op.add(sum, next)));
    return node.inputs.map((_, index) => () => {
      const [start, end] = [ends[index - 1] ?? graph.constant('int64', [0]), ends[index] ?? 0];
      return op.slice(gradient, axis, start, end, op.size(inputOf(node, index), axis));
    });
  },
  // Zeros where the slice did not reach. Of several axes or of steps we make no slices.
  Slice: ({ node, gradient }) => [
    () => {
      const x = inputOf(node, 0);
      const [axis, ...more] = fixedNumbers(node, 3);
      if (axis === undefined || more.length > 0 || node.inputs[4]) {
        throw graphError('There is no gradient rule for a Slice along several axes or with steps.');
      }
      const [start, full] = [inputOf(node, 1), op.sizes(x, axis)];
      const before = op.where(op.less(start, 0), op.add(start, full), start);
      const after = op.sub(op.sub(full, before), op.sizes(outputOf(node), axis));
      return op.padZeros(gradient, axis, before, after, x.shape[axis] ?? 1);
    },
  ],
};

/** x with one axis moved to the front. */
export function axisFirst(x: Value, axis: number): Value {
  return axis === 0 ? x : op.transpose(x, [axis, ...[...x.shape.keys()].filter((each) => each !== axis)]);
}

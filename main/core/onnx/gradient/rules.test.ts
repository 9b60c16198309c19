// Each rule against central differences of its formula in double precision, with the best of several steps; and each rule with
// a wrong sign planted, which these comparisons must notice.
import { describe, expect, it } from 'vitest';
import { checkCase } from '../../../testing/onnx/gradientCheck.ts';
import { OPERATOR_CASES } from '../../../testing/onnx/operatorCases.ts';
import { GraphBuilder, type Value } from '../graph.ts';
import * as op from '../ops.ts';
import type { Rule, Rules } from './rule.ts';
import { EXACT } from './rules.ts';
import { vectorJacobianProduct } from './vectorJacobian.ts';

// Sums of a few float32 numbers of order 1; the differences themselves err by 1e-9. Seen: 4e-7 at most. A wrong factor of 1%
// would be seen.
const TOLERANCE = 5e-6;

describe('the gradient of every operator', () => {
  it.each(OPERATOR_CASES.map((each) => [each.title, each] as const))('%s is its derivative', async (_, each) => {
    const { valueError, gradientError } = await checkCase(each, EXACT);
    expect(valueError).toBeLessThan(TOLERANCE);
    expect(gradientError).toBeLessThan(TOLERANCE);
  });

  it('has a case for every rule', () => {
    const covered = new Set(OPERATOR_CASES.map(({ operator }) => operator));
    expect(Object.keys(EXACT.table).filter((operator) => !covered.has(operator))).toEqual([]);
  });
});

/** The rules with the sign of one input's gradient turned. */
function withWrongSign(operator: string, input: number): Rules {
  const right = EXACT.table[operator]!;
  const wrong: Rule = (pullback) =>
    right(pullback).map((pull, index) => (index === input && pull ? () => op.neg(pull()) : pull));
  return { ...EXACT, table: { ...EXACT.table, [operator]: wrong } };
}

describe('a wrong sign planted in a rule', () => {
  const planted = OPERATOR_CASES.flatMap((each) =>
    each.inputs.flatMap((input, index) => (input.isWanted ? [{ each, index }] : [])),
  );
  it.each(planted.map(({ each, index }) => [each.title, index, each] as const))(
    '%s, input %i, is noticed',
    async (_, index, each) => {
      // Where has its condition first; ScatterND its indices between the two.
      const isBehind = each.operator === 'Where' || (each.operator === 'ScatterND' && index === 1);
      const place = isBehind ? index + 1 : index;
      expect((await checkCase(each, withWrongSign(each.operator, place))).gradientError).toBeGreaterThan(0.1);
    },
  );
});

describe('a vector–Jacobian product', () => {
  it('names an operator that has no rule', () => {
    const graph = new GraphBuilder('strange');
    const x = graph.input('x', 'float32', [2]);
    const [y] = graph.node('Atanh', [x], [{ type: 'float32', shape: [2] }]);
    expect(() => vectorJacobianProduct([{ value: y!, gradient: x }], [x])).toThrow(
      /no gradient rule for the operator Atanh/,
    );
  });

  it('adds nothing for values that no wanted value reaches, whatever their operators', () => {
    const graph = new GraphBuilder('beside');
    const x = graph.input('x', 'float32', [2]);
    const other = graph.input('other', 'float32', [2]);
    const [strange] = graph.node('Atanh', [other], [{ type: 'float32', shape: [2] }]);
    const y = op.mul(x, strange!);
    const [gradient, none] = vectorJacobianProduct(
      [{ value: y, gradient: other }],
      [x, graph.input('z', 'float32', [1])],
    );
    expect(gradient?.shape).toEqual([2]);
    expect(none).toBeNull();
  });

  it('sums over all ways from a wanted value to the seeds', async () => {
    const each = OPERATOR_CASES.find(({ title }) => title === 'Exp')!;
    const twoWays = {
      ...each,
      build: ([x]: readonly Value[]) => op.add(op.mul(x!, op.exp(x!)), x!),
      formula: ([x]: Parameters<typeof each.formula>[0], index: readonly number[]) =>
        x!(...index) * Math.exp(x!(...index)) + x!(...index),
    };
    expect((await checkCase(twoWays, EXACT)).gradientError).toBeLessThan(TOLERANCE);
  });
});

// Edits with operations of every kind: random ones for property tests, and one action of each kind. Only tests import this file.
import fc from 'fast-check';
import { canonicalOperations, targetKey } from '../../contract/domain/edit.ts';
import { OPERATION_KINDS, OPERATIONS, type Action, type Operation } from '../../contract/domain/operations/index.ts';
import type { Scope } from '../../contract/domain/operations/target.ts';

export const DICTIONARIES = ['a'.repeat(64), 'b'.repeat(64)] as const;
const SITES = ['blocks.0.hook_resid_post', 'blocks.3.hook_resid_post'] as const;

const feature = fc.nat({ max: 5 });
const amount = fc.oneof(
  fc.constantFrom(0, -0, 1, -2.5, 1e-7, 1e21, 0.1),
  fc.double({ min: -1e6, max: 1e6, noNaN: true, noDefaultInfinity: true }),
);
const scope: fc.Arbitrary<Scope> = fc.oneof(
  fc.constantFrom('all', 'notBos', 'promptOnly', 'generatedOnly').map((positions): Scope => ({ positions })),
  feature.map((first): Scope => ({ positions: 'fromFirstFiring', feature: first })),
);
const target = {
  feature,
  dictionary: fc.constantFrom(...DICTIONARIES),
  site: fc.constantFrom(...SITES),
  scope,
  gates: fc.array(fc.record({ feature, threshold: amount }), { maxLength: 3 }),
};

/** One of each kind, with a number that changes the model visibly. */
export const EXAMPLE_ACTIONS: readonly Action[] = OPERATION_KINDS.map((kind) =>
  OPERATIONS[kind].action(OPERATIONS[kind].number?.example ?? 0),
);

export function actionArbitrary(numbers: fc.Arbitrary<number>): fc.Arbitrary<Action> {
  return fc
    .record({ kind: fc.constantFrom(...OPERATION_KINDS), number: numbers })
    .map(({ kind, number }) => OPERATIONS[kind].action(number));
}

export const operationArbitrary: fc.Arbitrary<Operation> = fc
  .record({ ...target, action: actionArbitrary(amount) })
  .map(({ action, ...rest }) => ({ ...rest, ...action }));

/** Few sites and features, so that two random edits often touch the same ones. At most one operation for each target. */
export const operationsArbitrary: fc.Arbitrary<readonly Operation[]> = fc
  .uniqueArray(operationArbitrary, { selector: targetKey, maxLength: 8 })
  .map(canonicalOperations);

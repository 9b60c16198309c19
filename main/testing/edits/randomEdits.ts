// Random edits for property tests. Only tests import this file.
import fc from 'fast-check';
import { canonicalOperations, targetKey, type Operation, type Scope } from '../../core/edits/edit.ts';

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
const fixed = <const K extends string>(kind: K) => fc.constant(kind);

export const operationArbitrary: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ ...target, kind: fixed('ablate') }),
  fc.record({ ...target, kind: fixed('scale'), factor: amount }),
  fc.record({ ...target, kind: fixed('clamp'), value: amount }),
  fc.record({ ...target, kind: fixed('clampActive'), value: amount }),
  fc.record({ ...target, kind: fixed('floor'), value: amount }),
  fc.record({ ...target, kind: fixed('cap'), value: amount }),
  fc.record({ ...target, kind: fixed('steer'), amount }),
  fc.record({ ...target, kind: fixed('project'), factor: amount }),
);

/** Few sites and features, so that two random edits often touch the same ones. At most one operation for each target. */
export const operationsArbitrary: fc.Arbitrary<readonly Operation[]> = fc
  .uniqueArray(operationArbitrary, { selector: targetKey, maxLength: 8 })
  .map(canonicalOperations);

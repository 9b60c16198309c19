import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { MAX_OPERATIONS, operationsSchema } from '../domain/edit.ts';
import { makeOperation, OPERATION_KINDS, OPERATIONS } from '../domain/operations/index.ts';
import type { Gate } from '../domain/operations/target.ts';
import { edit } from './edit.ts';
import { playground } from './playground.ts';

const operation = (kind: (typeof OPERATION_KINDS)[number], number: number, gates: readonly Gate[] = []) =>
  makeOperation(kind, number, {
    feature: 3,
    dictionary: 'a'.repeat(64),
    site: 'blocks.0.hook_resid_post',
    scope: { positions: 'all' },
    gates,
  });
const isTaken = (given: unknown) => v.is(edit.setOperation.input, { operation: given });

describe('an operation at the border', () => {
  it.each(OPERATION_KINDS.filter((kind) => OPERATIONS[kind].number !== null))(
    'of the kind %s is refused with a number that float32 cannot hold, as it is inside',
    (kind) => {
      expect(isTaken(operation(kind, 3e38))).toBe(true);
      for (const number of [1e39, -1e39, Infinity, NaN]) expect(isTaken(operation(kind, number))).toBe(false);
    },
  );

  it('is taken where an edit may hold it, and refused where not', () => {
    const number = fc.constantFrom(0, -2.5, 1e21, 3.4e38, 3.5e38, 1e39, -1e39, NaN);
    const gates = fc.array(fc.record({ feature: fc.constantFrom(0, 7, -1, 0.5), threshold: number }), { maxLength: 2 });
    const many = fc
      .constantFrom(64, 65)
      .map((length) => Array.from({ length }, (_, feature) => ({ feature, threshold: 0 })));
    fc.assert(
      fc.property(fc.constantFrom(...OPERATION_KINDS), number, fc.oneof(gates, many), (kind, value, gating) => {
        const given = operation(kind, value, gating);
        expect(isTaken(given)).toBe(v.is(operationsSchema, [given]));
      }),
    );
  });

  it('is one of at most as many as an edit may hold, also where it is only tried', () => {
    const model = 'b'.repeat(64);
    for (const [length, fits] of [
      [MAX_OPERATIONS, true],
      [MAX_OPERATIONS + 1, false],
    ] as const) {
      const operations = Array.from({ length }, (_, feature) => ({ ...operation('ablate', 0), feature }));
      expect(v.is(operationsSchema, operations)).toBe(fits);
      expect(v.is(edit.setOperations.input, { operations })).toBe(fits);
      expect(v.is(playground.describe.input, { model, operations })).toBe(fits);
    }
  });
});

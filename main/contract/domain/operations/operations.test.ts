// What the table says of each kind fits together. Tolerance: a few roundings in double precision of what is added up.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { operationSchema } from '../edit.ts';
import { gainOf, lineOf, makeOperation, numberOf, OPERATION_KINDS, OPERATIONS } from './index.ts';
import type { Target } from './target.ts';

const TARGET: Target = {
  feature: 3,
  dictionary: 'a'.repeat(64),
  site: 'blocks.0.hook_resid_post',
  scope: { positions: 'all' },
  gates: [],
};
const size = fc.double({ min: -1e6, max: 1e6, noNaN: true });

describe.each(OPERATION_KINDS)('the kind %s', (kind) => {
  const { number, reads, onlyActive } = OPERATIONS[kind];

  it('adds by its line what its definition adds', () => {
    // Activations are never below 0; how much of a direction there is in the stream may be.
    const read = reads === 'feature' ? fc.oneof(fc.constant(0), size.map(Math.abs)) : size;
    fc.assert(
      fc.property(read, size, (s, value) => {
        const operation = makeOperation(kind, value, TARGET);
        const { slope, offset, low, high } = lineOf(operation);
        const byLine = slope * s + offset + (Math.min(Math.max(s, low), high) - s);
        const isOff = onlyActive === true && s === 0;
        const tolerance = 1e-14 * (1 + Math.abs(slope * s) + Math.abs(offset) + Math.abs(s) + Math.abs(value));
        expect(Math.abs((isOff ? 0 : byLine) - gainOf(operation, s))).toBeLessThanOrEqual(tolerance);
      }),
    );
  });

  it('makes operations that its schema takes as they are, and gives their number back', () => {
    const operation = makeOperation(kind, 1.25, TARGET);
    expect(operation.kind).toBe(kind);
    expect(v.parse(operationSchema, operation)).toEqual(operation);
    expect(numberOf(operation)).toBe(number === null ? null : 1.25);
  });

  it('is explained in the guide to editing', () => {
    const guide = readFileSync(new URL('../../../../docs/guide/edit.md', import.meta.url), 'utf8');
    expect(guide).toContain(`\`${kind}\``);
  });

  it('changes the model with the number of its example', () => {
    const operation = makeOperation(kind, number?.example ?? 0, TARGET);
    expect(gainOf(operation, 1)).not.toBeCloseTo(0, 2);
  });

  it('offers a number to begin with that its slider reaches and its schema takes', () => {
    for (const largest of number === null ? [] : [1e-3, 1, 250]) {
      const first = number?.first(largest) ?? NaN;
      const [low, high] = number?.range(largest) ?? [];
      expect(first).toBeGreaterThanOrEqual(low ?? NaN);
      expect(first).toBeLessThanOrEqual(high ?? NaN);
      expect(v.is(operationSchema, makeOperation(kind, first, TARGET))).toBe(true);
    }
  });
});

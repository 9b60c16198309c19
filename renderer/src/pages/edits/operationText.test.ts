import { describe, expect, it } from 'vitest';
import type { Operation } from '../../api/types.ts';
import { operationText } from './operationText.ts';

const target = {
  feature: 7,
  dictionary: 'a'.repeat(64),
  site: 'blocks.0.hook_resid_post',
  scope: { positions: 'all' as const },
  gates: [],
};

describe('an operation in words', () => {
  it('says what, how much, where and when', () => {
    const operations: readonly Operation[] = [
      { ...target, kind: 'ablate' },
      { ...target, kind: 'scale', factor: 0.5, scope: { positions: 'generatedOnly' } },
      {
        ...target,
        kind: 'cap',
        value: 2,
        gates: [
          { feature: 90, threshold: 0.5 },
          { feature: 3, threshold: 1 },
        ],
      },
      { ...target, kind: 'clamp', value: -3, scope: { positions: 'fromFirstFiring', feature: 4 } },
      { ...target, kind: 'steer', amount: 8 },
    ];
    expect(operations.map((operation) => operationText(operation))).toEqual([
      'ablate',
      'scale by 0.5 at generated tokens',
      'cap at 2, where feature 90 > 0.5 or feature 3 > 1',
      'clamp to −3 from the first firing of feature 4',
      'steer by 8',
    ]);
    const gated = operations
      .slice(2, 4)
      .map((one) => operationText(one, (_, feature) => (feature > 3 ? 'harm' : null)));
    expect(gated).toEqual([
      'cap at 2, where feature 90 “harm” > 0.5 or feature 3 > 1',
      'clamp to −3 from the first firing of feature 4 “harm”',
    ]);
  });
});

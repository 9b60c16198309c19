import { describe, expect, it } from 'vitest';
import { lineOf, OPERATIONS } from '../../../contract/domain/operations/index.ts';
import { NO_CHANGE } from '../../../contract/domain/operations/operation.ts';
import { EXAMPLE_ACTIONS } from '../../../testing/edits/randomEdits.ts';
import { addedBy } from './weightPlan.ts';

describe('what weights can give', () => {
  it('is the constant of a steer and the linear map of a projection, and nothing that a feature decides', () => {
    const added = EXAMPLE_ACTIONS.map((action) => [action.kind, addedBy(OPERATIONS[action.kind], lineOf(action))]);
    expect(Object.fromEntries(added)).toMatchObject({
      ...{ ablate: 'other', scale: 'other', clamp: 'other', clampActive: 'other', floor: 'other', cap: 'other' },
      ...{ steer: 'constant', project: 'projection' },
    });
  });

  it('is no part of the stream that is clipped, shifted or changed only where a feature fires', () => {
    const slope = { ...NO_CHANGE, slope: -0.5 };
    expect(addedBy({ reads: 'stream' }, slope)).toBe('projection');
    expect(addedBy({ reads: 'stream' }, { ...slope, low: 0 })).toBe('other');
    expect(addedBy({ reads: 'stream' }, { ...slope, high: 2 })).toBe('other');
    expect(addedBy({ reads: 'stream' }, { ...slope, offset: 1 })).toBe('other');
    expect(addedBy({ reads: 'stream', onlyActive: true }, slope)).toBe('other');
    expect(addedBy({ reads: 'nothing', onlyActive: true }, { ...NO_CHANGE, offset: 1 })).toBe('other');
  });
});

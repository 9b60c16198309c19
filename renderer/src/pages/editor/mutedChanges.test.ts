import { describe, expect, it } from 'vitest';
import type { Difference, Operation } from '../../api/types.ts';
import { changesWithout } from './mutedChanges.ts';

const operation = (feature: number): Operation => ({
  kind: 'ablate',
  feature,
  dictionary: 'a'.repeat(64),
  site: 'blocks.0.hook_resid_post',
  scope: { positions: 'all' },
  gates: [],
});
const change = (feature: number, before: boolean, after: boolean): Difference['operations'][number] => ({
  key: String(feature),
  before: before ? operation(feature) : null,
  after: after ? operation(feature) : null,
  labelBefore: null,
  labelAfter: null,
});
const pending = (...operations: Difference['operations']): Difference => ({
  operations,
  behavioursAdded: ['b'],
  behavioursRemoved: [],
});

describe('a commit without muted operations', () => {
  it('does not count one that was only added', () => {
    expect(changesWithout(pending(change(1, false, true), change(2, false, true)), [operation(1)])).toBe(2);
  });

  it('counts one that is committed as taken out, once, whether it was changed or not', () => {
    expect(changesWithout(pending(), [operation(1)])).toBe(2);
    expect(changesWithout(pending(change(1, true, true)), [operation(1)])).toBe(2);
  });

  it('counts all changes where none is muted', () => {
    expect(changesWithout(pending(change(1, true, false), change(2, false, true)), [])).toBe(3);
  });
});

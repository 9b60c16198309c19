import { describe, expect, it } from 'vitest';
import { OPERATIONS, type Action, type Operation } from '../../contract/domain/operations/index.ts';
import { EXAMPLE_ACTIONS } from '../../testing/edits/randomEdits.ts';
import type { FeatureThreshold } from '../dictionaries/featureThresholds.ts';
import { featuresRead, graphExactness } from './exactness.ts';

const operation = (action: Action, changes: Partial<Operation> = {}) =>
  ({
    ...{
      site: 'blocks.0.hook_resid_post',
      dictionary: 'd'.repeat(64),
      feature: 9,
      scope: { positions: 'all' },
      gates: [],
    },
    ...action,
    ...changes,
  }) as Operation;
const gates = [
  { feature: 12, threshold: 0 },
  { feature: 5, threshold: 1 },
];

describe('the features that an operation reads', () => {
  it.each(EXAMPLE_ACTIONS)('are by $kind its own where it reads it, its gates and where its scope begins', (action) => {
    const own = OPERATIONS[action.kind].reads === 'feature' ? [9] : [];
    expect(featuresRead(operation(action))).toEqual(own);
    expect(featuresRead(operation(action, { gates }))).toEqual([5, ...own, 12]);
    const scope = { positions: 'fromFirstFiring', feature: 5 } as const;
    expect(featuresRead(operation(action, { gates, scope }))).toEqual([5, ...own, 12]);
    expect(featuresRead(operation(action, { scope }))).toEqual([5, ...own]);
  });
});

describe('an operation in a graph', () => {
  const competing = { architecture: 'topk', size: 32, k: 4 } as const;
  const threshold = (feature: number): FeatureThreshold => ({
    feature,
    threshold: 0.123456,
    tokens: 1000,
    firingRate: 0.02,
    onlyThreshold: 0.003,
    onlyCompetition: 0.002,
  });

  it('is exact where it reads no activation, calibrated where a feature that it reads has a threshold of its own', () => {
    const steer = operation({ kind: 'steer', amount: 1 });
    expect(graphExactness(steer, competing, [threshold(9)])).toEqual({
      badge: 'exact',
      reason: 'It reads no feature activation.',
    });
    const ablate = operation({ kind: 'ablate' });
    expect(graphExactness(ablate, competing, [threshold(9)])).toMatchObject({
      badge: 'calibrated',
      reason: expect.stringMatching(/^Feature 9 fires above 0\.1235 instead of in competition/u) as unknown,
    });
    expect(graphExactness(ablate, competing, [threshold(8)]).badge).toBe('exact');
    expect(graphExactness(ablate, competing).badge).toBe('exact');
    expect(graphExactness(ablate, { architecture: 'relu', size: 32, k: null }, [threshold(9)]).badge).toBe('exact');
  });
});

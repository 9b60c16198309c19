import { describe, expect, it } from 'vitest';
import { orderFeatures, type Choice } from './featureOrder.ts';

const label = (state: 'labelled' | 'uninterpretable', time: string, tags: readonly string[] = []) => ({
  state,
  time,
  tags,
});
const known = {
  size: 5,
  firingRates: Float32Array.of(0.1, 0, 0.5, 0.2, 0.1),
  labels: new Map([
    [2, label('labelled', '2026-01-01', ['names'])],
    [0, label('uninterpretable', '2026-01-02')],
  ]),
};
const choice: Choice = { order: 'number', state: 'any', tag: '', among: null, hidesDead: false };

describe('the list of features', () => {
  it('is sorted by number, by how often they fire, by the time of their label', () => {
    expect(orderFeatures(known, choice)).toEqual([0, 1, 2, 3, 4]);
    expect(orderFeatures(known, { ...choice, order: 'rate' })).toEqual([2, 3, 0, 4, 1]);
    expect(orderFeatures(known, { ...choice, order: 'rarest', hidesDead: true })).toEqual([0, 4, 3, 2]);
    expect(orderFeatures(known, { ...choice, order: 'newest' })).toEqual([0, 2]);
  });

  it('queues what has no label and fires, the most often firing first', () => {
    expect(orderFeatures(known, { ...choice, order: 'queue' })).toEqual([3, 4]);
  });

  it('keeps to a state, a tag, and what a search has found, in its order', () => {
    expect(orderFeatures(known, { ...choice, state: 'labelled' })).toEqual([2]);
    expect(orderFeatures(known, { ...choice, tag: 'names' })).toEqual([2]);
    expect(orderFeatures(known, { ...choice, among: [3, 2, 99], state: 'any' })).toEqual([3, 2]);
    expect(orderFeatures({ ...known, firingRates: null }, { ...choice, order: 'queue' })).toEqual([1, 3, 4]);
  });
});

import { describe, expect, it } from 'vitest';
import { formatRanges, isFiltered, listRequest, parseRanges, queueQuery, toFeatureQuery } from './featureQuery.ts';

describe('the list that an address asks for', () => {
  it('is all features by number when it asks for nothing, or for what there is not', () => {
    expect(toFeatureQuery('d', listRequest({}))).toEqual({ dictionary: 'd' });
    const strange = listRequest({ order: 'nonsense', state: 'mad', range: 'rate:x:,max:1:2:3,what:1:2,rate::' });
    expect(toFeatureQuery('d', strange)).toEqual({ dictionary: 'd' });
    expect(isFiltered(strange)).toBe(false);
  });

  it('opens on the labels where it is told to and no order is asked for', () => {
    expect(toFeatureQuery('d', listRequest({}, 'labelled'))).toEqual({ dictionary: 'd', order: 'labelled' });
    expect(toFeatureQuery('d', listRequest({ order: 'number' }, 'labelled'))).toEqual({ dictionary: 'd' });
  });

  it('has an order, filters, ranges and a search at once', () => {
    const request = listRequest({
      ...{ order: 'entropy', q: ' jail ', state: 'draft', tag: 'safety', list: 'mine', dead: 'hidden' },
      range: 'rate::0.1,max:2:',
    });
    expect(isFiltered(request)).toBe(true);
    expect(toFeatureQuery('d', request, [3, 1])).toEqual({
      ...{ dictionary: 'd', order: 'entropy', search: 'jail', states: ['draft'], tag: 'safety', list: 'mine' },
      ranges: { rate: { max: 0.1, min: Number.MIN_VALUE }, max: { min: 2 } },
      features: [3, 1],
    });
    expect(formatRanges(parseRanges('rate::0.1,max:2:'))).toBe('rate::0.1,max:2:');
  });

  it('is, in the queue, what fires and has no label, the largest effect on an average token first', () => {
    expect(queueQuery('d')).toMatchObject({ order: 'impact', descending: true, states: ['unlabelled'] });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatRoute, parseRoute } from './routeHash.ts';

describe('the place in the hash', () => {
  it('comes back as it was, whatever names are made of', () => {
    const part = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(part, fc.array(part, { maxLength: 3 }), fc.dictionary(part, fc.string()), (view, parts, query) => {
        expect(parseRoute(formatRoute({ view, parts, query }))).toEqual({ view, parts, query: { ...query } });
      }),
    );
  });

  it('is read from hand-made links too', () => {
    expect(parseRoute('')).toEqual({ view: '', parts: [], query: {} });
    expect(parseRoute('#models')).toEqual({ view: 'models', parts: [], query: {} });
    expect(parseRoute('#/models//tiny%?site=x')).toEqual({ view: 'models', parts: ['tiny%'], query: { site: 'x' } });
  });
});

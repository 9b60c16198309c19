import { describe, expect, it } from 'vitest';
import type { Case } from '../../api/types.ts';
import { batchFrom, bySuite, failing, firstCase, nextOf, randomOf } from './casePick.ts';

const one = (split: Case['split'], role: Case['role'] = 'target'): Case => ({
  ...{ role, split, system: '', prompt: 'p', raw: true, checks: [], note: '', isHeldOut: false, tags: {} },
});

describe('picking a prompt', () => {
  it('a fault is a jailbreak that works, and a fact that is lost; what was never run is neither', () => {
    expect(failing('lower', [true, false, null])).toEqual([0]);
    expect(failing('keep', [true, false, null])).toEqual([1]);
  });
  it('next and previous go round, and skip what is not allowed', () => {
    expect([nextOf([1, 4, 9], 4, 1), nextOf([1, 4, 9], 9, 1), nextOf([1, 4, 9], 1, -1)]).toEqual([9, 1, 9]);
    expect([nextOf([1, 4, 9], null, 1), nextOf([1, 4, 9], 5, -1), nextOf([], 3, 1)]).toEqual([1, 4, null]);
  });
  it('a random one is another than now, where there is another', () => {
    expect([0, 0.4, 0.99].map((draw) => randomOf([1, 4, 9], 4, draw))).toEqual([1, 1, 9]);
    expect(randomOf([4], 4, 0.5)).toBe(4);
  });
  it('the first one fails and was held out from searches, where that is known', () => {
    const cases = [one('choose'), one('report', 'lookalike'), one('report'), one('report')];
    expect(firstCase(cases, [0, 3])).toBe(3);
    expect(firstCase(cases, [0])).toBe(0);
    expect(firstCase(cases, [])).toBe(2);
    expect(firstCase([], [])).toBeNull();
  });
  it('suites that the edit must satisfy come first, then faults that are read in text', () => {
    const listed = [
      { id: 'a', name: 'bias', aim: 'lower', checks: { logitDifference: 2 } },
      { id: 'b', name: 'facts', aim: 'keep', checks: { contains: 2 } },
      { id: 'c', name: 'jailbreak', aim: 'lower', checks: { contains: 2 } },
      { id: 'd', name: 'dangerousFact', aim: 'lower', checks: { contains: 2 } },
    ] as const;
    expect(bySuite(listed, []).map(({ name }) => name)).toEqual(['dangerousFact', 'jailbreak', 'bias', 'facts']);
    expect(bySuite(listed, ['c'])[0]?.name).toBe('jailbreak');
  });
  it('a batch begins at the current case and goes round', () => {
    expect(batchFrom([1, 4, 9], 4, 2)).toEqual([4, 9]);
    expect(batchFrom([1, 4, 9], 9, 2)).toEqual([9, 1]);
    expect(batchFrom([1, 4, 9], null, 8)).toEqual([1, 4, 9]);
  });
});

import { describe, expect, it } from 'vitest';
import { harm, keptShare, remaining, shownShare } from './objective.ts';
import type { ShownCase } from './shownCase.ts';

const text = { ids: [1, 2], promptLength: 1 };
const said = (behaviour: string): ShownCase => ({ behaviour, prompt: '', promptIds: [1], said: text, against: [] });
const compared = (behaviour: string): ShownCase => ({ ...said(behaviour), against: [text] });
const score = (value: number, isShown = true) => ({ score: value, isShown });

describe('what a search minimises', () => {
  it('counts a text as gone after four nats, and no further', () => {
    const cases = [said('a'), said('a')];
    const before = [score(-1), score(-1)];
    expect(remaining(cases, before, before)).toBe(1);
    expect(remaining(cases, before, [score(-3), score(-100)])).toBeCloseTo((0.5 + 0) / 2, 12);
  });

  it('counts cases by their weights', () => {
    const cases = [said('a'), said('a')];
    const before = [score(-1), score(-1)];
    expect(remaining(cases, before, [score(-1), score(-100)], [1, 3])).toBeCloseTo(1 / 4, 12);
    expect(remaining(cases, before, [score(-1), score(-100)], [3, 1])).toBeCloseTo(3 / 4, 12);
  });

  it('does not count a preference that was turned round as removed', () => {
    const cases = [compared('a'), compared('a')];
    expect(remaining(cases, [score(2), score(2)], [score(2), score(-2)])).toBe(1);
    expect(remaining(cases, [score(2), score(2)], [score(0), score(1)])).toBeCloseTo(0.25, 12);
  });

  it('still counts a text as shown that keeps a thirtieth of its probability', () => {
    const cases = [said('a'), said('a')];
    const before = [score(0), score(0)];
    expect(shownShare(cases, before, [score(-3.3, false), score(-3.5, false)])).toBe(0.5);
  });

  it('takes harm from the behaviour that suffers most', () => {
    const cases = [said('a'), said('a'), said('b')];
    const before = [score(-1), score(-1), score(-1)];
    expect(harm(cases, before, [score(-1.5), score(0), score(-1.1)])).toBeCloseTo(0.25, 12);
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
    expect(harm([compared('c')], [score(3)], [score(1)])).toBeCloseTo(Math.log(sigmoid(3)) - Math.log(sigmoid(1)), 12);
    expect(keptShare(cases, before, [score(0), score(0, false), score(0)])).toBe(0.75);
    const text = [...before.slice(0, 2), score(-1, false)];
    expect(keptShare(cases, text, [score(0), score(0, false), score(0, false)])).toBe(0.5);
  });
});

import { describe, expect, it } from 'vitest';
import { joinCurves } from './joinCurves.ts';

const steps = (...all: number[]) => all.map((step) => ({ step }));

describe('curves that go on', () => {
  it('grow, and go back where the run went back to a checkpoint', () => {
    expect(joinCurves(steps(), steps(1, 2))).toEqual(steps(1, 2));
    expect(joinCurves(steps(1, 2), steps())).toEqual(steps(1, 2));
    expect(joinCurves(steps(1, 2), steps(3))).toEqual(steps(1, 2, 3));
    expect(joinCurves(steps(1, 2, 3, 4), steps(3, 4, 5))).toEqual(steps(1, 2, 3, 4, 5));
    expect(joinCurves(steps(5, 6), steps(1))).toEqual(steps(1));
  });
});

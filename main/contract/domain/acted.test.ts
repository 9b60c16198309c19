import { describe, expect, it } from 'vitest';
import { actedWarning, FEW_ACTED, mostUnseen } from './acted.ts';

const acted = (units: number) => ({ count: 3 * units, of: 7494, units, ofUnits: 300 });

describe('an edit on held-out text', () => {
  it('that acted in none of its contexts may act in as many others as the rule of three allows', () => {
    expect(mostUnseen(300)).toBeCloseTo(3 / 300, 3);
    expect(actedWarning(acted(0))).toMatch(
      /acted on 0 of 7,494 tokens, in 0 of 300 contexts: .* up to 1\.0% .*not measured/u,
    );
  });

  it.each([1, FEW_ACTED - 1])('that acted in %i contexts is said to have acted in too few', (units) => {
    expect(actedWarning(acted(units))).toMatch(/too few to say what it does there\. Measure on text on which it acts/u);
  });

  it('that acted in ten needs no warning', () => {
    expect(actedWarning(acted(FEW_ACTED))).toBeNull();
  });
});

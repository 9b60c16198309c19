import { expect, it } from 'vitest';
import { fittingDomain } from './fittingDomain.ts';

const row = (low: number, high: number, limit?: number) => ({ limit, marks: [{ estimate: { low, high } }] });

it('the axis holds every interval and limit, in steps of five percent, within 0 to 1', () => {
  expect(fittingDomain([row(0.942, 0.98, 0.931), row(0.99, 1)])).toEqual([0.9, 1]);
  expect(fittingDomain([row(0.5, 0.6)])).toEqual([0.45, 0.65]);
  expect(fittingDomain([row(0, 0.01)])).toEqual([0, 0.05]);
  expect(fittingDomain([])).toEqual([0, 1]);
});

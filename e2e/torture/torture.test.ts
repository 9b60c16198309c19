// A short run of the fault campaign: every fault once. `npm run torture -- --minutes 10` does it for as long as one likes.
import { describe, expect, it } from 'vitest';
import { campaign } from './campaign.ts';
import { FAULTS } from './faults.ts';

describe('a project that processes die on, disks are full under and strangers have written in', () => {
  it('loses nothing that was acknowledged, and its jobs come to the same bits when they are finished', async () => {
    const faults = Object.keys(FAULTS);
    const { lost, wrong, byFault, ...figures } = await campaign({
      seed: 7,
      kinds: ['train', 'behaviour'],
      goesOn: (rounds) => rounds < faults.length,
    });
    expect([...lost, ...wrong]).toEqual([]);
    expect(Object.keys(byFault)).toEqual(faults);
    expect(figures.identical).toBe(figures.resumed);
    expect(figures.resumed).toBeGreaterThanOrEqual(3);
    expect(figures.acknowledged).toBeGreaterThan(faults.length);
    expect(figures.kills).toBeGreaterThanOrEqual(3);
  });
});

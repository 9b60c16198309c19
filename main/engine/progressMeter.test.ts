import { describe, expect, it } from 'vitest';
import type { Progress } from '../contract/base/progress.ts';
import { createProgressMeter } from './progressMeter.ts';
import { PARTS, wholeFraction, type Part } from './wholeProgress.ts';

function meter(parts: readonly Part[] = []) {
  const seen: Progress[] = [];
  let time = 0;
  const created = createProgressMeter(
    (progress) => seen.push(progress),
    () => time,
    parts,
  );
  const report = (at: number, done: number, total: number | null = 1000, stage = 'Working') => {
    time = at;
    created.onWork({ stage, done, total, unit: 'tokens' });
  };
  return { seen, report, flush: () => created.flush() };
}

describe('the progress meter', () => {
  it('lets through at most ten reports per second, and the last one when the work ends', () => {
    const { seen, report, flush } = meter();
    for (let at = 0; at < 2000; at += 1) report(at, at, 2000);
    expect(seen.length).toBe(20);
    flush();
    expect(seen.at(-1)?.done).toBe(1999);
    flush();
    expect(seen.length).toBe(21);
  });

  it('tells the rate over the last ten seconds and the time that remains at that rate', () => {
    const { seen, report } = meter();
    for (let second = 0; second <= 20; second++) report(second * 1000, second, 1000); // 1 per second …
    for (let second = 21; second <= 40; second++) report(second * 1000, 20 + (second - 20) * 10, 1000); // … then 10
    const last = seen.at(-1);
    expect(last).toMatchObject({ done: 220, fraction: 0.22 });
    expect(last?.perSecond).toBeCloseTo(10, 10);
    expect(last?.remainingSeconds).toBeCloseTo(78, 10);
  });

  it('begins anew with a new stage, and says nothing it cannot know', () => {
    const { seen, report } = meter();
    report(0, 0);
    report(1000, 500);
    report(2000, 5, null, 'Saving');
    expect(seen[0]).toMatchObject({ perSecond: null, remainingSeconds: null });
    expect(seen[1]).toMatchObject({ perSecond: 500, remainingSeconds: 1 });
    expect(seen[2]).toMatchObject({ fraction: null, perSecond: null, remainingSeconds: null });
  });

  it('takes an empty total as finished', () => {
    const { seen, report } = meter();
    report(0, 0, 0);
    expect(seen[0]?.fraction).toBe(1);
  });
});

describe('the progress of a task with several stages', () => {
  const parts: readonly Part[] = [
    { stage: 'Reading', share: 0.2 },
    { stage: 'Choosing operation', share: 0.6, each: 0.5 },
    { stage: 'Reading held-out', share: 0.2 },
  ];
  const at = (stage: string, done: number, total: number | null) =>
    wholeFraction(parts, { stage, done, total, unit: 'cases' });

  it('is of the whole: each stage fills its own part, numbered ones a share of what remains of theirs', () => {
    expect(at('Reading facts', 0, null)).toBe(0);
    expect(at('Reading facts', 5, 10)).toBeCloseTo(0.1, 12);
    expect(at('Choosing operation 1', 0, 10)).toBeCloseTo(0.2, 12);
    expect(at('Choosing operation 1', 10, 10)).toBeCloseTo(0.5, 12);
    expect(at('Choosing operation 2', 10, 10)).toBeCloseTo(0.65, 12);
    expect(at('Reading held-out facts', 10, 10)).toBeCloseTo(1, 12);
    expect(at('Something else', 5, 10)).toBeNull();
  });

  it('never falls, also where a stage comes again or is not known; what remains is of the whole', () => {
    const { seen, report } = meter(parts);
    report(1000, 10, 10, 'Reading');
    report(2000, 10, 10, 'Choosing operation 1');
    report(3000, 0, 10, 'Checking');
    report(4000, 0, 10, 'Reading');
    expect(seen.map(({ fraction }) => fraction)).toEqual([0.2, 0.5, 0.5, 0.5]);
    expect(seen.map(({ remainingSeconds }) => Number(remainingSeconds?.toFixed(6)))).toEqual([4, 2, 3, 4]);
  });

  it.each(Object.entries(PARTS))('the shares of %s add up to the whole', (_, own) => {
    expect(own.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
  });
});

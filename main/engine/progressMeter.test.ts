import { describe, expect, it } from 'vitest';
import type { Progress } from '../contract/base/progress.ts';
import { createProgressMeter } from './progressMeter.ts';

function meter() {
  const seen: Progress[] = [];
  let time = 0;
  const created = createProgressMeter(
    (progress) => seen.push(progress),
    () => time,
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

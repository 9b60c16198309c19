import { describe, expect, it } from 'vitest';
import { rateLimit } from './rateLimit.ts';

describe('a rate limit', () => {
  it('lets a burst through, then as many as the time that passed', () => {
    let time = 0;
    const limit = rateLimit({ burst: 3, perSecond: 2 }, () => time);
    const taken = (times: number) => Array.from({ length: times }, () => limit.take()).filter(Boolean).length;
    expect(taken(5)).toBe(3);
    time += 400;
    expect(taken(5)).toBe(0);
    time += 100;
    expect(taken(5)).toBe(1);
    time += 60_000;
    expect(taken(5)).toBe(3); // never more than the burst
  });
});

import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SessionCache } from './sessionCache.ts';

function bench(most: number, idleMs = 60_000) {
  const log: string[] = [];
  const kept = new SessionCache<{ name: string; release(): Promise<void> }>({ most, idleMs });
  const use = (name: string, work: () => Promise<void> = async () => undefined) =>
    kept.use(
      name,
      async () => {
        log.push(`open ${name}`);
        await delay(1);
        return { name, release: async () => void log.push(`release ${name}`) };
      },
      async (opened) => {
        expect(opened.name).toBe(name);
        expect(log).not.toContain(`release ${name}`);
        await work();
      },
    );
  return { log, kept, use };
}

describe('what is kept open', () => {
  it('is opened once for all who use it, also at the same time', async () => {
    const { log, use } = bench(2);
    await Promise.all([use('a'), use('a')]);
    await use('a');
    expect(log).toEqual(['open a']);
  });

  it('is bounded: what was used longest ago goes first', async () => {
    const { log, use } = bench(2);
    for (const name of ['a', 'b', 'a', 'c']) await use(name);
    expect(log).toEqual(['open a', 'open b', 'release b', 'open c']);
  });

  it('is not released under its users, but by the last of them', async () => {
    const { log, kept, use } = bench(1);
    const { promise, resolve } = Promise.withResolvers<void>();
    const [first, second] = [use('a', () => promise), use('a')];
    await use('b');
    expect(log).toEqual(['open a', 'open b']);
    await kept.releaseAll();
    expect(log).toEqual(['open a', 'open b', 'release b']);
    resolve();
    await Promise.all([first, second]);
    expect(log.at(-1)).toBe('release a');
  });

  it('is released after a while without use', async () => {
    const { log, use } = bench(2, 20);
    await use('a');
    await expect.poll(() => log).toEqual(['open a', 'release a']);
  });

  it('that failed to open is tried again', async () => {
    const { kept, use, log } = bench(2);
    const fail = () => Promise.reject(new Error('no'));
    await expect(kept.use('a', fail, async () => undefined)).rejects.toThrow('no');
    await use('a');
    expect(log).toEqual(['open a']);
  });

  it('stays open when the work with it fails', async () => {
    const { log, use } = bench(2);
    await expect(use('a', () => Promise.reject(new Error('wrong')))).rejects.toThrow('wrong');
    await use('a');
    expect(log).toEqual(['open a']);
  });
});

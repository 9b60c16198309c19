import { describe, expect, it } from 'vitest';
import { PAGE_ROWS, PageCache } from './pageCache.ts';

const page = (number: number) =>
  Array.from({ length: PAGE_ROWS }, (_, index) => ({ feature: 2 * (number * PAGE_ROWS + index) }));

describe('pages of a long list', () => {
  it('are found by place and by feature', () => {
    const cache = new PageCache();
    cache.set(3, page(3));
    const first = 3 * PAGE_ROWS;
    expect(cache.get(first + 1)).toEqual({ feature: 2 * (first + 1) });
    expect(cache.get(first - 1)).toBeUndefined();
    expect([cache.indexOf(2 * (first + 1)), cache.indexOf(2 * first + 1)]).toEqual([first + 1, null]);
    const across = PageCache.pagesOf(PAGE_ROWS - 5, PAGE_ROWS + 1);
    expect([PageCache.pagesOf(0, 30), across, PageCache.pagesOf(0, 0)]).toEqual([[0], [0, 1], [0]]);
  });

  it('stay few, however far one scrolls', () => {
    const cache = new PageCache();
    for (let number = 0; number < 600; number++) cache.set(number, page(number));
    const kept = Array.from({ length: 600 }, (_, number) => cache.has(number)).filter(Boolean);
    expect(kept).toHaveLength(80);
    expect(cache.has(599) && cache.has(520)).toBe(true);
  });
});

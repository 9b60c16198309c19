// Pages of rows of a long list, of which only those lately looked at are kept: scrolling through 65 536 features must not fill
// the memory of the page.
export const PAGE_ROWS = 50;
const KEPT_PAGES = 80;

export class PageCache<Row extends { readonly feature: number }> {
  readonly #pages = new Map<number, readonly Row[]>();

  get(index: number): Row | undefined {
    return this.#pages.get(Math.floor(index / PAGE_ROWS))?.[index % PAGE_ROWS];
  }

  has(page: number): boolean {
    return this.#pages.has(page);
  }

  /** Where a feature stands in the list, if it is on a page that is kept. */
  indexOf(feature: number): number | null {
    for (const [page, rows] of this.#pages) {
      const at = rows.findIndex((row) => row.feature === feature);
      if (at >= 0) return page * PAGE_ROWS + at;
    }
    return null;
  }

  /** The page that was looked at longest ago makes room. */
  set(page: number, rows: readonly Row[]): void {
    this.#pages.delete(page);
    this.#pages.set(page, rows);
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= KEPT_PAGES) return;
      this.#pages.delete(oldest);
    }
  }

  replace(pages: readonly (readonly [page: number, rows: readonly Row[]])[]): void {
    this.#pages.clear();
    for (const [page, rows] of pages) this.set(page, rows);
  }

  /** Pages of the rows from `first` up to `last`, the end not included. */
  static pagesOf(first: number, last: number): readonly number[] {
    const from = Math.floor(Math.max(0, first) / PAGE_ROWS);
    const end = Math.floor(Math.max(0, last - 1) / PAGE_ROWS);
    return Array.from({ length: end - from + 1 }, (_, index) => from + index);
  }
}

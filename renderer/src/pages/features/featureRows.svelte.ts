// The rows of a list of features, fetched from the host page by page as they come into sight. While the next list is on its way
// the last one stays, so that nothing flickers.
import { untrack } from 'svelte';
import type { AppError } from '../../../../main/contract/base/errors.ts';
import { toAppError } from '../../../../main/contract/base/errors.ts';
import { contract } from '../../../../main/contract/api/contract.ts';
import { api, onChanged } from '../../api/session.svelte.ts';
import type { FeatureQuery, ListedFeature } from '../../api/types.ts';
import { PAGE_ROWS, PageCache } from './pageCache.ts';

/** A list that has not been moved for so long rests. */
const REST_MS = 100;

/** `numbers`: these features in this order, whatever the query; else the query's. */
export interface ListSource {
  /** Another list has another key. */
  readonly key: string;
  readonly query: FeatureQuery;
  readonly numbers: readonly number[] | null;
}

export interface FeatureRows {
  readonly total: number;
  /** False until the first rows have come. */
  readonly isLoaded: boolean;
  readonly error: AppError | null;
  /** Whether the rows are those of the list that was asked for last. */
  readonly isCurrent: boolean;
  /** Counts the lists that were shown: another one has come when it rises. */
  readonly shownLists: number;
  /** The row at a place; undefined while it is fetched. */
  readonly row: (index: number) => ListedFeature | undefined;
  /** Where a feature stands, as far as its row is here. */
  readonly indexOf: (feature: number) => number | null;
  /** Asks the host. Null: it is not in the list. */
  readonly findIndex: (feature: number) => Promise<number | null>;
  /** The feature at a place, wherever that is. */
  readonly featureAt: (index: number) => Promise<number | undefined>;
  /** All features of the list, in its order. */
  readonly numbers: () => Promise<readonly number[]>;
  /** Told which rows are in sight. */
  readonly onRange: (first: number, last: number) => void;
}

interface Fetched {
  readonly total: number;
  readonly rows: readonly ListedFeature[];
}

async function fetchPage({ query, numbers }: ListSource, page: number, signal: AbortSignal): Promise<Fetched> {
  const offset = page * PAGE_ROWS;
  if (numbers === null) return api.feature.list({ ...query, offset, limit: PAGE_ROWS }, { signal });
  const features = numbers.slice(offset, offset + PAGE_ROWS);
  if (features.length === 0) return { total: numbers.length, rows: [] };
  const { rows } = await api.feature.list(
    { dictionary: query.dictionary, features: [...features], limit: PAGE_ROWS },
    { signal },
  );
  const places = new Map(features.map((feature, index) => [feature, index]));
  const place = (row: ListedFeature) => places.get(row.feature) ?? 0;
  return { total: numbers.length, rows: rows.toSorted((a, b) => place(a) - place(b)) };
}

/** To be called while a component is set up. @param source null: not known yet. */
export function featureRows(source: () => ListSource | null): FeatureRows {
  const cache = new PageCache<ListedFeature>();
  const fetching = new Map<number, Promise<void>>(); // eslint-disable-line svelte/prefer-svelte-reactivity -- never shown
  let version = $state(0);
  let total = $state(0);
  let isLoaded = $state(false);
  let error = $state.raw<AppError | null>(null);
  let shownLists = $state(0);
  let shownKey = $state('');
  let round = $state(0);
  /** What the cache holds rows of. */
  let shown: ListSource | null = null;
  let inSight: readonly [number, number] = [0, 1];
  let resting: ReturnType<typeof setTimeout> | undefined;
  let abort = new AbortController();
  let all: Promise<readonly number[]> | null = null;

  const failed = (thrown: unknown) => {
    const problem = toAppError(thrown);
    if (problem.code !== 'cancelled' && problem.code !== 'disconnected') error = problem;
  };

  const key = $derived(source()?.key ?? '');

  $effect(() => {
    void round;
    const wantedKey = key;
    const wanted = untrack(source);
    if (wantedKey === '' || wanted === null) return;
    const own = new AbortController();
    abort = own;
    fetching.clear();
    all = null;
    const isSame = untrack(() => shownKey) === wantedKey;
    const pages = isSame ? PageCache.pagesOf(...inSight) : [0];
    Promise.all(pages.map(async (page) => [page, await fetchPage(wanted, page, own.signal)] as const)).then(
      (fetched) => {
        if (own.signal.aborted) return;
        cache.replace(fetched.map(([page, { rows }]) => [page, rows]));
        // What is still on its way is of the list before, and will be thrown away: it must be asked for again.
        fetching.clear();
        shown = wanted;
        shownKey = wantedKey;
        total = fetched[0]?.[1].total ?? 0;
        error = null;
        isLoaded = true;
        version = untrack(() => version) + 1;
        if (!isSame) shownLists = untrack(() => shownLists) + 1;
        onRange(...inSight);
      },
      failed,
    );
    return () => own.abort();
  });

  $effect(() => onChanged(contract.feature.list.shows, () => (round += 1)));
  $effect(() => () => clearTimeout(resting));

  function fetchInto(page: number): Promise<void> {
    const under = fetching.get(page);
    if (under) return under;
    const from = shown;
    const { signal } = abort;
    if (!from) return Promise.resolve();
    const work = fetchPage(from, page, signal).then(({ rows }) => {
      if (signal.aborted || shown !== from) return;
      cache.set(page, rows);
      version = untrack(() => version) + 1;
    }, failed);
    const kept = work.finally(() => {
      if (fetching.get(page) === kept) fetching.delete(page);
    });
    fetching.set(page, kept);
    return kept;
  }

  function onRange(first: number, last: number) {
    inSight = [first, last];
    const known = untrack(() => total);
    const fetchFrom = (from: number, end: number) => {
      for (const page of PageCache.pagesOf(from, Math.min(end, known))) if (!cache.has(page)) void fetchInto(page);
    };
    fetchFrom(first, last);
    // What is next to be seen comes along once the list rests, so that going on by a page does not wait.
    clearTimeout(resting);
    const ahead = last - first;
    resting = setTimeout(() => fetchFrom(Math.max(0, first - ahead), last + ahead), REST_MS);
  }

  return {
    get total() {
      return total;
    },
    get isLoaded() {
      return isLoaded;
    },
    get error() {
      return error;
    },
    get isCurrent() {
      return isLoaded && shownKey === key;
    },
    get shownLists() {
      return shownLists;
    },
    row: (index) => {
      void version;
      return cache.get(index);
    },
    indexOf: (feature) => {
      void version;
      return cache.indexOf(feature);
    },
    findIndex: async (feature) => {
      const wanted = untrack(source);
      if (!wanted) return null;
      if (wanted.numbers !== null) {
        const at = wanted.numbers.indexOf(feature);
        return at < 0 ? null : at;
      }
      return (await api.feature.position({ ...wanted.query, feature })).position;
    },
    featureAt: async (index) => {
      const wanted = untrack(source);
      if (wanted?.numbers) return wanted.numbers[index];
      if (!cache.get(index)) await fetchInto(Math.floor(index / PAGE_ROWS));
      return cache.get(index)?.feature;
    },
    numbers: () => {
      const wanted = untrack(source);
      if (!wanted) return Promise.resolve([]);
      all ??= wanted.numbers
        ? Promise.resolve(wanted.numbers)
        : api.feature.select(wanted.query).then(({ features }) => features);
      return all;
    },
    onRange,
  };
}

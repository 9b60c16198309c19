// What list, map, queue and page have in common: which list is shown, which feature is chosen, which are selected for a change
// of many, which one the pointer is over. What a link should carry is in the address; the rest lasts as long as the view.
import { tick, untrack } from 'svelte';
import { SvelteSet } from 'svelte/reactivity';
import { api } from '../../api/session.svelte.ts';
import type { Dictionary } from '../../api/types.ts';
import { attempt } from '../../state/attempt.ts';
import { route, setQuery } from '../../state/route.svelte.ts';
import { isFiltered, listRequest, queueQuery, toFeatureQuery, type ListRequest } from './featureQuery.ts';
import { featureRows, type FeatureRows, type ListSource } from './featureRows.svelte.ts';

export const PANES = ['list', 'map', 'text'] as const;
export type Pane = (typeof PANES)[number];

export class Browsing {
  readonly rows: FeatureRows;
  /** Features of which many are changed at once. */
  readonly selected = new SvelteSet<number>();
  /** The pointer is over it, in the list or on the map. */
  hovered = $state<number | null>(null);
  /** Drawn around on the map; null: no such limit. */
  among = $state.raw<readonly number[] | null>(null);
  /** The queue as it was when it began: who labels a feature still finds it in its place. */
  queue = $state.raw<readonly number[] | null>(null);
  /**
   * The order that the list opens in, as it was then, so that a feature that is labelled stays in its place: labels first. Null:
   * by number, since there are no labels; undefined: not known yet.
   */
  #opening = $state.raw<readonly number[] | null | undefined>(undefined);
  #found = $state.raw<{ readonly list: number; readonly feature: number; readonly index: number | null } | null>(null);
  #asked: { readonly key: string; readonly list: number; isFound: boolean } | null = null;
  #anchor: number | null = null;
  #beginning: Promise<void> | null = null;
  #choosing: Promise<void> = Promise.resolve();
  /** Choices that were asked for and are not made yet. */
  #choices = $state(0);
  readonly #dictionary: () => Dictionary;

  /** To be made while a component is set up. */
  constructor(dictionary: () => Dictionary) {
    this.#dictionary = dictionary;
    this.rows = featureRows(() => this.source);
    void this.#open(untrack(dictionary));

    $effect(() => {
      if (!this.isQueue) {
        this.queue = null;
        return;
      }
      const { name } = dictionary();
      if (untrack(() => this.queue) === null) this.#beginning = this.beginQueue(name);
    });

    // A feature that a link names may stand on a page that is not here. Once it was found it is not looked for in the next list,
    // which is shown from its start.
    $effect(() => {
      const { chosenKey, feature } = this;
      const list = this.rows.shownLists;
      if (chosenKey === null || feature === null) this.#asked = null;
      // Until the list that was asked for is shown, a place in it would be taken for one in the list before.
      if (chosenKey === null || feature === null || !this.rows.isCurrent) return;
      const before = this.#asked;
      if (before?.key === chosenKey && (before.isFound || before.list === list)) return;
      const asked = { key: chosenKey, list, isFound: this.rows.indexOf(feature) !== null };
      this.#asked = asked;
      if (asked.isFound) return;
      this.rows.findIndex(feature).then(
        (index) => {
          if (this.rows.shownLists !== list) return;
          asked.isFound = true;
          this.#found = { list, feature, index };
        },
        () => (this.#asked = null), // the list says what is wrong with it
      );
    });
  }

  get request(): ListRequest {
    return listRequest(route.query, this.#opening ? 'labelled' : 'number');
  }

  get pane(): Pane {
    return PANES.find((pane) => pane === route.query['view']) ?? 'list';
  }

  /** Whether the queue is shown: who searches wants to find, labelled or not, also from within it. */
  get isQueue(): boolean {
    return this.request.order.name === 'queue' && this.request.search.trim() === '';
  }

  get isFiltered(): boolean {
    return isFiltered(this.request) || this.among !== null;
  }

  get source(): ListSource | null {
    const { name } = this.#dictionary();
    if (this.isQueue) {
      const { queue } = this;
      return queue && { key: `queue ${numberOf(queue)}`, query: { dictionary: name }, numbers: queue };
    }
    const { request, among } = this;
    if (route.query['order'] === undefined) {
      if (this.#opening === undefined) return null;
      if (this.#opening && !this.isFiltered) {
        return { key: `opening ${numberOf(this.#opening)}`, query: { dictionary: name }, numbers: this.#opening };
      }
    }
    // Thousands of numbers need not be written out to tell one list from another.
    const key = `${among ? numberOf(among) : ''} ${JSON.stringify(toFeatureQuery(name, request))}`;
    return { key, query: toFeatureQuery(name, request, among), numbers: null };
  }

  get feature(): number | null {
    const given = route.query['feature'] ?? route.parts[1];
    const number = Number(given ?? NaN);
    return Number.isInteger(number) && number >= 0 && number < this.#dictionary().size ? number : null;
  }

  /** Changes when another feature is chosen, and when the queue begins or ends. */
  get chosenKey(): string | null {
    return this.feature === null ? null : `${this.isQueue ? 'queue ' : ''}${this.feature}`;
  }

  /** Where the chosen feature stands in the list; null: nowhere, or not known. */
  get place(): number | null {
    const { feature } = this;
    if (feature === null) return null;
    if (this.isQueue && this.queue !== null) return inQueue(this.queue.indexOf(feature));
    const index = this.rows.indexOf(feature);
    if (index !== null) return index;
    return this.#found?.feature === feature && this.#found.list === this.rows.shownLists ? this.#found.index : null;
  }

  choose(feature: number | null): void {
    setQuery({ feature: feature === null ? null : String(feature) });
  }

  chooseAt(index: number): Promise<void> {
    return this.#then(() => this.#chooseIndex(index), Promise.resolve());
  }

  /** Whether another feature than the one that is chosen has been asked for. */
  get isChoosing(): boolean {
    return this.#choices > 0;
  }

  #then(choose: () => Promise<void>, after = this.#choosing): Promise<void> {
    this.#choices = untrack(() => this.#choices) + 1;
    const chosen = async () => {
      try {
        await choose();
      } finally {
        this.#choices -= 1;
      }
    };
    this.#choosing = after.then(chosen);
    return this.#choosing;
  }

  async #chooseIndex(index: number): Promise<void> {
    this.#anchor = index;
    const feature = await this.rows.featureAt(index);
    if (feature !== undefined) this.choose(feature);
  }

  /** On through the list. */
  move(step: number): void {
    void this.#then(async () => {
      await this.#queueBegun();
      const total = this.isQueue ? (this.queue?.length ?? 0) : this.rows.total;
      const from = this.place ?? (step > 0 ? -1 : total);
      if (total > 0) await this.#chooseIndex(Math.max(0, Math.min(total - 1, from + step)));
    });
  }

  /** Opens the queue at its first feature, unless the chosen one stands in it. */
  openQueue(): void {
    setQuery({ order: 'queue', view: null, q: null });
    void this.#then(async () => {
      await this.#queueBegun();
      if (this.isQueue && this.place === null) await this.#chooseIndex(0);
    });
  }

  async #queueBegun(): Promise<void> {
    if (!this.isQueue || this.queue !== null) return;
    await tick(); // the queue begins in an effect
    await this.#beginning;
  }

  /** Resolves when what was asked for last has been chosen. */
  settled(): Promise<void> {
    return this.#choosing;
  }

  /** The feature that what was asked for until now leads to. */
  async chosen(): Promise<number | null> {
    await this.#choosing;
    return this.feature;
  }

  /** A list that cannot be had is had by number, or says itself what is wrong. */
  async #open({ name, hash }: Dictionary): Promise<void> {
    try {
      const { counts } = await api.label.summary({ dictionary: hash ?? '' });
      const { labelled = 0, draft = 0, uninterpretable = 0 } = counts;
      const hasLabels = labelled + draft + uninterpretable > 0;
      this.#opening = hasLabels ? (await api.feature.select({ dictionary: name, order: 'labelled' })).features : null;
    } catch {
      this.#opening = null;
    }
  }

  async beginQueue(name = this.#dictionary().name): Promise<void> {
    const found = await attempt(() => api.feature.select(queueQuery(name)));
    if (found) this.queue = found.features;
  }

  /** Comes again at the end of the queue; the next takes its place. */
  skip(): void {
    const { feature, place } = this;
    if (!this.isQueue || this.queue === null || feature === null || place === null) {
      this.move(1);
      return;
    }
    const next = this.queue[place + 1];
    this.queue = [...this.queue.filter((each) => each !== feature), feature];
    if (next !== undefined) this.choose(next);
  }

  toggle(index: number): void {
    const row = this.rows.row(index);
    this.#anchor = index;
    if (row && !this.selected.delete(row.feature)) this.selected.add(row.feature);
  }

  /** From where the selection began to here. */
  async extendTo(index: number): Promise<void> {
    const from = this.#anchor ?? this.place ?? index;
    const numbers = await attempt(() => this.rows.numbers());
    if (!numbers) return;
    this.selected.clear();
    for (const feature of numbers.slice(Math.min(from, index), Math.max(from, index) + 1)) this.selected.add(feature);
    this.#anchor = from;
    const end = numbers[index];
    if (end !== undefined) this.choose(end);
  }

  async selectAll(): Promise<void> {
    const numbers = await attempt(() => this.rows.numbers());
    if (numbers) this.select(numbers);
  }

  select(features: readonly number[]): void {
    this.selected.clear();
    for (const feature of features) this.selected.add(feature);
  }

  showAll(): void {
    this.among = null;
    setQuery({ q: null, state: null, tag: null, list: null, dead: null, range: null });
  }
}

/** Lists of numbers are told apart by which they are, not by what is in them. */
const numbered = new WeakMap<readonly number[], number>();
let lastNumber = 0;

function numberOf(list: readonly number[]): number {
  const known = numbered.get(list) ?? ++lastNumber;
  numbered.set(list, known);
  return known;
}

function inQueue(index: number): number | null {
  return index < 0 ? null : index;
}

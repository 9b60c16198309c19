// Which features a query lists, in its order, fast enough to be asked at every key press. Nothing here reads a row of the wide
// table: an order is a walk over its index, remembered as long as it is true (an order by a statistic for ever); a condition
// alone is a walk over an index that holds all it needs, or a full-text search. They meet here, as marks on features.
import { AppError } from '../../contract/base/errors.ts';
import { LABEL_STATES, type LabelState } from '../../contract/domain/label.ts';
import type { Database } from '../database.ts';
import { COLUMNS, FEATURE_STATISTICS, type FeatureOrder, type FeatureQuery } from './featureQuery.ts';
import { plainText, quoted, wordsQuery } from './labelSearch.ts';

const KEPT_ORDERS = 32;
const KEPT_LISTS = 16;
/** Features that were asked for by number: so few are found again faster than remembered. */
const MOST_SELECTED = 1000;
/** Orders that labels change. */
const LABEL_ORDERS: readonly FeatureOrder[] = ['label', 'labelled', 'confidence'];

interface Kept {
  readonly version: string;
  readonly features: Uint32Array;
}

/** The rows of a set, which never change once it is listed. */
interface Rows {
  readonly set: number;
  /** One above the highest feature. */
  readonly end: number;
  /** Feature + 1 by id − firstId; 0 where the row is of another set. */
  readonly featureOf: Uint32Array;
  readonly firstId: number;
}

/** Features that somebody has written about. Their names are only ever added. */
interface Names {
  readonly dictionary: string;
  readonly lastId: number;
  /** Feature + 1 by the id of its name; 0 where that is of another dictionary. */
  readonly featureOf: Uint32Array;
}

export class ListedFeatures {
  readonly #database: Database;
  readonly #orders = new Map<string, Kept>();
  readonly #lists = new Map<string, Kept>();
  #rows: Rows | null = null;
  #names: Names | null = null;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * @param set of the query's dictionary
   * @param query checked
   * @throws AppError `not-found`: there is no such list.
   */
  select(set: number, query: FeatureQuery): Uint32Array {
    const version = this.#version();
    const { order = 'feature', descending = false } = query;
    const key = JSON.stringify([set, { ...query, order, descending }]);
    const known = this.#lists.get(key);
    if (known?.version === version) return known.features;
    const ordered = this.#ordered(set, order, descending, version);
    const marks = this.#marked(set, query);
    const features = marks === null ? ordered : marks.among(ordered);
    // A page asks for single features, too: they must not push out the list that is being read.
    if ((query.features?.length ?? Infinity) > MOST_SELECTED)
      remember(this.#lists, key, { version, features }, KEPT_LISTS);
    return features;
  }

  /** One above the highest feature of a set. */
  end(set: number): number {
    return this.#rowsOf(set).end;
  }

  /** Changes with every write, here or elsewhere. */
  #version(): string {
    const changes = this.#database.query<[], { changes: number }>('SELECT total_changes() AS changes').get()?.changes;
    return `${this.#database.dataVersion()} ${changes ?? 0}`;
  }

  /** All features of a set. */
  #ordered(set: number, order: FeatureOrder, descending: boolean, version: string): Uint32Array {
    const key = `${set} ${order} ${descending}`;
    const lasts = LABEL_ORDERS.includes(order) ? version : '';
    const known = this.#orders.get(key);
    if (known?.version === lasts) return known.features;
    if (order === 'labelled') {
      const labelledFirst = this.#labelledFirst(set, version);
      const features = descending ? labelledFirst.reverse() : labelledFirst;
      remember(this.#orders, key, { version: lasts, features }, KEPT_ORDERS);
      return features;
    }
    const direction = descending ? ' DESC' : '';
    const by = [...new Set([order === 'feature' || order === 'label' ? 'feature' : COLUMNS[order], 'feature'])]
      .map((column) => `${column}${direction}`)
      .join(', ');
    // Features without a label come last in either direction.
    const terms = order === 'label' ? `set_id, (label = ''), label${direction}, feature` : `set_id${direction}, ${by}`;
    const features = Uint32Array.from(
      this.#numbers('feature', `FROM feature_statistics WHERE set_id = ? ORDER BY ${terms}`, set),
    );
    remember(this.#orders, key, { version: lasts, features }, KEPT_ORDERS);
    return features;
  }

  /** Few have been written about: they are sorted, and stand before the others in their order by impact. */
  #labelledFirst(set: number, version: string): Uint32Array {
    const written = this.#numbers(
      'feature',
      `FROM feature_statistics INDEXED BY feature_statistics_by_state
       WHERE set_id = ? AND state IN ('labelled', 'draft', 'uninterpretable')
       ORDER BY CASE state WHEN 'labelled' THEN 0 WHEN 'draft' THEN 1 ELSE 2 END, confidence DESC, impact DESC, feature DESC`,
      set,
    );
    const isWritten = new Uint8Array(this.end(set));
    for (const feature of written) isWritten[feature] = 1;
    const byImpact = this.#ordered(set, 'impact', true, version);
    const features = new Uint32Array(byImpact.length);
    features.set(written);
    let next = written.length;
    for (const feature of byImpact) if (isWritten[feature] === 0) features[next++] = feature;
    return features;
  }

  /** The features that all conditions of the query name; null where it has none. */
  #marked(set: number, query: FeatureQuery): Marks | null {
    const { dictionary, ranges = {}, states, tag, list, features } = query;
    const search = plainText(query.search ?? '');
    const conditions: ((mark: (feature: number) => void) => void)[] = [];
    const add = (from: string, ...parameters: readonly (string | number)[]) =>
      conditions.push((mark) => this.#numbers('feature', from, ...parameters).forEach(mark));
    for (const statistic of FEATURE_STATISTICS) {
      const { min, max } = ranges[statistic] ?? {};
      if (min === undefined && max === undefined) continue;
      const column = COLUMNS[statistic];
      add(
        `FROM feature_statistics INDEXED BY feature_statistics_by_${column} WHERE set_id = ? AND ${column} BETWEEN ? AND ?`,
        set,
        min ?? -Number.MAX_VALUE,
        max ?? Number.MAX_VALUE,
      );
    }
    if (states !== undefined) conditions.push((mark) => this.#inStates(set, states, mark));
    if (tag !== undefined) {
      add(
        `FROM feature_statistics INDEXED BY feature_statistics_by_tags
         WHERE set_id = ? AND tags <> '' AND instr(tags, ?) > 0 AND instr(char(10) || tags || char(10), char(10) || ? || char(10)) > 0`,
        set,
        tag,
        tag,
      );
    }
    if (features !== undefined) conditions.push((mark) => features.forEach(mark));
    if (list !== undefined) {
      this.#requireList(list);
      add(
        'FROM (SELECT f.feature FROM feature_list_members m JOIN features f ON f.id = m.feature_id WHERE m.list = ? AND f.dictionary = ?)',
        list,
        dictionary,
      );
    }
    if (search !== '') conditions.push((mark) => this.#search(set, dictionary, search, mark));
    if (conditions.length === 0) return null;
    const marks = new Marks(this.#rowsOf(set).end);
    for (const condition of conditions) marks.narrow(condition);
    return marks;
  }

  /** Nearly all features may be in one state: then those that are not are read. */
  #inStates(set: number, states: readonly LabelState[], mark: (feature: number) => void): void {
    const end = this.end(set);
    const from = (some: readonly LabelState[]) =>
      `FROM feature_statistics INDEXED BY feature_statistics_by_state
       WHERE set_id = ? AND state IN (${some.map(() => '?').join(', ')})`;
    const found = this.#database
      .query<(string | number)[], { count: number }>(`SELECT count(*) AS count ${from(states)}`)
      .get(set, ...states);
    if (2 * (found?.count ?? 0) <= end) {
      this.#numbers('feature', from(states), set, ...states).forEach(mark);
      return;
    }
    const others = LABEL_STATES.filter((state) => !states.includes(state));
    const isOther = new Uint8Array(end);
    for (const feature of this.#numbers('feature', from(others), set, ...others)) isOther[feature] = 1;
    for (let feature = 0; feature < end; feature++) if (isOther[feature] === 0) mark(feature);
  }

  /** Words (beginnings of them) in labels and texts, part of a word in labels, or the number of a feature. */
  #search(set: number, dictionary: string, search: string, mark: (feature: number) => void): void {
    const markNamed = (ids: readonly number[], featureOf: Uint32Array, firstId: number) => {
      for (const id of ids) {
        const feature = featureOf[id - firstId] ?? 0;
        if (feature > 0) mark(feature - 1);
      }
    };
    const find = (index: string, match: string) =>
      this.#numbers('rowid', `FROM ${index} WHERE ${index} MATCH ?`, match);
    const inLabels = (index: string, match: string) =>
      markNamed(find(index, match), this.#namesOf(dictionary).featureOf, 0);
    const words = wordsQuery(search);
    if (words !== '') {
      const { featureOf, firstId } = this.#rowsOf(set);
      markNamed(find('feature_words', words), featureOf, firstId);
      inLabels('label_words', words);
    }
    if ([...search].length >= 3) inLabels('label_substrings', quoted(search));
    if (/^\d{1,10}$/u.test(search)) mark(Number(search));
  }

  /** Of every row one number. As JSON they come several times faster than as rows. */
  #numbers(column: string, from: string, ...parameters: readonly (string | number)[]): number[] {
    const row = this.#database
      .query<(string | number)[], { numbers: string }>(
        `SELECT json_group_array(${column}) AS numbers FROM (SELECT ${column} ${from})`,
      )
      .get(...parameters);
    return JSON.parse(row?.numbers ?? '[]') as number[]; // made by the query above
  }

  #rowsOf(set: number): Rows {
    if (this.#rows?.set === set) return this.#rows;
    const of = (column: string) =>
      this.#numbers(column, 'FROM feature_statistics WHERE set_id = ? ORDER BY set_id, feature', set);
    const [ids, features] = [of('id'), of('feature')];
    const [firstId, lastId] = ids.reduce(([least, most], id) => [Math.min(least, id), Math.max(most, id)], [
      ids[0] ?? 0,
      ids[0] ?? 0,
    ] as [number, number]);
    const featureOf = new Uint32Array(lastId - firstId + 1);
    ids.forEach((id, place) => (featureOf[id - firstId] = (features[place] as number) + 1));
    this.#rows = { set, end: (features.at(-1) ?? -1) + 1, featureOf, firstId };
    return this.#rows;
  }

  #namesOf(dictionary: string): Names {
    const known = this.#names?.dictionary === dictionary ? this.#names : { lastId: 0, featureOf: new Uint32Array(0) };
    // The plus keeps SQLite from walking over all names of the dictionary.
    const from = 'FROM features WHERE id > ? AND +dictionary = ? ORDER BY id';
    const ids = this.#numbers('id', from, known.lastId, dictionary);
    const features = this.#numbers('feature', from, known.lastId, dictionary);
    const lastId = ids.at(-1) ?? known.lastId;
    const featureOf = lastId > known.lastId ? new Uint32Array(lastId + 1) : known.featureOf;
    if (featureOf !== known.featureOf) featureOf.set(known.featureOf);
    for (const [place, id] of ids.entries()) featureOf[id] = (features[place] ?? 0) + 1;
    this.#names = { dictionary, lastId, featureOf };
    return this.#names;
  }

  #requireList(name: string): void {
    const found = this.#database.query<[string], object>('SELECT 1 FROM feature_lists WHERE name = ?').get(name);
    if (found === undefined) throw new AppError('not-found', `There is no list ${JSON.stringify(name)}.`);
  }
}

/** Of the features up to `end` those that every condition so far has named. */
class Marks {
  readonly #count: Uint8Array;
  #conditions = 0;

  constructor(end: number) {
    this.#count = new Uint8Array(end);
  }

  /** What was named before and is named now stays. */
  narrow(condition: (mark: (feature: number) => void) => void): void {
    const before = this.#conditions++;
    const count = this.#count;
    condition((feature) => {
      if (count[feature] === before) count[feature] = before + 1;
    });
  }

  /** Those features that are marked, in their order. */
  among(features: Uint32Array): Uint32Array {
    const [count, conditions] = [this.#count, this.#conditions];
    const kept = new Uint32Array(features.length);
    let size = 0;
    // A loop: the filter of typed arrays takes ten times as long.
    for (let place = 0; place < features.length; place++) {
      const feature = features[place] as number;
      if (count[feature] === conditions) kept[size++] = feature;
    }
    return kept.slice(0, size);
  }
}

function remember(kept: Map<string, Kept>, key: string, one: Kept, most: number): void {
  kept.delete(key);
  kept.set(key, one);
  for (const oldest of kept.keys()) {
    if (kept.size <= most) break;
    kept.delete(oldest);
  }
}

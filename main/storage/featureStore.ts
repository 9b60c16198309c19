// The features of dictionaries as rows: listed, sorted, filtered and searched in SQL, page by page. The rows come from folders of
// statistics; labels are followed by triggers. Reading a page never sorts: every order is an index.
import * as v from 'valibot';
import { AppError } from '../contract/errors.ts';
import { featureSchema, hashSchema } from '../contract/fields.ts';
import { validate } from '../contract/validate.ts';
import { LABEL_STATES, type LabelState } from '../features/labels.ts';
import type { Database } from './database.ts';
import { plainText, quoted, wordsQuery } from './labelSearch.ts';

/** What a list can be sorted and filtered by, and the column it is. */
const COLUMNS = {
  /** Share of the tokens on which the feature fires. */
  rate: 'rate',
  /** Mean activation where it fires. */
  mean: 'mean',
  max: 'max',
  /** Share of the documents on whose last token it fires. */
  lastRate: 'last_rate',
  /** Of the effects on the logits, in nats. */
  entropy: 'entropy',
  /** The largest effect on a logit, per unit of activation. */
  topEffect: 'top_effect',
  /** Cosine with the nearest other decoder row. */
  nearest: 'nearest',
  /** Mean activation over all tokens times the largest effect: by how much it moves a logit on an average token. */
  impact: 'impact',
  confidence: 'confidence',
} as const;

export const FEATURE_STATISTICS = [
  'rate',
  'mean',
  'max',
  'lastRate',
  'entropy',
  'topEffect',
  'nearest',
  'impact',
  'confidence',
] as const satisfies readonly (keyof typeof COLUMNS)[];
export type FeatureStatistic = (typeof FEATURE_STATISTICS)[number];
export const FEATURE_ORDERS = ['feature', 'label', ...FEATURE_STATISTICS] as const;
export type FeatureOrder = (typeof FEATURE_ORDERS)[number];

export interface FeatureRow {
  readonly feature: number;
  readonly firings: number;
  readonly rate: number;
  /** Null: undefined, see FeaturePage. */
  readonly mean: number | null;
  readonly max: number;
  readonly lastRate: number | null;
  readonly entropy: number | null;
  readonly topEffect: number | null;
  readonly nearest: number | null;
  readonly impact: number;
}

export interface FeatureWords {
  readonly feature: number;
  readonly text: string;
  readonly before: string;
  readonly peak: string;
  readonly after: string;
}

/** A row of a list. */
export interface ListedFeature extends FeatureRow {
  readonly state: LabelState;
  readonly label: string;
  readonly tags: readonly string[];
  readonly confidence: number | null;
  /** Its strongest place in the text; empty for a feature that never fires. */
  readonly before: string;
  readonly peak: string;
  readonly after: string;
  /** The token whose logit it raises most. */
  readonly topToken: string;
}

export interface FeatureSet {
  readonly dictionary: string;
  /** Of the statistics, relative to the project's folder, with `/`. */
  readonly folder: string;
  readonly manifest: unknown;
  readonly time: string;
  /** Features in it. */
  readonly size: number;
}

export interface FeatureQuery {
  readonly dictionary: string;
  /** By feature number when left out. */
  readonly order?: FeatureOrder | undefined;
  readonly descending?: boolean | undefined;
  /** Both ends included. A feature whose statistic is undefined is in no range. */
  readonly ranges?:
    Readonly<Partial<Record<FeatureStatistic, { readonly min?: number; readonly max?: number }>>> | undefined;
  readonly states?: readonly LabelState[] | undefined;
  readonly tag?: string | undefined;
  /** Members of a list. */
  readonly list?: string | undefined;
  /** These only: a selection on the map. */
  readonly features?: readonly number[] | undefined;
  /** Words (beginnings of them) in labels, notes, tags, comments or the text around the strongest places; part of a word in
   * labels; or the number of a feature. */
  readonly search?: string | undefined;
}

export interface FeatureListPage {
  /** Rows of the whole list. */
  readonly total: number;
  readonly rows: readonly ListedFeature[];
}

const number = v.pipe(v.number(), v.finite());
const querySchema = v.strictObject({
  dictionary: hashSchema,
  order: v.optional(v.picklist(FEATURE_ORDERS, `expected one of ${FEATURE_ORDERS.join(', ')}`)),
  descending: v.optional(v.boolean()),
  ranges: v.optional(
    v.record(
      v.picklist(FEATURE_STATISTICS, `expected one of ${FEATURE_STATISTICS.join(', ')}`),
      v.strictObject({ min: v.optional(number), max: v.optional(number) }),
    ),
  ),
  states: v.optional(v.array(v.picklist(LABEL_STATES, `expected one of ${LABEL_STATES.join(', ')}`))),
  tag: v.optional(v.pipe(v.string(), v.maxLength(100))),
  list: v.optional(v.pipe(v.string(), v.maxLength(100))),
  features: v.optional(v.pipe(v.array(featureSchema), v.maxLength(1_000_000))),
  search: v.optional(v.pipe(v.string(), v.maxLength(500, 'a search is at most 500 characters long'))),
});

export const MOST_ROWS = 1000;
const ROWS_PER_WRITE = 2000;
const KEPT_LISTS = 8;

export class FeatureStore {
  readonly #database: Database;
  readonly #now: () => string;
  readonly #lists = new Map<string, { readonly version: string; readonly ids: Uint32Array }>();

  constructor(database: Database, now: () => string) {
    this.#database = database;
    this.#now = now;
  }

  /** The statistics that a dictionary's features are listed by; null: there are none yet. */
  set(dictionary: string): FeatureSet | null {
    const row = this.#current(dictionary);
    if (row === undefined) return null;
    const { folder, manifest, time, size } = row;
    return { dictionary, folder, manifest: JSON.parse(manifest) as unknown, time, size };
  }

  #current(dictionary: string) {
    return this.#database
      .query<[string], { id: number; folder: string; manifest: string; time: string; size: number }>(
        `SELECT id, folder, manifest, time, (SELECT count(*) FROM feature_statistics WHERE set_id = t.id) AS size
         FROM feature_sets t WHERE dictionary = ? AND is_current = 1`,
      )
      .get(dictionary);
  }

  /**
   * Makes these the statistics of the dictionary's features, in place of others. In pieces, so that nobody waits long; until
   * the last the old ones are listed, and a process that dies in between changes nothing.
   * @param texts by rising feature, not of every feature
   * @param onRows how many rows are written
   * @returns the folders of the statistics that are listed no longer.
   */
  async replace(
    set: { readonly dictionary: string; readonly folder: string; readonly manifest: unknown },
    rows: readonly FeatureRow[],
    topTokens: readonly string[],
    texts: AsyncIterable<FeatureWords>,
    onRows: (done: number) => void = () => undefined,
  ): Promise<readonly string[]> {
    const { dictionary, folder, manifest } = set;
    const stale = this.#database
      .query<[string], { id: number }>('SELECT id FROM feature_sets WHERE dictionary = ? AND is_current = 0')
      .all(dictionary);
    for (const { id } of stale) await this.#remove(id);
    const id = this.#database.write(
      () =>
        this.#database
          .query<[string, string, string, string], { id: number }>(
            'INSERT INTO feature_sets (dictionary, folder, manifest, time, is_current) VALUES (?, ?, ?, ?, 0) RETURNING id',
          )
          .get(dictionary, folder, JSON.stringify(manifest), this.#now())!.id,
    );
    const words = texts[Symbol.asyncIterator]();
    let next = await words.next();
    for (let first = 0; first < rows.length; first += ROWS_PER_WRITE) {
      const some = rows.slice(first, first + ROWS_PER_WRITE);
      const last = some.at(-1)!.feature;
      const own: FeatureWords[] = [];
      for (; next.done !== true && next.value.feature <= last; next = await words.next()) own.push(next.value);
      this.#database.write(() => this.#insert(id, some, topTokens, own));
      onRows(Math.min(rows.length, first + ROWS_PER_WRITE));
      await pause();
    }
    const old = this.#database.write(() => {
      // Labels that were written before their rows were.
      this.#database
        .query<[number, string]>(
          `UPDATE feature_statistics SET state = l.state, label = l.text, tags = l.tags, confidence = l.confidence
           FROM features f JOIN labels l ON l.feature_id = f.id
           WHERE feature_statistics.set_id = ? AND f.dictionary = ? AND feature_statistics.feature = f.feature`,
        )
        .run(id, dictionary);
      const replaced = this.#database
        .query<[string, number], { id: number; folder: string }>(
          'SELECT id, folder FROM feature_sets WHERE dictionary = ? AND id <> ?',
        )
        .all(dictionary, id);
      this.#database
        .query<[string, number]>('UPDATE feature_sets SET is_current = 0 WHERE dictionary = ? AND id <> ?')
        .run(dictionary, id);
      this.#database.query<[number]>('UPDATE feature_sets SET is_current = 1 WHERE id = ?').run(id);
      return replaced;
    });
    for (const set_ of old) await this.#remove(set_.id);
    return old.map((each) => each.folder).filter((each) => each !== folder);
  }

  #insert(
    set: number,
    rows: readonly FeatureRow[],
    topTokens: readonly string[],
    words: readonly FeatureWords[],
  ): void {
    const insert = this.#database.query<(number | null)[], { id: number }>(
      `INSERT INTO feature_statistics (set_id, feature, firings, rate, mean, max, last_rate, entropy, top_effect, nearest, impact)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
    );
    const insertText = this.#database.query<[number, string, string, string, string, string]>(
      'INSERT INTO feature_texts (id, text, before, peak, after, top_token) VALUES (?, ?, ?, ?, ?, ?)',
    );
    const index = this.#database.query<[number, string]>('INSERT INTO feature_words (rowid, text) VALUES (?, ?)');
    const byFeature = new Map(words.map((each) => [each.feature, each]));
    for (const row of rows) {
      const { feature, firings, rate, mean, max, lastRate, entropy, topEffect, nearest, impact } = row;
      const { id } = insert.get(set, feature, firings, rate, mean, max, lastRate, entropy, topEffect, nearest, impact)!;
      const { text = '', before = '', peak = '', after = '' } = byFeature.get(feature) ?? {};
      insertText.run(id, text, before, peak, after, topTokens[feature] ?? '');
      index.run(id, text);
    }
  }

  async #remove(set: number): Promise<void> {
    const some = `SELECT id FROM feature_statistics WHERE set_id = ? ORDER BY feature LIMIT ${ROWS_PER_WRITE}`;
    for (let removed = ROWS_PER_WRITE; removed > 0;) {
      removed = this.#database.write(() => {
        this.#database
          .query<[number]>(
            `INSERT INTO feature_words (feature_words, rowid, text) SELECT 'delete', id, text FROM feature_texts WHERE id IN (${some})`,
          )
          .run(set);
        this.#database.query<[number]>(`DELETE FROM feature_texts WHERE id IN (${some})`).run(set);
        return this.#database.query<[number]>(`DELETE FROM feature_statistics WHERE id IN (${some})`).run(set);
      });
      await pause();
    }
    this.#database.write(() => this.#database.query<[number]>('DELETE FROM feature_sets WHERE id = ?').run(set));
  }

  /**
   * Rows `offset` to `offset + limit` of a list, and how long it is. The first page of a list costs a walk over its index, the
   * others a look-up each, until something is written.
   * @throws AppError `usage` for a bad query; `not-found` when the dictionary has no statistics, or there is no such list.
   */
  list(query: FeatureQuery, { offset = 0, limit = 100 }: { offset?: number; limit?: number } = {}): FeatureListPage {
    const all = this.#rowIds(query);
    const first = Math.max(0, offset);
    const ids = all.subarray(first, first + Math.max(0, Math.min(limit, MOST_ROWS)));
    const found = this.#database
      .query<[string], ListedRow>(
        `SELECT s.id, s.feature, s.firings, s.rate, s.mean, s.max, s.last_rate AS lastRate, s.entropy,
           s.top_effect AS topEffect, s.nearest, s.impact, s.state, s.label, s.tags, s.confidence,
           t.before, t.peak, t.after, t.top_token AS topToken
         FROM feature_statistics s JOIN feature_texts t ON t.id = s.id WHERE s.id IN (SELECT value FROM json_each(?))`,
      )
      .all(JSON.stringify([...ids]));
    const byId = new Map(
      found.map(({ id, tags, ...row }) => [id, { ...row, tags: tags === '' ? [] : tags.split('\n') }] as const),
    );
    return { total: all.length, rows: Array.from(ids, (id) => byId.get(id)).filter((row) => row !== undefined) };
  }

  /** The rows of a list in its order, from the last few lists where nothing has been written since. */
  #rowIds(query: FeatureQuery): Uint32Array {
    const { from, parameters, order } = this.#plan(query);
    const version = `${this.#database.dataVersion()} ${
      this.#database.query<[], { changes: number }>('SELECT total_changes() AS changes').get()?.changes ?? 0
    }`;
    const key = JSON.stringify([from, parameters, order]);
    const known = this.#lists.get(key);
    if (known?.version === version) return known.ids;
    const row = this.#database
      .query<(string | number)[], { ids: string }>(
        `SELECT json_group_array(id) AS ids FROM (SELECT s.id AS id ${from} ORDER BY ${order})`,
      )
      .get(...parameters);
    const ids = Uint32Array.from(JSON.parse(row?.ids ?? '[]') as number[]); // made by the query above
    this.#lists.delete(key);
    this.#lists.set(key, { version, ids });
    for (const oldest of this.#lists.keys()) {
      if (this.#lists.size <= KEPT_LISTS) break;
      this.#lists.delete(oldest);
    }
    return ids;
  }

  /** The features of a whole list, in its order: what a bulk change or the map takes. */
  features(query: FeatureQuery): readonly number[] {
    const ids = this.#rowIds(query);
    const rows = this.#database
      .query<[string], { id: number; feature: number }>(
        'SELECT id, feature FROM feature_statistics WHERE set_id = (SELECT id FROM feature_sets WHERE dictionary = ? AND is_current = 1)',
      )
      .all(query.dictionary);
    const features = new Map(rows.map(({ id, feature }) => [id, feature]));
    return Array.from(ids, (id) => features.get(id)).filter((feature) => feature !== undefined);
  }

  /** Where in a list a feature stands, from 0; null when it is not in it. */
  position(query: FeatureQuery, feature: number): number | null {
    const place = this.features(query).indexOf(feature);
    return place < 0 ? null : place;
  }

  /** How many features are in each state. */
  states(dictionary: string): Readonly<Record<LabelState, number>> {
    const set = this.#require(dictionary);
    const counted = new Map(
      this.#database
        .query<[number], { state: LabelState; count: number }>(
          'SELECT state, count(*) AS count FROM feature_statistics WHERE set_id = ? GROUP BY state',
        )
        .all(set)
        .map(({ state, count }) => [state, count]),
    );
    return {
      unlabelled: counted.get('unlabelled') ?? 0,
      draft: counted.get('draft') ?? 0,
      labelled: counted.get('labelled') ?? 0,
      uninterpretable: counted.get('uninterpretable') ?? 0,
    };
  }

  #require(dictionary: string): number {
    const row = this.#database
      .query<[string], { id: number }>('SELECT id FROM feature_sets WHERE dictionary = ? AND is_current = 1')
      .get(dictionary);
    if (row !== undefined) return row.id;
    throw new AppError(
      'not-found',
      'The features of this dictionary have no statistics yet. errata feature stats computes them.',
      { details: { dictionary } },
    );
  }

  #plan(query: FeatureQuery): { from: string; parameters: (string | number)[]; order: string } {
    const checked = validate(querySchema, query, 'The list of features');
    const { dictionary, order = 'feature', descending = false, ranges = {}, states, tag, list, features } = checked;
    const parameters: (string | number)[] = [this.#require(dictionary)];
    const where = ['s.set_id = ?'];
    const add = (condition: string, ...values: readonly (string | number)[]) => {
      where.push(condition);
      parameters.push(...values);
    };
    for (const statistic of FEATURE_STATISTICS) {
      const { min, max } = ranges[statistic] ?? {};
      if (min !== undefined) add(`s.${COLUMNS[statistic]} >= ?`, min);
      if (max !== undefined) add(`s.${COLUMNS[statistic]} <= ?`, max);
    }
    if (states !== undefined) add(`s.state IN (${states.map(() => '?').join(', ')})`, ...states);
    if (tag !== undefined) add('instr(char(10) || s.tags || char(10), char(10) || ? || char(10)) > 0', tag);
    if (features !== undefined) add('s.feature IN (SELECT value FROM json_each(?))', JSON.stringify(features));
    if (list !== undefined) {
      this.#requireList(list);
      add(
        's.feature IN (SELECT f.feature FROM feature_list_members m JOIN features f ON f.id = m.feature_id WHERE m.list = ? AND f.dictionary = ?)',
        list,
        dictionary,
      );
    }
    const search = plainText(checked.search ?? '');
    if (search !== '') this.#addSearch(search, dictionary, add);
    const direction = descending ? ' DESC' : '';
    // Features without a label come last in either direction.
    const by =
      order === 'label'
        ? `(s.label = ''), s.label${direction}, s.feature`
        : [...new Set([order === 'feature' ? 'feature' : COLUMNS[order], 'feature'])]
            .map((column) => `s.${column}${direction}`)
            .join(', ');
    return {
      from: `FROM feature_statistics s WHERE ${where.join(' AND ')}`,
      parameters,
      order: order === 'label' ? `s.set_id, ${by}` : `s.set_id${direction}, ${by}`,
    };
  }

  #addSearch(
    search: string,
    dictionary: string,
    add: (condition: string, ...values: (string | number)[]) => void,
  ): void {
    const inLabels = (index: string) =>
      `s.feature IN (SELECT f.feature FROM ${index} JOIN features f ON f.id = ${index}.rowid WHERE ${index} MATCH ? AND f.dictionary = ?)`;
    const conditions: string[] = [];
    const values: (string | number)[] = [];
    const words = wordsQuery(search);
    if (words !== '') {
      conditions.push('s.id IN (SELECT rowid FROM feature_words WHERE feature_words MATCH ?)', inLabels('label_words'));
      values.push(words, words, dictionary);
    }
    if ([...search].length >= 3) {
      conditions.push(inLabels('label_substrings'));
      values.push(quoted(search), dictionary);
    }
    if (/^\d{1,10}$/u.test(search)) {
      conditions.push('s.feature = ?');
      values.push(Number(search));
    }
    add(conditions.length === 0 ? '0' : `(${conditions.join(' OR ')})`, ...values);
  }

  #requireList(name: string): void {
    const found = this.#database.query<[string], object>('SELECT 1 FROM feature_lists WHERE name = ?').get(name);
    if (found === undefined) throw new AppError('not-found', `There is no list ${JSON.stringify(name)}.`);
  }
}

interface ListedRow extends Omit<ListedFeature, 'tags'> {
  readonly id: number;
  readonly tags: string;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

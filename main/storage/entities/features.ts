// The features of dictionaries as rows: listed, sorted, filtered and searched, page by page. The rows come from folders of
// statistics; labels are followed by triggers. What a query lists, and in which order: see listedFeatures.ts.
import { AppError } from '../../contract/base/errors.ts';
import { LABEL_STATES, type LabelState } from '../../contract/domain/label.ts';
import type { Database } from '../database.ts';
import { checkFeatureQuery, type FeatureQuery } from './featureQuery.ts';
import { countTags, type TagCount } from './labels.ts';
import { ListedFeatures } from './listedFeatures.ts';

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
export interface ListedFeature extends Omit<FeatureRow, 'max'> {
  /** Null where only firing rates are known, of an evaluation. */
  readonly max: number | null;
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
  /** Of the statistics, relative to the project's folder, with `/`; '' where there are firing rates only. */
  readonly folder: string;
  readonly manifest: unknown;
  readonly time: string;
  /** Features in it. */
  readonly size: number;
}

export interface FeatureListPage {
  /** Rows of the whole list. */
  readonly total: number;
  readonly rows: readonly ListedFeature[];
}

export const MOST_ROWS = 1000;
const ROWS_PER_WRITE = 2000;

export class FeatureStore {
  readonly #database: Database;
  readonly #now: () => string;
  readonly #listed: ListedFeatures;

  constructor(database: Database, now: () => string) {
    this.#database = database;
    this.#now = now;
    this.#listed = new ListedFeatures(database);
  }

  /** The statistics that a dictionary's features are listed by; null: there are none yet. */
  set(dictionary: string): FeatureSet | null {
    const row = this.#current(dictionary);
    if (row === undefined) return null;
    const { folder, manifest, time, size } = row;
    return { dictionary, folder, manifest: JSON.parse(manifest) as unknown, time, size };
  }

  /** The folder of these statistics, '' where the features are listed by their firing rates alone; null: not listed. */
  folder(dictionary: string): string | null {
    return (
      this.#database
        .query<[string], { folder: string }>('SELECT folder FROM feature_sets WHERE dictionary = ? AND is_current = 1')
        .get(dictionary)?.folder ?? null
    );
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
    return old.map((each) => each.folder).filter((each) => each !== folder && each !== '');
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
   * Rows `offset` to `offset + limit` of a list, and how long it is.
   * @throws AppError `usage` for a bad query; `not-found` when the dictionary has no statistics, or there is no such list.
   */
  list(query: FeatureQuery, { offset = 0, limit = 100 }: { offset?: number; limit?: number } = {}): FeatureListPage {
    const { set, features: all } = this.#select(query);
    const first = Math.max(0, offset);
    const features = all.subarray(first, first + Math.max(0, Math.min(limit, MOST_ROWS)));
    const found = this.#database
      .query<[number, string], ListedRow>(
        `SELECT s.feature, s.firings, s.rate, s.mean, s.max, s.last_rate AS lastRate, s.entropy,
           s.top_effect AS topEffect, s.nearest, s.impact, s.state, s.label, s.tags, s.confidence,
           t.before, t.peak, t.after, t.top_token AS topToken
         FROM feature_statistics s JOIN feature_texts t ON t.id = s.id
         WHERE s.set_id = ? AND s.feature IN (SELECT value FROM json_each(?))`,
      )
      .all(set, JSON.stringify([...features]));
    const byFeature = new Map(
      found.map(({ tags, ...row }) => {
        // A feature that fires has a mean, once statistics have been computed.
        const max = row.firings > 0 && row.mean === null ? null : row.max;
        return [row.feature, { ...row, max, tags: tags === '' ? [] : tags.split('\n') }] as const;
      }),
    );
    const rows = Array.from(features, (feature) => byFeature.get(feature)).filter((row) => row !== undefined);
    return { total: all.length, rows };
  }

  /** The features of a whole list, in its order: what a bulk change or the map takes. */
  features(query: FeatureQuery): readonly number[] {
    return [...this.#select(query).features];
  }

  /** Where in a list a feature stands, from 0; null when it is not in it. */
  position(query: FeatureQuery, feature: number): number | null {
    const place = this.#select(query).features.indexOf(feature);
    return place < 0 ? null : place;
  }

  #select(query: FeatureQuery): { readonly set: number; readonly features: Uint32Array } {
    const checked = checkFeatureQuery(query);
    const set = this.#require(checked.dictionary);
    return { set, features: this.#listed.select(set, checked) };
  }

  /** The state of every feature, as its index in LABEL_STATES: what a map is coloured by. */
  stateIndices(dictionary: string): Uint8Array<ArrayBuffer> {
    const set = this.#require(dictionary);
    const rows = this.#database
      .query<[number], { feature: number; state: LabelState }>(
        "SELECT feature, state FROM feature_statistics WHERE set_id = ? AND state <> 'unlabelled'",
      )
      .all(set);
    const indices = new Uint8Array(this.#listed.end(set));
    for (const { feature, state } of rows) indices[feature] = LABEL_STATES.indexOf(state);
    return indices;
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

  /** The tags in use, the most used first; null where the features are not listed. */
  tags(dictionary: string): readonly TagCount[] | null {
    const set = this.#find(dictionary);
    if (set === null) return null;
    return countTags(
      this.#database
        .query<[number], { tags: string; count: number }>(
          `SELECT tags, count(*) AS count FROM feature_statistics INDEXED BY feature_statistics_by_tags
           WHERE set_id = ? AND tags <> '' GROUP BY tags`,
        )
        .all(set),
    );
  }

  #find(dictionary: string): number | null {
    const row = this.#database
      .query<[string], { id: number }>('SELECT id FROM feature_sets WHERE dictionary = ? AND is_current = 1')
      .get(dictionary);
    return row?.id ?? null;
  }

  #require(dictionary: string): number {
    const set = this.#find(dictionary);
    if (set !== null) return set;
    throw new AppError(
      'not-found',
      'The features of this dictionary have no statistics yet. errata feature stats computes them.',
      { details: { dictionary } },
    );
  }
}

interface ListedRow extends Omit<ListedFeature, 'tags'> {
  readonly tags: string;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

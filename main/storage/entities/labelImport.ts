// Bringing a file of labels in. The rows are first staged in a temporary table, beside the project and without a lock, so
// that a file of any length costs little memory; then one can see what would change, and apply it as one undoable step.
import { AppError } from '../../contract/base/errors.ts';
import { UNLABELLED, type Comment, type FeatureKey, type Label, type LabelPatch } from '../../contract/domain/label.ts';
import { applyPatch, commentKey, sameContent } from '../../core/labels/labels.ts';
import type { LabelRow } from '../../core/labels/labelsFile.ts';
import type { ImportRule } from '../../contract/domain/label.ts';
import { decideImport, type LabelField } from '../../core/labels/labelsMerge.ts';
import { checkAuthor, type Authorship } from '../authorship.ts';
import type { Change, ChangeLog } from '../changes.ts';
import type { Database } from '../database.ts';
import { dictionarySize, featureIdOf } from './featureIds.ts';
import type { LabelStore } from './labels.ts';

export interface ImportExample extends FeatureKey {
  /** Of the file. */
  readonly line: number;
  readonly outcome: 'added' | 'filled' | 'conflict' | 'repeated';
  /** In a conflict: the fields that contradict, and whether the file's label wins under the rule. */
  readonly fields: readonly LabelField[];
  readonly before: string;
  readonly after: string;
}

export interface ImportReport {
  readonly rows: number;
  readonly added: number;
  /** Labels that only gained what they lacked. */
  readonly filled: number;
  readonly same: number;
  readonly conflicts: number;
  /** Of the conflicts: labels that the rule changes. */
  readonly changed: number;
  /** Rows about a feature that an earlier row was about already: not used. */
  readonly repeated: number;
  readonly comments: number;
  /** The first of what is not simply the same. */
  readonly examples: readonly ImportExample[];
}

interface StagedRow extends FeatureKey {
  readonly line: number;
  readonly patch: string;
  readonly author: string | null;
  readonly time: string | null;
  readonly comments: string;
}

const BATCH = 2000;
const MOST_EXAMPLES = 100;

export class LabelImport {
  readonly #database: Database;
  readonly #log: ChangeLog;
  readonly #labels: LabelStore;
  readonly #table: string;
  readonly #now: () => string;
  readonly #repeated: ImportExample[] = [];
  #repeatedCount = 0;
  readonly #sizes = new Map<string, number | null>();

  private constructor(database: Database, log: ChangeLog, labels: LabelStore, now: () => string) {
    this.#database = database;
    this.#log = log;
    this.#labels = labels;
    this.#now = now;
    this.#table = `temp.staged_labels_${nextTable++}`;
  }

  /** Reads all rows; whatever is wrong with one of them is thrown, and nothing is left behind. Call `close` when done. */
  static async stage(
    rows: AsyncIterable<LabelRow>,
    {
      database,
      log,
      labels,
      now,
      signal,
    }: { database: Database; log: ChangeLog; labels: LabelStore; now: () => string; signal?: AbortSignal | undefined },
  ): Promise<LabelImport> {
    const staged = new LabelImport(database, log, labels, now);
    database.execute(
      `CREATE TABLE ${staged.#table} (line INTEGER NOT NULL, dictionary TEXT NOT NULL, feature INTEGER NOT NULL, patch TEXT NOT NULL,
         author TEXT, time TEXT, comments TEXT NOT NULL, PRIMARY KEY (dictionary, feature)) STRICT, WITHOUT ROWID`,
    );
    try {
      let batch: LabelRow[] = [];
      for await (const row of rows) {
        signal?.throwIfAborted();
        batch.push(row);
        if (batch.length < BATCH) continue;
        staged.#insert(batch);
        batch = [];
      }
      staged.#insert(batch);
      return staged;
    } catch (thrown) {
      staged.close();
      throw thrown;
    }
  }

  /** What `apply` would do, without doing it. */
  preview(rule: ImportRule): ImportReport {
    return this.#go(rule, null, '');
  }

  /** @throws AppError('conflict') under the rule `refuse` when there is a conflict; then nothing was changed. */
  apply(rule: ImportRule, write: Authorship): ImportReport {
    const author = checkAuthor(write.author);
    return this.#log.step({ title: 'Import labels', author, reason: write.reason }, (change) => {
      const report = this.#go(rule, change, author);
      if (rule === 'refuse' && report.conflicts > 0) {
        const features = report.examples.filter(({ outcome }) => outcome === 'conflict').map(({ feature }) => feature);
        throw new AppError(
          'conflict',
          `${report.conflicts} labels contradict those that are here (feature ${features.slice(0, 10).join(', ')}${features.length > 10 ? ' …' : ''}). Nothing was imported.`,
          {
            details: { conflicts: report.conflicts, features: features.slice(0, 100) },
          },
        );
      }
      return report;
    });
  }

  close(): void {
    this.#database.execute(`DROP TABLE IF EXISTS ${this.#table}`);
  }

  #insert(batch: readonly LabelRow[]): void {
    const insert = this.#database.query<[number, string, number, string, string | null, string | null, string]>(
      `INSERT OR IGNORE INTO ${this.#table} (line, dictionary, feature, patch, author, time, comments) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#database.local(() => {
      for (const { line, dictionary, feature, patch, author, time, comments } of batch) {
        this.#checkFeature(line, dictionary, feature);
        const inserted = insert.run(
          line,
          dictionary,
          feature,
          JSON.stringify(patch),
          author,
          time,
          JSON.stringify(comments),
        );
        if (inserted > 0) continue;
        this.#repeatedCount++;
        if (this.#repeated.length >= MOST_EXAMPLES) continue;
        this.#repeated.push({
          dictionary,
          feature,
          line,
          outcome: 'repeated',
          fields: [],
          before: '',
          after: patch.text ?? '',
        });
      }
    });
  }

  #checkFeature(line: number, dictionary: string, feature: number): void {
    if (!this.#sizes.has(dictionary)) this.#sizes.set(dictionary, dictionarySize(this.#database, dictionary));
    const size = this.#sizes.get(dictionary) ?? Infinity;
    if (feature < size) return;
    throw new AppError(
      'invalid-file',
      `Line ${line}: the dictionary has the features 0 to ${size - 1}, but not ${feature}. Nothing was imported.`,
      { details: { line, feature, size } },
    );
  }

  #go(rule: ImportRule, change: Change | null, importer: string): ImportReport {
    const count = { rows: this.#repeatedCount, added: 0, filled: 0, same: 0, conflicts: 0, changed: 0, comments: 0 };
    const examples: ImportExample[] = [];
    for (const row of this.#rows()) {
      count.rows++;
      const key = { dictionary: row.dictionary, feature: row.feature };
      const current = this.#labels.get(key);
      const patch = JSON.parse(row.patch) as LabelPatch; // written by `#insert`
      const incoming = applyPatch(current ?? UNLABELLED, patch, `Line ${row.line}`, 'invalid-file');
      const { outcome, result, conflicts } = decideImport(current, incoming, row.time, rule);
      const moves = outcome !== 'same' && (current === null || !sameContent(result, current));
      if (outcome === 'added') count.added++;
      else if (outcome === 'filled') count.filled++;
      else if (outcome === 'same') count.same++;
      else {
        count.conflicts++;
        if (moves) count.changed++;
      }
      if (outcome !== 'same' && examples.length < MOST_EXAMPLES) {
        examples.push({
          ...key,
          line: row.line,
          outcome,
          fields: conflicts,
          before: current?.text ?? '',
          after: result.text,
        });
      }
      if (change !== null && moves) {
        // A label taken over whole keeps its author and time; one that was put together is the importer's.
        const whole = sameContent(result, incoming);
        const label: Label = {
          ...result,
          author: (whole ? row.author : null) ?? importer,
          time: (whole ? row.time : null) ?? this.#now(),
        };
        this.#labels.put(change, key, current, label);
      }
      count.comments += this.#comments(row, key, change);
    }
    return {
      ...count,
      repeated: this.#repeatedCount,
      examples: [...examples, ...this.#repeated].slice(0, MOST_EXAMPLES),
    };
  }

  #comments(row: StagedRow, key: FeatureKey, change: Change | null): number {
    if (row.comments === '[]') return 0;
    const known = new Set(this.#labels.comments(key).map(commentKey));
    const comments = JSON.parse(row.comments) as Comment[]; // written by `#insert`
    const added = comments.filter((comment) => !known.has(commentKey(comment)));
    for (const comment of added) {
      change?.('comment', crypto.randomUUID(), { feature: featureIdOf(this.#database, key), ...comment });
    }
    return added.length;
  }

  *#rows(): Generator<StagedRow> {
    const page = this.#database.query<[string, number], StagedRow>(
      `SELECT line, dictionary, feature, patch, author, time, comments FROM ${this.#table} WHERE (dictionary, feature) > (?, ?) ORDER BY dictionary, feature LIMIT 1000`,
    );
    let last: [string, number] = ['', -1];
    for (;;) {
      const rows = page.all(...last);
      yield* rows;
      const end = rows.at(-1);
      if (end === undefined || rows.length < 1000) return;
      last = [end.dictionary, end.feature];
    }
  }
}

let nextTable = 1;

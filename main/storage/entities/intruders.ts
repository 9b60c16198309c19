// Answers of the blind tests of labels: facts that are counted, so undo does not reach them.
import { AppError } from '../../contract/base/errors.ts';
import type { FeatureKey } from '../../contract/domain/label.ts';
import { checkAuthor } from '../authorship.ts';
import type { Database } from '../database.ts';

export interface IntruderAnswer extends FeatureKey {
  readonly seed: number;
  /** The label's text as it was shown. */
  readonly label: string;
  /** How many texts were shown; the index of the one that was chosen, and of the one that does not belong. */
  readonly texts: number;
  readonly chosen: number;
  readonly intruder: number;
}

export class IntruderStore {
  readonly #database: Database;
  readonly #now: () => string;

  constructor(database: Database, now: () => string) {
    this.#database = database;
    this.#now = now;
  }

  /** @throws AppError `exists` when this test was answered before. */
  add({ dictionary, feature, seed, label, texts, chosen, intruder }: IntruderAnswer, by: { author: string }): void {
    const author = checkAuthor(by.author);
    const added = this.#database.write(() =>
      this.#database
        .query<[string, number, number, string, string, number, number, number, string]>(
          `INSERT INTO intruder_tests (dictionary, feature, seed, author, label, texts, chosen, intruder, time)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
        )
        .run(dictionary, feature, seed, author, label, texts, chosen, intruder, this.#now()),
    );
    if (added === 0) throw new AppError('exists', 'This test was answered before: take another.');
  }

  /** Of one author. */
  counts(dictionary: string, author: string): { readonly right: number; readonly answered: number } {
    return (
      this.#database
        .query<[string, string], { right: number; answered: number }>(
          `SELECT coalesce(sum(chosen = intruder), 0) AS right, count(*) AS answered FROM intruder_tests
           WHERE dictionary = ? AND author = ?`,
        )
        .get(dictionary, author) ?? { right: 0, answered: 0 }
    );
  }

  /** How often each feature was tested by one author. */
  tested(dictionary: string, author: string): ReadonlyMap<number, number> {
    const rows = this.#database
      .query<[string, string], { feature: number; count: number }>(
        'SELECT feature, count(*) AS count FROM intruder_tests WHERE dictionary = ? AND author = ? GROUP BY feature',
      )
      .all(dictionary, author);
    return new Map(rows.map(({ feature, count }) => [feature, count]));
  }
}

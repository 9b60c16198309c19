// Behaviours by name, their contents by id, and the results of evaluating versions on them. A changed behaviour keeps its
// name and gets a new content: earlier results stay with the content that they measured.
import { AppError } from '../../contract/base/errors.ts';
import { canonicalJson, contentId } from '../../core/edits/canonical.ts';
import { shortId } from '../../core/edits/version.ts';
import type { Behaviour } from '../../contract/domain/behaviour.ts';
import type { Metric } from '../../contract/domain/behaviourResult.ts';
import { behaviourId, parseBehaviour } from '../../core/behaviours/behaviour.ts';
import {
  compareResults,
  parseResult,
  type BehaviourResult,
  type ResultComparison,
} from '../../core/behaviours/behaviourResult.ts';
import { refuseExplosions } from '../../core/behaviours/patternProbe.ts';
import { checkAuthor, signed, type Authorship } from '../authorship.ts';
import type { ChangeLog, Entity, LoggedChange } from '../changes.ts';
import type { Database } from '../database.ts';

export interface StoredBehaviour {
  readonly name: string;
  /** Content id: what versions and results refer to. */
  readonly id: string;
  readonly author: string;
  readonly time: string;
  readonly revision: number;
}

export interface StoredResult extends BehaviourResult {
  readonly id: string;
}

interface BehaviourState {
  readonly content: string;
  readonly author: string;
  readonly time: string;
}

export function behaviourEntity(database: Database): Entity {
  return {
    kind: 'behaviour',
    read: (key) =>
      database
        .query<[string], BehaviourState>('SELECT content_id AS content, author, time FROM behaviours WHERE name = ?')
        .get(key) ?? null,
    write(key, state, revision) {
      database.query<[string]>('DELETE FROM behaviours WHERE name = ?').run(key);
      if (state === null) return;
      const { content, author, time } = state as BehaviourState; // what `read` gave the log
      database
        .query<[string, string, string, string, number]>(
          'INSERT INTO behaviours (name, content_id, author, time, revision) VALUES (?, ?, ?, ?, ?)',
        )
        .run(key, content, author, time, revision);
    },
    keys: () =>
      database
        .query<[], { key: string }>('SELECT name AS key FROM behaviours')
        .all()
        .map(({ key }) => key),
  };
}

export class BehaviourStore {
  readonly #database: Database;
  readonly #log: ChangeLog;
  readonly #now: () => string;

  constructor(database: Database, log: ChangeLog, now: () => string) {
    this.#database = database;
    this.#log = log;
    this.#now = now;
  }

  list(): readonly StoredBehaviour[] {
    return this.#database
      .query<[], StoredBehaviour>('SELECT name, content_id AS id, author, time, revision FROM behaviours ORDER BY name')
      .all();
  }

  /** Null: no behaviour has that name. */
  find(name: string): StoredBehaviour | null {
    return (
      this.#database
        .query<[string], StoredBehaviour>(
          'SELECT name, content_id AS id, author, time, revision FROM behaviours WHERE name = ?',
        )
        .get(name) ?? null
    );
  }

  /** @param ref a name, a content id or the first four or more digits of one. @throws AppError `not-found`, `usage`. */
  resolve(ref: string): string {
    const named = this.find(ref);
    if (named !== null) return named.id;
    if (/^[0-9a-f]{4,64}$/u.test(ref)) {
      const rows = this.#database
        .query<[string, string], { id: string }>('SELECT id FROM behaviour_contents WHERE id >= ? AND id <= ? LIMIT 2')
        .all(ref, `${ref}g`);
      if (rows.length > 1) throw new AppError('usage', `Several behaviours begin with ${ref}: give more digits.`);
      if (rows[0] !== undefined) return rows[0].id;
    }
    throw new AppError('not-found', `There is no behaviour ${JSON.stringify(ref.slice(0, 100))}.`);
  }

  /** The content with that id or name. @throws AppError('not-found'). */
  get(ref: string): Behaviour {
    const id = this.resolve(ref);
    const row = this.#database
      .query<[string], { content: string }>('SELECT content FROM behaviour_contents WHERE id = ?')
      .get(id);
    if (row === undefined) throw new AppError('not-found', `There is no behaviour ${shortId(id)}.`);
    return JSON.parse(row.content) as Behaviour; // written by `insertContent`
  }

  /**
   * Stores a behaviour under its name.
   * @throws AppError `usage` for bad content, `conflict` when the name is no longer at `expectedRevision` (0: a new name).
   */
  save(behaviour: unknown, write: Authorship & { readonly expectedRevision?: number | undefined }): StoredBehaviour {
    const checked = parseBehaviour(behaviour);
    refuseExplosions(checked, 'The behaviour');
    const author = checkAuthor(write.author);
    return this.#log.step({ title: `Save the behaviour ${checked.name}`, author, reason: write.reason }, (change) => {
      const current = this.find(checked.name);
      const revision = current?.revision ?? 0;
      if (write.expectedRevision !== undefined && write.expectedRevision !== revision) {
        throw new AppError(
          'conflict',
          `The behaviour ${checked.name} has been changed since it was opened${current === null ? '' : `, by ${current.author}`}. Nothing was changed.`,
          {
            details: { name: checked.name, expected: write.expectedRevision, revision },
          },
        );
      }
      const id = this.insertContent(checked);
      if (current?.id === id) return current;
      const time = this.#now();
      const changed = change('behaviour', checked.name, { content: id, author, time });
      return { name: checked.name, id, author, time, revision: changed ?? revision };
    });
  }

  /** Takes the name away; versions that must satisfy the behaviour still know its content. */
  remove(name: string, write: Authorship): void {
    this.#log.step({ title: `Remove the behaviour ${name.slice(0, 100)}`, ...signed(write) }, (change) => {
      if (change('behaviour', name, null) === null)
        throw new AppError('not-found', `There is no behaviour ${JSON.stringify(name.slice(0, 100))}.`);
    });
  }

  history(name: string): readonly LoggedChange[] {
    return this.#log.history('behaviour', name);
  }

  /** Stores a content that was checked, within a write, and returns its id. */
  insertContent(behaviour: Behaviour): string {
    const id = behaviourId(behaviour);
    this.#database
      .query<[string, string]>('INSERT OR IGNORE INTO behaviour_contents (id, content) VALUES (?, ?)')
      .run(id, canonicalJson(behaviour));
    return id;
  }

  // --- results ---

  /**
   * Stores what an evaluation found. The same result twice is stored once.
   * @throws AppError `usage` for a malformed result or one with another number of cases than the behaviour; `not-found` for
   * an unknown version or behaviour; `mismatch` for a version of another model.
   */
  addResult(result: unknown): StoredResult {
    const checked = parseResult(result);
    const id = contentId(checked);
    this.#database.write(() => {
      const { cases } = this.get(checked.behaviour);
      if (cases.length !== checked.cases.length) {
        throw new AppError(
          'mismatch',
          `The result has ${checked.cases.length} cases, the behaviour ${shortId(checked.behaviour)} has ${cases.length}.`,
        );
      }
      if (checked.version !== null) {
        const row = this.#database
          .query<[string], { model: string }>('SELECT model FROM versions WHERE id = ?')
          .get(checked.version);
        if (row === undefined) throw new AppError('not-found', `There is no version ${shortId(checked.version)}.`);
        if (row.model !== checked.model)
          throw new AppError('mismatch', `The result is of another model than version ${shortId(checked.version)}.`);
      }
      this.#database
        .query<[string, string | null, string, string, string, string]>(
          'INSERT OR IGNORE INTO results (id, version, model, behaviour, time, content) VALUES (?, ?, ?, ?, ?, ?)',
        )
        .run(id, checked.version, checked.model, checked.behaviour, checked.time, canonicalJson(checked));
    });
    return { id, ...checked };
  }

  /** The share of the cases that passed when a version was last run on a content. @param version null: the unedited model. */
  lastPassRate(behaviour: string, version: string | null): Metric | null {
    const row = this.#database
      .query<[string, string | null], { metric: string | null }>(
        `SELECT json_extract(content, '$.metrics.passRate') AS metric FROM results
         WHERE behaviour = ? AND version IS ? ORDER BY time DESC, id LIMIT 1`,
      )
      .get(behaviour, version);
    return row?.metric ? (JSON.parse(row.metric) as Metric) : null; // written by `addResult`
  }

  /** Newest first. @param filter `version: null`: the unedited model only. */
  results(
    filter: { readonly behaviour?: string | undefined; readonly version?: string | null | undefined } = {},
  ): readonly StoredResult[] {
    const where: string[] = ['1 = 1'];
    const parameters: string[] = [];
    if (filter.behaviour !== undefined) {
      where.push('behaviour = ?');
      parameters.push(filter.behaviour);
    }
    if (filter.version === null) where.push('version IS NULL');
    else if (filter.version !== undefined) {
      where.push('version = ?');
      parameters.push(filter.version);
    }
    const rows = this.#database
      .query<string[], { id: string; content: string }>(
        `SELECT id, content FROM results WHERE ${where.join(' AND ')} ORDER BY time DESC, id`,
      )
      .all(...parameters);
    return rows.map(({ id, content }) => ({ id, ...(JSON.parse(content) as BehaviourResult) })); // written by `addResult`
  }

  /**
   * Two versions' latest results on one behaviour, compared. Null stands for the unedited model.
   * @throws AppError('not-found') when one of them has no result on it.
   */
  compare(behaviour: string, before: string | null, after: string | null): ResultComparison {
    const latest = (version: string | null) => {
      const [result] = this.results({ behaviour, version });
      if (result !== undefined) return result;
      throw new AppError(
        'not-found',
        `${version === null ? 'The unedited model' : `Version ${shortId(version)}`} has no result on the behaviour ${shortId(behaviour)}.`,
      );
    };
    return compareResults(latest(before), latest(after));
  }
}

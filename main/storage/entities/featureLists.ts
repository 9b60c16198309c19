// Named lists of features: what a researcher collects for later. Lists and members are undoable, like labels.
import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';
import { lineSchema, paragraphSchema } from '../../contract/base/fields.ts';
import { validate } from '../../contract/base/validate.ts';
import { featureKeySchema, type FeatureKey } from '../../contract/domain/label.ts';
import { signed, type Authorship } from '../authorship.ts';
import type { ChangeLog, Entity } from '../changes.ts';
import type { Database } from '../database.ts';
import { featureIdOf, findFeatureId } from './featureIds.ts';

export interface FeatureList {
  readonly name: string;
  readonly description: string;
  readonly size: number;
}

const MOST_MEMBERS = 1_000_000;
const nameSchema = v.pipe(
  lineSchema(100, 1),
  v.check((name) => !name.includes('/'), 'the name holds a /'),
);

export function featureListEntity(database: Database): Entity {
  return {
    kind: 'list',
    read: (key) =>
      database
        .query<[string], { description: string }>('SELECT description FROM feature_lists WHERE name = ?')
        .get(key) ?? null,
    write(key, state, revision) {
      database.query<[string]>('DELETE FROM feature_lists WHERE name = ?').run(key);
      if (state === null) return;
      const { description } = state as { description: string }; // what `read` gave the log
      database
        .query<[string, string, number]>('INSERT INTO feature_lists (name, description, revision) VALUES (?, ?, ?)')
        .run(key, description, revision);
    },
    keys: () =>
      database
        .query<[], { key: string }>('SELECT name AS key FROM feature_lists')
        .all()
        .map(({ key }) => key),
  };
}

/** Keys are `name/feature id`; a name holds no slash. */
export function listMemberEntity(database: Database): Entity {
  const parts = (key: string): [string, number] => {
    const slash = key.indexOf('/');
    return [key.slice(0, slash), Number(key.slice(slash + 1))];
  };
  return {
    kind: 'listMember',
    read: (key) =>
      database
        .query<[string, number], { position: number }>(
          'SELECT position FROM feature_list_members WHERE list = ? AND feature_id = ?',
        )
        .get(...parts(key)) ?? null,
    write(key, state, revision) {
      database
        .query<[string, number]>('DELETE FROM feature_list_members WHERE list = ? AND feature_id = ?')
        .run(...parts(key));
      if (state === null) return;
      const { position } = state as { position: number }; // what `read` gave the log
      database
        .query<[string, number, number, number]>(
          'INSERT INTO feature_list_members (list, feature_id, position, revision) VALUES (?, ?, ?, ?)',
        )
        .run(...parts(key), position, revision);
    },
    keys: () =>
      database
        .query<[], { key: string }>("SELECT list || '/' || feature_id AS key FROM feature_list_members")
        .all()
        .map(({ key }) => key),
  };
}

export class FeatureLists {
  readonly #database: Database;
  readonly #log: ChangeLog;

  constructor(database: Database, log: ChangeLog) {
    this.#database = database;
    this.#log = log;
  }

  /** By name. */
  all(): readonly FeatureList[] {
    return this.#database
      .query<[], FeatureList>(
        'SELECT name, description, (SELECT count(*) FROM feature_list_members WHERE list = name) AS size FROM feature_lists ORDER BY name',
      )
      .all();
  }

  /** In the order in which they were added. @throws AppError('not-found'). */
  members(name: string): readonly FeatureKey[] {
    this.#require(name);
    return this.#database
      .query<[string], FeatureKey>(
        'SELECT f.dictionary, f.feature FROM feature_list_members m JOIN features f ON f.id = m.feature_id WHERE m.list = ? ORDER BY m.position, f.id',
      )
      .all(name);
  }

  /** Names of the lists that a feature is on. */
  containing(key: FeatureKey): readonly string[] {
    return this.#database
      .query<[string, number], { name: string }>(
        `SELECT l.name FROM feature_lists l JOIN feature_list_members m ON m.list = l.name
         JOIN features f ON f.id = m.feature_id WHERE f.dictionary = ? AND f.feature = ? ORDER BY l.name`,
      )
      .all(key.dictionary, key.feature)
      .map(({ name }) => name);
  }

  /** Makes a list, or changes its description. @returns its name as it is kept. */
  save(name: string, description: string, write: Authorship): string {
    const checked = validate(nameSchema, name, 'The list');
    const state = { description: validate(paragraphSchema(10_000), description, 'The list') };
    this.#log.step(
      { title: `Save the list ${checked}`, ...signed(write) },
      (change) => void change('list', checked, state),
    );
    return checked;
  }

  /** Takes the list and its members away, as one step. @throws AppError('not-found'). */
  remove(name: string, write: Authorship): void {
    this.#log.step({ title: `Remove the list ${name}`, ...signed(write) }, (change) => {
      for (const { id } of this.#memberIds(name)) change('listMember', `${name}/${id}`, null);
      if (change('list', name, null) === null) throw missing(name);
    });
  }

  /**
   * Features already in the list stay where they are. @param options.makes the list where there is none, in the same step.
   * @throws AppError('not-found').
   */
  add(
    given: string,
    keys: readonly FeatureKey[],
    write: Authorship,
    { makes = false }: { readonly makes?: boolean | undefined } = {},
  ): void {
    const name = makes ? validate(nameSchema, given, 'The list') : given;
    if (keys.length > MOST_MEMBERS) throw new AppError('usage', `More than ${MOST_MEMBERS} features at once.`);
    const features = keys.map((key) => validate(featureKeySchema, key, 'The feature'));
    this.#log.step({ title: `Add ${features.length} to the list ${name}`, ...signed(write) }, (change) => {
      if (makes && !this.#has(name)) change('list', name, { description: '' });
      this.#require(name);
      const present = new Set(this.#memberIds(name).map(({ id }) => id));
      let position = (this.#memberIds(name).at(-1)?.position ?? -1) + 1;
      for (const key of features) {
        const id = featureIdOf(this.#database, key);
        if (present.has(id)) continue;
        present.add(id);
        change('listMember', `${name}/${id}`, { position: position++ });
      }
    });
  }

  /** Features that are not in the list are passed over. */
  take(name: string, keys: readonly FeatureKey[], write: Authorship): void {
    this.#log.step({ title: `Take ${keys.length} off the list ${name}`, ...signed(write) }, (change) => {
      this.#require(name);
      for (const key of keys) {
        const id = findFeatureId(this.#database, key);
        if (id !== null) change('listMember', `${name}/${id}`, null);
      }
    });
  }

  #memberIds(name: string): readonly { readonly id: number; readonly position: number }[] {
    return this.#database
      .query<[string], { id: number; position: number }>(
        'SELECT feature_id AS id, position FROM feature_list_members WHERE list = ? ORDER BY position, feature_id',
      )
      .all(name);
  }

  #has(name: string): boolean {
    return this.#database.query<[string], object>('SELECT 1 FROM feature_lists WHERE name = ?').get(name) !== undefined;
  }

  #require(name: string): void {
    if (!this.#has(name)) throw missing(name);
  }
}

function missing(name: string): AppError {
  return new AppError('not-found', `There is no list ${JSON.stringify(name.slice(0, 100))}.`);
}

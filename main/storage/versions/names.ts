// What versions are called: branches, which move, and tags, which stay. Both are undoable; one name is one thing.
import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';
import { lineSchema } from '../../contract/base/fields.ts';
import { validate } from '../../contract/base/validate.ts';
import { shortId } from '../../core/edits/version.ts';
import type { Entity } from '../changes.ts';
import type { Database } from '../database.ts';

export type NameKind = 'branch' | 'tag';

export interface Branch {
  readonly name: string;
  readonly version: string;
}

export interface VersionTag extends Branch {
  readonly message: string;
  readonly author: string;
  readonly time: string;
}

/** As history shows it: the window asks for versions by whole ids. */
export function refText(ref: string): string {
  return /^[0-9a-f]{64}$/u.test(ref) ? shortId(ref) : ref.slice(0, 100);
}

const refNameSchema = v.pipe(
  v.string('expected a name'),
  v.regex(/^[\p{L}\p{N}][\p{L}\p{N}._/-]{0,99}$/u, 'expected a name of letters, digits, . _ - and /'),
  v.check(
    (name) => !name.includes('..') && !/[./]$/u.test(name) && !name.includes('//'),
    'the name holds .. or // or ends with . or /',
  ),
  v.check(
    (name) => !/^[0-9a-f]{4,64}$/u.test(name) && name.toUpperCase() !== 'HEAD',
    'the name could be taken for a version',
  ),
);

interface RefRow {
  readonly version: string;
}

export function branchEntity(database: Database): Entity {
  return {
    kind: 'branch',
    read: (key) => database.query<[string], RefRow>('SELECT version FROM branches WHERE name = ?').get(key) ?? null,
    write(key, state, revision) {
      database.query<[string]>('DELETE FROM branches WHERE name = ?').run(key);
      if (state === null) return;
      const { version } = state as RefRow; // what `read` gave the log
      database
        .query<[string, string, number]>('INSERT INTO branches (name, version, revision) VALUES (?, ?, ?)')
        .run(key, version, revision);
    },
    keys: () =>
      database
        .query<[], { key: string }>('SELECT name AS key FROM branches')
        .all()
        .map(({ key }) => key),
  };
}

export function tagEntity(database: Database): Entity {
  type Row = Omit<VersionTag, 'name'>;
  return {
    kind: 'tag',
    read: (key) =>
      database.query<[string], Row>('SELECT version, message, author, time FROM tags WHERE name = ?').get(key) ?? null,
    write(key, state, revision) {
      database.query<[string]>('DELETE FROM tags WHERE name = ?').run(key);
      if (state === null) return;
      const { version, message, author, time } = state as Row; // what `read` gave the log
      database
        .query<[string, string, string, string, string, number]>(
          'INSERT INTO tags (name, version, message, author, time, revision) VALUES (?, ?, ?, ?, ?, ?)',
        )
        .run(key, version, message, author, time, revision);
    },
    keys: () =>
      database
        .query<[], { key: string }>('SELECT name AS key FROM tags')
        .all()
        .map(({ key }) => key),
  };
}

/** By name. */
export function allBranches(database: Database): readonly Branch[] {
  return database.query<[], Branch>('SELECT name, version FROM branches ORDER BY name').all();
}

/** By name. */
export function allTags(database: Database): readonly VersionTag[] {
  return database.query<[], VersionTag>('SELECT name, version, message, author, time FROM tags ORDER BY name').all();
}

/** The id of the version that the name stands for; null for a name that there is not. */
export function versionNamed(database: Database, kind: NameKind, name: string): string | null {
  const table = kind === 'branch' ? 'branches' : 'tags';
  return database.query<[string], RefRow>(`SELECT version FROM ${table} WHERE name = ?`).get(name)?.version ?? null;
}

/** @throws AppError `usage` for what cannot be a name. */
export function newName(kind: NameKind, name: string): string {
  return validate(v.pipe(lineSchema(100, 1), refNameSchema), name, `The ${kind}`);
}

/** One name, one thing: a tag and a branch of the same name would make a reference a guess. @throws AppError `exists`. */
export function refuseTaken(database: Database, kind: NameKind, name: string): void {
  const taken = (['branch', 'tag'] as const).find((each) => versionNamed(database, each, name) !== null);
  if (taken) throw new AppError('exists', `The ${kind} cannot be called ${name}: a ${taken} is.`);
}

import Sqlite from 'better-sqlite3';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listBackups } from './recovery/backup.ts';
import { Database } from './database.ts';
import { headSchema, migrate } from './migrate.ts';
import { MIGRATIONS } from './migrations/index.ts';
import type { Migration } from './migrations/migration.ts';
import { createProject } from './project/create.ts';
import { DATABASE_FILE } from './project/layout.ts';
import { openProject } from './project/open.ts';
import { restoreBackup } from './recovery/restore.ts';
import { contentOf, RELEASED_SCHEMAS, unpackFixture } from '../testing/storage/fixture.ts';
import { DICTIONARY, temporaryFolder } from '../testing/storage/temporaryProject.ts';

let root: string;
let folder: string;
let remove: () => void;
beforeEach(() => {
  ({ folder: root, remove } = temporaryFolder());
  folder = join(root, 'project');
});
afterEach(() => remove());

const path = () => join(folder, DATABASE_FILE);
const feature = { dictionary: DICTIONARY, feature: 1 };
const TIME = '2026-03-01T00:00:00.000Z';
const NEXT: Migration = {
  version: headSchema() + 1,
  sql: "ALTER TABLE labels ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey'",
};

/** Tables, indexes, triggers and views with their text, spaces evened out. */
function schemaOf(file: string): unknown {
  const sqlite = new Sqlite(file, { readonly: true });
  try {
    const rows = sqlite
      .prepare<[], { type: string; name: string; sql: string | null }>(
        'SELECT type, name, sql FROM sqlite_schema ORDER BY type, name',
      )
      .all();
    return rows.map(({ type, name, sql }) => [type, name, sql?.replace(/\s+/gu, ' ') ?? null]);
  } finally {
    sqlite.close();
  }
}

describe('migrations', () => {
  it('are numbered without gaps, and every one has its fixture', () => {
    expect(MIGRATIONS.map(({ version }) => version)).toEqual(RELEASED_SCHEMAS);
  });

  it.each(RELEASED_SCHEMAS)(
    'bring a project of schema %i to what a new one is, with all that it held',
    async (schema) => {
      const content = unpackFixture(schema, folder);
      const project = await openProject(folder);
      expect(contentOf(project)).toEqual(content);
      expect(project.check().problems).toEqual([]);
      project.labels.set(feature, { text: 'and it can be written' }, { author: 'Ada' });
      project.close();
      if (schema < headSchema()) expect(listBackups(folder)[0]?.reason).toBe(`schema-${schema}`);
      const fresh = join(root, 'fresh');
      (await createProject(fresh)).close();
      expect(schemaOf(path())).toEqual(schemaOf(join(fresh, DATABASE_FILE)));
    },
  );

  it('take a copy first, from which the project as it was can be opened', async () => {
    const project = await createProject(folder);
    project.labels.set(feature, { text: 'kept' }, { author: 'Ada' });
    project.close();
    const database = new Database(path());
    expect(migrate(database, folder, TIME, [...MIGRATIONS, NEXT])).toBe(true);
    expect(migrate(database, folder, TIME, [...MIGRATIONS, NEXT])).toBe(false);
    expect(database.query<[], { text: string; colour: string }>('SELECT text, colour FROM labels').all()).toEqual([
      { text: 'kept', colour: 'grey' },
    ]);
    database.close();
    const [backup] = listBackups(folder);
    expect(backup).toMatchObject({ reason: `schema-${headSchema()}`, time: TIME });
    const copy = new Database(backup?.path ?? '', { readOnly: true });
    expect([copy.schema, copy.query<[], { text: string }>('SELECT text FROM labels').get()?.text]).toEqual([
      headSchema(),
      'kept',
    ]);
    copy.close();
  });

  it('that fail leave the project as it was', async () => {
    (await createProject(folder)).close();
    const before = schemaOf(path());
    const database = new Database(path());
    const broken: Migration = {
      version: headSchema() + 1,
      sql: 'CREATE TABLE half_done (id INTEGER) STRICT; SELECT no_such_function();',
    };
    expect(() => migrate(database, folder, TIME, [...MIGRATIONS, broken])).toThrow(/no_such_function/u);
    database.close();
    expect(schemaOf(path())).toEqual(before);
    (await openProject(folder)).close();
  });

  it('that cannot take their copy do not begin', async () => {
    (await createProject(folder)).close();
    writeFileSync(join(folder, 'backups'), 'a file where the folder should be');
    const database = new Database(path());
    expect(() => migrate(database, folder, TIME, [...MIGRATIONS, NEXT])).toThrow(
      expect.objectContaining({ code: 'exists' }),
    );
    expect(database.schema).toBe(headSchema());
    database.close();
  });

  it.each([
    [
      "CREATE TRIGGER evil AFTER INSERT ON labels BEGIN UPDATE labels SET text = 'theirs'; END",
      'trigger evil on labels',
    ],
    ['CREATE VIEW secrets AS SELECT * FROM labels', 'view secrets'],
    ['CREATE TABLE notes (text TEXT)', 'table notes'],
    ['CREATE INDEX slow ON labels (text)', 'index slow on labels'],
    ['ALTER TABLE labels ADD COLUMN colour TEXT', 'table labels'],
    [
      'DROP TRIGGER versions_stay_updated; CREATE TRIGGER versions_stay_updated BEFORE UPDATE ON versions BEGIN SELECT 1; END',
      'trigger versions_stay_updated on versions',
    ],
  ])('do not open a project whose database holds what is not ours: %s', async (sql, what) => {
    const project = await createProject(folder);
    project.labels.set(feature, { text: 'mine' }, { author: 'Ada' });
    project.backup();
    project.close();
    const sqlite = new Sqlite(path());
    sqlite.exec(sql);
    sqlite.close();
    for (const readOnly of [false, true]) {
      const error: unknown = await openProject(folder, { readOnly }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'invalid-file', details: { foreign: [what], backups: 1 } });
      expect(String(error)).toContain(`holds what Errata did not put there: ${what}. It was not opened`);
    }
    restoreBackup(folder);
    const restored = await openProject(folder);
    expect(restored.labels.get(feature)?.text).toBe('mine');
    restored.close();
  });

  it('do not run what is not ours in an older project either', async () => {
    unpackFixture(1, folder);
    const sqlite = new Sqlite(path());
    sqlite.exec("CREATE TRIGGER evil AFTER UPDATE ON jobs BEGIN UPDATE labels SET text = 'theirs'; END");
    sqlite.close();
    await expect(openProject(folder)).rejects.toThrow(/trigger evil on jobs/u);
    expect(listBackups(folder)).toEqual([]);
  });

  it('do not open a project that lacks a part: it is damaged', async () => {
    (await createProject(folder)).close();
    const sqlite = new Sqlite(path());
    sqlite.exec('DROP TRIGGER changes_stay_deleted');
    sqlite.close();
    await expect(openProject(folder)).rejects.toThrow(
      /is damaged: it lacks the trigger changes_stay_deleted on changes\..*There is no backup/u,
    );
  });

  it('take what SQLite gathers for its own queries for ours', async () => {
    (await createProject(folder)).close();
    const sqlite = new Sqlite(path());
    sqlite.exec('ANALYZE');
    sqlite.close();
    (await openProject(folder)).close();
  });

  it('of a newer program are refused, in words, and nothing is changed', async () => {
    (await createProject(folder)).close();
    const database = new Database(path());
    migrate(database, folder, TIME, [...MIGRATIONS, NEXT]);
    database.close();
    for (const readOnly of [false, true]) {
      await expect(openProject(folder, { readOnly })).rejects.toThrow(expect.objectContaining({ code: 'unsupported' }));
      await expect(openProject(folder, { readOnly })).rejects.toThrow(
        /made by a newer Errata \(schema \d+; this one knows up to \d+\)/u,
      );
    }
  });

  it('by a newer program while the project is open here stop writes here', async () => {
    const project = await createProject(folder);
    const database = new Database(path());
    migrate(database, folder, TIME, [...MIGRATIONS, NEXT]);
    expect(() => project.labels.set(feature, { text: 'x' }, { author: 'Ada' })).toThrow(
      /upgraded the project while it was open/u,
    );
    database.close();
    project.close();
  });

  it('are not tried on what is no project', async () => {
    (await createProject(folder)).close();
    const other = new Sqlite(join(root, 'other.sqlite'));
    other.exec('CREATE TABLE notes (text TEXT)');
    other.close();
    const stranger = new Database(join(root, 'other.sqlite'));
    expect(() => migrate(stranger, root, TIME)).toThrow(/not an Errata project/u);
    stranger.close();
  });
});

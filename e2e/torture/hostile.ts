// Projects from strangers: a copy of the template into which rows, triggers and paths were put that no program of ours
// writes. Opening one is refused with the reason, or it works: no answer is a fault of our own (`internal`), the host lives,
// and nothing outside of the project is written, whatever of it is resumed.
import Database from 'better-sqlite3';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import type { Api } from '../../main/contract/api/contract.ts';
import { contract } from '../../main/contract/api/contract.ts';
import { toAppError } from '../../main/contract/base/errors.ts';
import type { Random } from '../../main/core/numerics/random.ts';
import { DATABASE_FILE } from '../../main/storage/project/layout.ts';
import { BEGUN_JOBS } from '../../main/testing/hosts/begunJobs.ts';
import { hashOf } from './products.ts';
import type { Round } from './faults.ts';
import { startTarget, type Target } from './target.ts';

type Row = Record<string, string | number | null>;

interface Attack {
  readonly random: Random;
  readonly database: Database.Database;
  /** A folder outside of the project. */
  readonly outside: string;
}

const ATTACKS: Readonly<Record<string, (attack: Attack) => void>> = {
  'a trigger': ({ database, random }) => {
    const table = pick(random, ['labels', 'jobs', 'steps', 'behaviours', 'evaluations']);
    const when = pick(random, ['INSERT', 'UPDATE', 'DELETE']);
    const act = pick(random, [
      "UPDATE labels SET text = 'changed'",
      'DELETE FROM jobs',
      "SELECT load_extension('/tmp/x')",
    ]);
    database.exec(`CREATE TRIGGER evil AFTER ${when} ON ${table} BEGIN ${act}; END`);
  },
  'a view in place of a table': ({ database, random }) => {
    const table = pick(random, ['feature_lists', 'intruder_answers', 'evaluations', 'catalog']);
    database.pragma('foreign_keys = OFF');
    database.exec(`DROP TABLE IF EXISTS ${table}; CREATE VIEW ${table} AS SELECT 1 AS name`);
  },
  'jobs of names that objects have': ({ database, random }) => {
    for (const kind of ['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
      addJob(database, { kind, state: pick(random, ['queued', 'running', 'interrupted', 'failed']) });
  },
  'jobs that write outside': ({ database, outside, random }) => {
    const stored = database
      .prepare<[], { kind: string; description: string }>('SELECT kind, description FROM jobs')
      .all();
    for (const path of [outside, '../outside', '../../outside/x', `${outside}/x`, '/proc/self/cwd', '..'])
      for (const { kind, description } of stored)
        addJob(database, { kind, description: withTexts(description, () => path, random), state: 'interrupted' });
    for (const kind of Object.keys(BEGUN_JOBS)) {
      const names = { name: '../../outside/x', target: `${outside}/x`, dictionary: '../outside', activations: outside };
      addJob(database, { kind, description: JSON.stringify(names), state: 'interrupted' });
    }
  },
  'folders outside': ({ database, outside, random }) => {
    const tables = { catalog: 'folder', feature_sets: 'folder' };
    for (const [table, column] of Object.entries(tables)) {
      if (!columnsOf(database, table).includes(column)) continue;
      database.prepare(`UPDATE ${table} SET ${column} = ?`).run(pick(random, [outside, '../../outside', '/etc', '..']));
    }
  },
  'cells that hold something else': ({ database, random }) => {
    withoutTriggers(database, () => {
      const tables = tablesOf(database);
      for (let i = 0; i < 6; i++) {
        const table = pick(random, tables);
        const column = pick(random, columnsOf(database, table));
        try {
          database.prepare(`UPDATE ${table} SET ${column} = ?`).run(pick(random, NASTY));
        } catch {
          // its own checks refuse it, also for us
        }
      }
    });
  },
  'bytes of a damaged page': () => undefined, // done to the file, below
};

const NASTY: readonly (string | number | null)[] = [
  ...[
    '',
    '{}',
    '[]',
    'null',
    '"x"',
    '{"__proto__":{"x":1}}',
    '\0',
    '../../outside',
    'x'.repeat(100_000),
    '日本<script>',
  ],
  ...[-1, 0, 2 ** 53, 1.5, null],
];

/** One of the attacks. */
export async function attackWithRows({ random, folder, wrong, ledger }: Round): Promise<void> {
  const name = pick(random, Object.keys(ATTACKS));
  const target = await startTarget(folder);
  try {
    const parent = target.host.home;
    const outside = join(parent, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'kept.txt'), 'kept');
    const hostile = join(parent, 'hostile');
    await cp(folder, hostile, { recursive: true, filter: (path) => !/-(?:wal|shm)$/u.test(path) });
    const path = join(hostile, DATABASE_FILE);
    const database = new Database(path);
    try {
      ATTACKS[name]?.({ random, database, outside });
    } finally {
      database.close();
    }
    if (name.startsWith('bytes')) await damage(path, random);
    const before = await fingerprint(parent);
    const told = (what: string, thrown: unknown) => {
      const { code, message } = toAppError(thrown);
      if (code === 'internal' || code === 'disconnected') wrong(`${name}: ${what}: ${code}: ${message}`);
    };
    try {
      await target.api.project.open({ location: await placeOf(target, hostile) });
      await askEverything(target.api, told);
      await resumeEverything(target, told);
      await askEverything(target.api, told);
    } catch (thrown) {
      told('opening', thrown);
    }
    if ((await fingerprint(parent)) !== before) wrong(`${name}: something outside of the project was written.`);
    await target.api.app.facts().catch((thrown: unknown) => told('the host afterwards', thrown));
    ledger.acknowledged += 1;
  } finally {
    await target.stop();
  }
}

async function placeOf({ api }: Target, path: string): Promise<string> {
  return (await api.files.locate({ path })).location;
}

/** Every question that needs to be told nothing. */
async function askEverything(api: Api, told: (what: string, thrown: unknown) => void): Promise<void> {
  const nouns = api as unknown as Record<string, Record<string, (input: object) => Promise<unknown>>>;
  for (const [noun, procedures] of Object.entries(contract))
    for (const [name, { kind, input }] of Object.entries(procedures))
      if (kind === 'query' && v.safeParse(input, {}).success)
        await nouns[noun]?.[name]?.({}).catch((thrown: unknown) => told(`${noun}.${name}`, thrown));
}

async function resumeEverything(target: Target, told: (what: string, thrown: unknown) => void): Promise<void> {
  for (const { id, canResume, kind } of await target.api.job.list().catch(() => [])) {
    if (!canResume) continue;
    try {
      await target.api.job.resume({ id });
      const { error } = await target.ended(id);
      if (error?.code === 'internal') told(`resuming a job ${kind}`, error);
    } catch (thrown) {
      told(`resuming a job ${kind}`, thrown);
    }
  }
}

/** All that lies next to the hostile project and is no concern of it. */
async function fingerprint(parent: string): Promise<string> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(parent, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(parent.length + 1);
    if (!entry.isFile() || /^(?:hostile|data)\//u.test(name)) continue;
    found[name] = await readFile(path, 'utf8');
  }
  found['parent'] = (await readdir(dirname(parent))).filter((name) => name === 'outside').join();
  return hashOf(found, parent);
}

async function damage(path: string, random: Random): Promise<void> {
  const bytes = await readFile(path);
  const start = random.below(bytes.length);
  for (let i = start; i < Math.min(bytes.length, start + 1 + random.below(5000)); i++) bytes[i] = random.below(256);
  await writeFile(path, bytes);
}

function addJob(
  database: Database.Database,
  { kind, description = '{}', state }: { kind: string; description?: string; state: string },
) {
  database
    .prepare('INSERT INTO jobs (id, kind, description, state, created, updated) VALUES (?, ?, ?, ?, ?, ?)')
    .run(crypto.randomUUID(), kind, description, state, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z');
}

/** A request with one of its texts in place of another. */
function withTexts(description: string, text: () => string, random: Random): string {
  const paths: string[] = [];
  const all = JSON.stringify(JSON.parse(description), (key, value: unknown) => {
    if (typeof value === 'string') paths.push(key);
    return value;
  });
  const changed = pick(random, paths.length > 0 ? paths : ['name']);
  return JSON.stringify(JSON.parse(all), (key, value: unknown) =>
    key === changed && typeof value === 'string' ? text() : value,
  );
}

function tablesOf(database: Database.Database): readonly string[] {
  const tables = database.prepare<[], Row>(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'",
  );
  return tables
    .all()
    .map(({ name }) => String(name))
    .filter((name) => !/^(?:sqlite_|label_)/u.test(name));
}

function columnsOf(database: Database.Database, table: string): readonly string[] {
  return database
    .prepare<[], Row>(`SELECT name FROM pragma_table_info('${table}')`)
    .all()
    .map(({ name }) => String(name));
}

/** Our triggers keep the log append-only; a stranger takes them away and puts them back. */
function withoutTriggers(database: Database.Database, work: () => void): void {
  const triggers = database.prepare<[], Row>("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all();
  for (const { name } of triggers) database.exec(`DROP TRIGGER ${String(name)}`);
  database.pragma('foreign_keys = OFF');
  work();
  for (const { sql } of triggers) database.exec(String(sql));
}

function pick<T>(random: Random, among: readonly T[]): T {
  return among[random.below(among.length)] as T; // none of the lists above is empty
}

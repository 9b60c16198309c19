// A project: a folder with `project.sqlite` and the folders of large things. Several processes may have one open; each
// write is one transaction, so none of them can lose or half-do another's. Whoever opens it closes it.
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { AppError } from '../../contract/base/errors.ts';
import { ancestors } from '../../core/edits/versionHistory.ts';
import { dictionariesOf, shortId } from '../../core/edits/version.ts';
import type { LabelRow } from '../../core/labels/labelsFile.ts';
import { toFileError } from '../../core/files/fileError.ts';
import type { Authorship } from '../authorship.ts';
import { backupIfDue, integrityProblems, listBackups, syncFile, takeBackup, type Backup } from '../recovery/backup.ts';
import { BehaviourStore, behaviourEntity } from '../entities/behaviours.ts';
import { Catalog } from '../entities/catalog.ts';
import { ChangeLog, type LoggedChange, type Step, type UndoReport } from '../changes.ts';
import { Database } from '../database.ts';
import { EvaluationStore } from '../entities/evaluations.ts';
import { FeatureStore } from '../entities/features.ts';
import { featureListEntity, FeatureLists, listMemberEntity } from '../entities/featureLists.ts';
import { otherHolders, register } from './holders.ts';
import { IntruderStore } from '../entities/intruders.ts';
import { JobStore } from '../entities/jobs.ts';
import { LabelImport } from '../entities/labelImport.ts';
import { searchLabels, type SearchHit, type SearchOptions } from '../entities/labelSearch.ts';
import { commentEntity, labelEntity, LabelStore } from '../entities/labels.ts';
import { checkSchema, headSchema, initialise, migrate } from '../migrate.ts';
import { translateSqliteError } from '../sqliteError.ts';
import type { InStorageThread } from '../storageWork.ts';
import { branchEntity, tagEntity } from '../versions/names.ts';
import { versionStore, type VersionStore } from '../versions/versionStore.ts';
import { workingEntity } from '../versions/workingEdit.ts';
import { WalFlusher } from '../walFlusher.ts';
import { checkKnown, VERSION_FILE_FORMAT, type KnownHashes, type VersionFile } from '../versions/versionFile.ts';

export const DATABASE_FILE = 'project.sqlite';
export const PROJECT_FOLDERS = ['models', 'corpora', 'activations', 'dictionaries', 'exports'] as const;

const LOOK_AGAIN_MS = 20;

export interface OpenOptions {
  /** What opens it, for the message that another process gets: 'the desktop app', 'the command line'. */
  readonly host?: string | undefined;
  /** Look only: works on read-only media, and on a project that an older program made. Every write is refused. */
  readonly readOnly?: boolean | undefined;
  /** How long a write waits for another process's, in milliseconds. */
  readonly patience?: number | undefined;
  /** False: no daily copy on opening. */
  readonly backups?: boolean | undefined;
  /** Where what waits for the disk is done, so that this thread does not: then writes are durable after `flush`. */
  readonly thread?: InStorageThread | undefined;
  readonly now?: (() => Date) | undefined;
}

/** What `errata project check` tells. */
export interface Health {
  readonly problems: readonly string[];
  readonly backups: readonly Backup[];
}

/**
 * Makes the folder, if need be, and an empty project in it.
 * @throws AppError `exists` when there is a project already, `permission`, `disk-full`; then nothing remains.
 */
export async function createProject(folder: string, options: OpenOptions = {}): Promise<Project> {
  if (options.thread) {
    await options.thread('create', resolve(folder));
    return await openProject(folder, options);
  }
  const path = join(resolve(folder), DATABASE_FILE);
  if (existsSync(path))
    throw new AppError('exists', `${folder}: there is a project already.`, { details: { path: folder } });
  const partial = join(resolve(folder), `.${DATABASE_FILE}.partial-${process.pid}-${randomBytes(6).toString('hex')}`);
  const made: string[] = [];
  try {
    for (const each of [folder, ...PROJECT_FOLDERS.map((name) => join(folder, name))]) {
      if (mkdirSync(each, { recursive: true }) !== undefined) made.push(each);
    }
    makeDatabase(partial, (options.now?.() ?? new Date()).toISOString());
    syncFile(partial);
    putInPlace(partial, path);
    syncFile(resolve(folder));
  } catch (thrown) {
    removePartial(partial);
    // Only what is empty, and only if nobody else has made a project here meanwhile.
    if (!existsSync(path)) for (const each of made.toReversed()) removeEmpty(each);
    throw toFileError(translateSqliteError(thrown, path), folder);
  }
  removePartial(partial);
  return await openProject(folder, options);
}

function removePartial(partial: string): void {
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(`${partial}${end}`, { force: true });
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Not empty, or gone: either way not ours to remove.
  }
}

/** Whole or not at all, and never over another: of two processes that make one project, the second is told that it exists. */
function putInPlace(partial: string, path: string): void {
  try {
    linkSync(partial, path);
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : '';
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw thrown;
    renameSync(partial, path); // a file system without hard links
  }
}

function makeDatabase(path: string, created: string): void {
  new Sqlite(path).exec('VACUUM').close(); // an empty file, which the connection below may then open
  const database = new Database(path);
  try {
    initialise(database);
    database.write(() => {
      const insert = database.query<[string, string]>('INSERT INTO meta (key, value) VALUES (?, ?)');
      insert.run('id', randomUUID());
      insert.run('created', created);
    });
    database.pragma('journal_mode = DELETE'); // everything in the one file that is copied into place
  } finally {
    database.close();
  }
}

/**
 * Opens a project; an older one is brought to this program's schema after a copy was taken.
 * @throws AppError `not-found`; `unsupported` (made by a newer program); `invalid-file` (damaged, or no project: its
 * details have `backups`, the number of copies to restore from); `permission`; `locked`.
 */
export async function openProject(folder: string, options: OpenOptions = {}): Promise<Project> {
  const path = join(resolve(folder), DATABASE_FILE);
  if (!existsSync(path)) {
    throw new AppError('not-found', `${folder}: there is no project here (no ${DATABASE_FILE}).`, {
      details: { path: folder },
    });
  }
  if (!statSync(path).isFile()) throw new AppError('invalid-file', `${path}: it is not a file.`, { details: { path } });
  const found = options.readOnly === true ? [] : ((await options.thread?.('prepare', resolve(folder))) ?? []);
  try {
    if (options.readOnly === true) return openToRead(folder, path, options);
    return openToWrite(folder, path, options, found);
  } catch (thrown) {
    throw withRecovery(translateSqliteError(thrown, path), folder);
  }
}

/** A damaged project's error says what there is to go back to. */
function withRecovery(thrown: unknown, folder: string): unknown {
  if (!(thrown instanceof AppError) || thrown.details['damaged'] !== true) return thrown;
  const backups = listBackups(folder);
  const [last] = backups;
  const offer = last === undefined ? 'There is no backup.' : `The last backup is of ${last.time} (${last.file}).`;
  return new AppError('invalid-file', `${thrown.message} ${offer}`, {
    cause: thrown,
    details: { ...thrown.details, backups: backups.length, ...(last === undefined ? {} : { lastBackup: last.file }) },
  });
}

function openToWrite(folder: string, path: string, options: OpenOptions, found: readonly string[]): Project {
  const { thread } = options;
  const now = () => (options.now?.() ?? new Date()).toISOString();
  let holders: () => readonly string[] = () => [];
  const database = new Database(path, {
    patience: options.patience,
    holders: () => holders(),
    durability: thread ? 'flush' : 'commit',
  });
  const notices = [...found];
  try {
    migrate(database, folder, now());
    const own = register(database, options.host ?? 'Errata', now());
    holders = () => otherHolders(database, own);
    try {
      if (options.backups !== false && !thread) backupIfDue(database, folder, now());
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.details['damaged'] === true) throw thrown;
      notices.push(`The daily backup could not be made: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    }
    const leave = () => database.write(() => database.query<[number]>('DELETE FROM holders WHERE id = ?').run(own));
    const flusher = thread && new WalFlusher(database, () => thread('checkpoint', resolve(folder)));
    return new Project(folder, database, now, { notices, leave, others: holders, flusher });
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

/** Directly where that works; else from a copy, since SQLite needs to write beside a database to read one in WAL mode. */
function openToRead(folder: string, path: string, options: OpenOptions): Project {
  const now = () => (options.now?.() ?? new Date()).toISOString();
  let database: Database | undefined;
  try {
    database = new Database(path, { readOnly: true, patience: options.patience });
    checkSchema(database);
    if (database.schema === headSchema()) return new Project(folder, database, now, {});
    database.close();
  } catch (thrown) {
    if (database?.isOpen === true) database.close();
    if (!(thrown instanceof AppError) || thrown.code !== 'permission') throw thrown;
  }
  const copies = mkdtempSync(join(tmpdir(), 'errata-read-'));
  const removeCopy = () => rmSync(copies, { recursive: true, force: true });
  try {
    const copy = join(copies, DATABASE_FILE);
    for (const end of ['', '-wal']) if (existsSync(`${path}${end}`)) copyFileSync(`${path}${end}`, `${copy}${end}`);
    const writable = new Database(copy, { shownPath: path });
    try {
      migrate(writable, null, now());
    } finally {
      writable.close();
    }
    return new Project(folder, new Database(copy, { readOnly: true, shownPath: path }), now, { leave: removeCopy });
  } catch (thrown) {
    removeCopy();
    throw thrown;
  }
}

interface ProjectParts {
  readonly notices?: readonly string[];
  readonly leave?: () => void;
  readonly others?: () => readonly string[];
  readonly flusher?: WalFlusher | undefined;
}

export class Project {
  readonly folder: string;
  readonly labels: LabelStore;
  readonly lists: FeatureLists;
  readonly features: FeatureStore;
  readonly versions: VersionStore;
  readonly behaviours: BehaviourStore;
  readonly evaluations: EvaluationStore;
  readonly intruders: IntruderStore;
  readonly catalog: Catalog;
  readonly jobs: JobStore;
  /** What went wrong on opening without stopping it. */
  readonly notices: readonly string[];
  readonly #database: Database;
  readonly #log: ChangeLog;
  readonly #now: () => string;
  readonly #parts: ProjectParts;

  /** Use `openProject` or `createProject`. */
  constructor(folder: string, database: Database, now: () => string, parts: ProjectParts) {
    this.folder = folder;
    this.notices = parts.notices ?? [];
    this.#database = database;
    this.#now = now;
    this.#parts = parts;
    this.#log = new ChangeLog(
      database,
      [
        labelEntity,
        commentEntity,
        featureListEntity,
        listMemberEntity,
        branchEntity,
        tagEntity,
        workingEntity,
        behaviourEntity,
      ].map((entity) => entity(database)),
      now,
    );
    this.labels = new LabelStore(database, this.#log, now);
    this.lists = new FeatureLists(database, this.#log);
    this.features = new FeatureStore(database, now);
    this.versions = versionStore(database, this.#log, this.labels, now);
    this.behaviours = new BehaviourStore(database, this.#log, now);
    this.evaluations = new EvaluationStore(database, now);
    this.intruders = new IntruderStore(database, now);
    this.catalog = new Catalog(database);
    this.jobs = new JobStore(database, now);
  }

  get isReadOnly(): boolean {
    return this.#database.readOnly;
  }

  /** Changes whenever another process has written: cheap to ask, so a host can refresh what it shows. */
  dataVersion(): number {
    return this.#database.dataVersion();
  }

  /**
   * Resolves when all that was written is on the disk: at once, unless it was opened with a `thread`.
   * @throws AppError `disk-full`, `permission`.
   */
  async flush(): Promise<void> {
    await this.#parts.flusher?.flush();
  }

  /**
   * Resolves when no other process is writing, so that a write of this one need not wait in this thread.
   * @throws AppError `locked` when that takes longer than `patience` milliseconds.
   */
  async writable(patience = 5000): Promise<void> {
    const end = performance.now() + patience;
    while (this.#database.isOpen && this.#database.isWriteLocked) {
      if (performance.now() > end) {
        const holders = this.otherHolders();
        throw new AppError(
          'locked',
          `${this.#database.path}: it is being written by ${holders.join(', ') || 'another process'}. Nothing was changed; try again.`,
          { details: { path: this.#database.path, holders } },
        );
      }
      await delay(LOOK_AGAIN_MS);
    }
  }

  /** Who else has the project open, in words. */
  otherHolders(): readonly string[] {
    return this.#parts.others?.() ?? [];
  }

  /** @throws AppError('empty') when `author` has nothing to undo. */
  undo(author: string): UndoReport {
    return this.#log.undo(author);
  }

  redo(author: string): UndoReport {
    return this.#log.redo(author);
  }

  /** What undo and redo of `author` would be about. */
  nextSteps(author: string): { readonly undo: Step | null; readonly redo: Step | null } {
    return this.#log.next(author);
  }

  /** What was done, newest first. */
  steps(limit?: number, before?: number): readonly Step[] {
    return this.#log.steps(limit, before);
  }

  /** Every change of one thing, newest first; kinds and keys as in `steps`' changes (`behaviour`, its name). */
  historyOf(kind: string, key: string): readonly LoggedChange[] {
    return this.#log.history(kind, key);
  }

  /** @throws AppError('usage') for a query that is too long. */
  search(query: string, options?: SearchOptions): readonly SearchHit[] {
    return searchLabels(this.#database, query, options);
  }

  /** Reads a file's rows; then `preview` and `apply` them, and `close`. */
  async importLabels(rows: AsyncIterable<LabelRow>, signal?: AbortSignal): Promise<LabelImport> {
    return await LabelImport.stage(rows, {
      database: this.#database,
      log: this.#log,
      labels: this.labels,
      now: this.#now,
      signal,
    });
  }

  /** A version with all that is behind it, the behaviours it names and the results of each. */
  versionFile(ref: string): VersionFile {
    const head = this.versions.resolve(ref);
    const graph = this.versions.graph();
    const versions = this.versions.log([head]).toReversed();
    const behind = ancestors(graph, head);
    const model = this.versions.get(head).model;
    const results = this.behaviours
      .results()
      .filter((result) => result.model === model && (result.version === null || behind.has(result.version)));
    const named = new Set([
      ...versions.flatMap((version) => version.behaviours),
      ...results.map((result) => result.behaviour),
    ]);
    return {
      format: VERSION_FILE_FORMAT,
      head,
      versions,
      behaviours: [...named].sort().map((id) => this.behaviours.get(id)),
      results: results.map(({ id: _, ...result }) => result),
    };
  }

  /**
   * Brings in a version file that was parsed, and points `branch` at its head. All or nothing.
   * @param vouched models and dictionaries that the caller knows to be here besides those listed.
   * @throws AppError `mismatch` for a model or dictionary that the project does not have, `exists` for the branch.
   */
  importVersionFile(
    file: VersionFile,
    write: Authorship & {
      readonly branch: string;
      readonly subject: string;
      readonly vouched?: Partial<KnownHashes> | undefined;
    },
  ): { readonly added: number; readonly known: number } {
    const known = this.knownHashes();
    checkKnown(
      file,
      {
        models: new Set([...known.models, ...(write.vouched?.models ?? [])]),
        dictionaries: new Set([...known.dictionaries, ...(write.vouched?.dictionaries ?? [])]),
      },
      write.subject,
    );
    return this.#log.step(
      { title: `Import version ${shortId(file.head)}`, author: write.author, reason: write.reason },
      () => {
        for (const behaviour of file.behaviours) {
          // One's own behaviour keeps its name; the imported one is then known by its id only.
          if (this.behaviours.find(behaviour.name) === null) this.behaviours.save(behaviour, write);
          else this.behaviours.insertContent(behaviour);
        }
        const added = file.versions.filter((version) => this.versions.insert(version)).length;
        for (const result of file.results) this.behaviours.addResult(result);
        this.versions.createBranch(write.branch, file.head, write);
        return { added, known: file.versions.length - added };
      },
    );
  }

  /** Models and dictionaries that are listed here, or that labels and versions made here are about. */
  knownHashes(): KnownHashes {
    const versions = this.versions.log();
    const working = this.versions.working();
    const labelled = this.#database.query<[], { dictionary: string }>('SELECT DISTINCT dictionary FROM features').all();
    const listed = (kind: 'model' | 'dictionary') => this.catalog.list(kind).map(({ id }) => id);
    return {
      models: new Set([
        ...listed('model'),
        ...versions.map(({ model }) => model),
        ...(working === null ? [] : [working.model]),
      ]),
      dictionaries: new Set([
        ...listed('dictionary'),
        ...labelled.map(({ dictionary }) => dictionary),
        ...versions.flatMap(dictionariesOf),
        ...(working === null ? [] : dictionariesOf(working)),
      ]),
    };
  }

  backup(): Backup {
    return takeBackup(this.#database, this.folder, 'asked', this.#now());
  }

  /** Everything that can be checked: the file's pages and indexes, the search index, the tables against the log. */
  check(): Health {
    const problems = [...integrityProblems(this.#database, 20)];
    if (!this.isReadOnly) {
      for (const index of ['label_words', 'label_substrings']) {
        try {
          this.#database.write(() =>
            this.#database.execute(`INSERT INTO ${index} (${index}, rank) VALUES ('integrity-check', 1)`),
          );
        } catch (thrown) {
          problems.push(
            `The search index ${index} does not match the labels (${thrown instanceof Error ? thrown.message : String(thrown)}).`,
          );
        }
      }
    }
    const foreign = this.#database.query<[], { table: string }>('PRAGMA foreign_key_check').all();
    for (const { table } of foreign.slice(0, 20)) problems.push(`A row of ${table} refers to one that is missing.`);
    problems.push(...this.#log.differences(20).map((thing) => `The log and the tables disagree about: ${thing}.`));
    return { problems, backups: listBackups(this.folder) };
  }

  /** Makes tables and search indexes anew from the log. */
  rebuild(): void {
    this.#database.write(() => {
      this.#log.rebuild();
      for (const index of ['label_words', 'label_substrings']) {
        this.#database.execute(`INSERT INTO ${index} (${index}) VALUES ('rebuild')`);
      }
    });
  }

  /** As `close`, after what waits for the disk in the background. */
  async end(): Promise<void> {
    await this.#parts.flusher?.end();
    this.close();
  }

  /** Safe to call twice. Not while a `flush` is under way: then `end`. */
  close(): void {
    if (!this.#database.isOpen) return;
    try {
      if (!this.isReadOnly) this.#parts.leave?.();
    } catch {
      // Another process holds the lock, or the disk is full: the row is swept when the project is next opened.
    }
    this.#database.close();
    if (this.isReadOnly) this.#parts.leave?.();
  }
}

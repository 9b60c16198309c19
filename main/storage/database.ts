// One connection to a project's SQLite file. Every statement goes through it, so that every error is translated once and
// every write runs in one immediate transaction: it is there whole and on the disk when the call returns, or not at all.
// Two processes may have one file open; WAL lets both read, writes take turns, and `revision` columns catch stale ones.
import Sqlite from 'better-sqlite3';
import { AppError } from '../contract/base/errors.ts';
import { PlaceGuard } from './placeGuard.ts';
import { translateSqliteError } from './sqliteError.ts';

/** 'Erra': tells a project from other SQLite files. */
export const APPLICATION_ID = 0x45727261;

type Value = string | number | bigint | null | Uint8Array;

export interface Query<Parameters extends readonly Value[], Row> {
  get(...parameters: Parameters): Row | undefined;
  all(...parameters: Parameters): Row[];
  /** @returns how many rows were changed. */
  run(...parameters: Parameters): number;
}

export interface DatabaseOptions {
  readonly readOnly?: boolean | undefined;
  /** The path that people know the file by, where it is a copy that is opened. */
  readonly shownPath?: string | undefined;
  /** How long a write waits for another process's, in milliseconds. */
  readonly patience?: number | undefined;
  /**
   * When a commit is on the disk: `commit` (by default), when the call returns; `flush`, when a WalFlusher says so, which
   * also moves the log into the database.
   */
  readonly durability?: 'commit' | 'flush' | undefined;
  /** Names those who have the project open, for the error of a write that waited in vain. */
  readonly holders?: (() => readonly string[]) | undefined;
}

export class Database {
  readonly path: string;
  readonly readOnly: boolean;
  readonly #sqlite: Sqlite.Database;
  readonly #place: PlaceGuard;
  readonly #isDurableAtCommit: boolean;
  readonly #statements = new Map<string, Sqlite.Statement<unknown[]>>();
  /** Called after each commit. */
  onCommit: () => void = () => undefined;
  #holders: () => readonly string[];
  #schema: number;
  #commits = 0;

  /** Opens an existing file. @throws AppError `invalid-file`, `permission`, `locked`. */
  constructor(path: string, options: DatabaseOptions = {}) {
    this.path = options.shownPath ?? path;
    this.readOnly = options.readOnly ?? false;
    this.#holders = () => [];
    this.#isDurableAtCommit = options.durability !== 'flush';
    this.#sqlite = this.#translated(
      () => new Sqlite(path, { fileMustExist: true, readonly: this.readOnly, timeout: options.patience ?? 5000 }),
    );
    this.#place = new PlaceGuard(path);
    try {
      if (!this.readOnly) {
        this.pragma('journal_mode = WAL');
        if (options.durability === 'flush') {
          this.pragma('synchronous = NORMAL');
          this.pragma('wal_autocheckpoint = 0');
          this.pragma('journal_size_limit = 0'); // so that the size of the log tells how much of it is used
        } else {
          this.pragma('synchronous = FULL'); // labels are small and precious: a power loss must not take an acknowledged one
        }
      }
      this.pragma('foreign_keys = ON');
      this.pragma('trusted_schema = OFF'); // a project may come from a stranger: its schema calls no functions with effects
      this.pragma('cell_size_check = ON');
      this.#schema = this.number('user_version');
      this.#place.look(); // now there is a log, too
    } catch (thrown) {
      this.#sqlite.close();
      throw thrown;
    }
    this.#holders = options.holders ?? this.#holders;
  }

  get isOpen(): boolean {
    return this.#sqlite.open;
  }

  /** How many transactions were committed through this connection. */
  get commits(): number {
    return this.#commits;
  }

  /** Whether another connection is writing right now: a write would wait for it. */
  get isWriteLocked(): boolean {
    if (this.readOnly || this.#sqlite.inTransaction) return false;
    const patience = this.number('busy_timeout');
    this.pragma('busy_timeout = 0');
    try {
      this.#sqlite.exec('BEGIN IMMEDIATE; ROLLBACK');
      return false;
    } catch (thrown) {
      return thrown instanceof Sqlite.SqliteError && thrown.code.startsWith('SQLITE_BUSY'); // the write tells the rest
    } finally {
      this.pragma(`busy_timeout = ${patience}`);
    }
  }

  /** False: the files were replaced, moved or deleted under this connection. */
  get isInPlace(): boolean {
    return this.#place.look() === null;
  }

  /** @throws AppError('conflict') when the files were replaced, moved or deleted under this connection. */
  checkPlace(consequence = 'What is shown here may be out of date.'): void {
    this.#place.check(consequence);
  }

  /** Changes whenever another connection commits: cheap to poll. */
  dataVersion(): number {
    return this.number('data_version');
  }

  close(): void {
    this.#statements.clear();
    this.#translated(() => this.#sqlite.close());
  }

  /** A prepared statement. `Row` is what it selects: the STRICT tables vouch for it, the compiler cannot. */
  query<Parameters extends readonly Value[], Row = never>(sql: string): Query<Parameters, Row> {
    const statement = this.#statements.get(sql) ?? this.#translated(() => this.#sqlite.prepare<unknown[]>(sql));
    this.#statements.set(sql, statement);
    return {
      get: (...parameters) => this.#translated(() => statement.get(...parameters)) as Row | undefined,
      all: (...parameters) => this.#translated(() => statement.all(...parameters)) as Row[],
      run: (...parameters) => this.#translated(() => statement.run(...parameters).changes),
    };
  }

  /** Runs several statements that return nothing. */
  execute(sql: string): void {
    this.#translated(() => this.#sqlite.exec(sql));
  }

  pragma(text: string): unknown {
    return this.#translated(() => this.#sqlite.pragma(text));
  }

  number(pragma: string): number {
    return Number(this.#translated(() => this.#sqlite.pragma(pragma, { simple: true })));
  }

  /**
   * Runs `work` in one transaction that holds the write lock from its start. When it returns, its writes are committed (and
   * on the disk, unless that is left to a WalFlusher); when it throws, none of them happened. A call inside `work` joins the transaction.
   * @throws AppError `locked` (after the patience ran out), `conflict` (the file was replaced), `disk-full`, `permission`, `invalid-file` (damaged).
   */
  write<T>(work: () => T): T {
    if (this.#sqlite.inTransaction) return work();
    if (this.readOnly) throw new AppError('permission', `${this.path}: the project is open read-only.`);
    this.execute('BEGIN IMMEDIATE');
    try {
      const schema = this.number('user_version');
      if (schema !== this.#schema) {
        throw new AppError(
          'unsupported',
          `${this.path}: a newer Errata has upgraded the project while it was open here. Nothing was changed; open it again with that version.`,
          { details: { path: this.path, schema, supported: this.#schema } },
        );
      }
      const result = work();
      this.checkPlace('Nothing was changed.');
      this.execute('COMMIT');
      this.#commits += 1;
      this.onCommit();
      // Between the two looks, it may have gone to files that are not the project's any more.
      if (this.#isDurableAtCommit) this.checkPlace('What was changed last is not in it.');
      return result;
    } catch (thrown) {
      // A full disk may have rolled back already. The first error is the one worth telling.
      if (this.#sqlite.inTransaction) this.#sqlite.exec('ROLLBACK');
      throw thrown;
    }
  }

  /** Runs writes to temporary tables in one go: no lock on the project is taken. */
  local<T>(work: () => T): T {
    if (this.#sqlite.inTransaction) return work();
    this.execute('BEGIN');
    try {
      const result = work();
      this.execute('COMMIT');
      return result;
    } catch (thrown) {
      if (this.#sqlite.inTransaction) this.#sqlite.exec('ROLLBACK');
      throw thrown;
    }
  }

  /** Called by the migration once the file has the new schema. */
  schemaChanged(): void {
    this.#statements.clear();
    this.#schema = this.number('user_version');
  }

  get schema(): number {
    return this.#schema;
  }

  #translated<T>(call: () => T): T {
    try {
      return call();
    } catch (thrown) {
      throw translateSqliteError(thrown, this.path, this.#holders);
    }
  }
}

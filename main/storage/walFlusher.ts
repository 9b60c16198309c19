// Makes commits durable without keeping the thread that made them: it commits without waiting for the disk, and asks here
// to be told when what it wrote is on it. The log of SQLite (the WAL) is synced by the system's own threads, once for all
// commits that wait; a power cut before that loses commits that nobody was told of, never the database. What lies in a log
// that has grown is moved into the database by a thread of its own.
import { close, fdatasync, fstat, openSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Database } from './database.ts';
import { toFileError } from '../core/files/fileError.ts';

const sync = promisify(fdatasync);
const status = promisify(fstat);

/** Commits that nobody waits for (a job's progress) are synced together. */
const LINGER_MS = 200;
/** SQLite's own measure: 1 000 pages. */
const LONG_LOG_BYTES = 4 << 20;
const LOST = 'What was changed last may not be in it.';
const CHECKPOINT_PAUSE_MS = 5000;

export class WalFlusher {
  readonly #database: Database;
  readonly #checkpoint: () => Promise<unknown>;
  #file: number | null = null;
  #flushed = 0;
  #flushing: Promise<void> | null = null;
  #linger: NodeJS.Timeout | null = null;
  #checkpointing: Promise<unknown> | null = null;
  #checkpointAfter = 0;
  #isClosed = false;

  /**
   * @param database opened with the durability `flush`.
   * @param checkpoint moves the log into the database, elsewhere.
   */
  constructor(database: Database, checkpoint: () => Promise<unknown>) {
    this.#database = database;
    this.#checkpoint = checkpoint;
    database.onCommit = () => {
      this.#linger ??= setTimeout(() => {
        this.#linger = null;
        this.flush().catch(() => undefined); // it stays unflushed: who asks next is told
      }, LINGER_MS).unref();
    };
  }

  /** Whether everything that was committed is on the disk. */
  get isFlushed(): boolean {
    return this.#flushed >= this.#database.commits;
  }

  /** Resolves when everything committed before the call is on the disk. @throws AppError `disk-full`, `permission`, `conflict`. */
  async flush(): Promise<void> {
    const target = this.#database.commits;
    while (this.#flushed < target && !this.#isClosed) {
      this.#flushing ??= this.#sync().finally(() => (this.#flushing = null));
      await this.#flushing;
    }
  }

  /** Before the database is closed, which syncs what is left. */
  async end(): Promise<void> {
    this.#isClosed = true;
    if (this.#linger) clearTimeout(this.#linger);
    await Promise.allSettled([this.#flushing, this.#checkpointing]);
    // The log has no locks on it; closing the database file itself would give up SQLite's.
    if (this.#file !== null) close(this.#file);
    this.#file = null;
  }

  async #sync(): Promise<void> {
    const path = `${this.#database.path}-wal`;
    const upTo = this.#database.commits;
    try {
      this.#file ??= openSync(path, 'r+');
      await sync(this.#file);
      this.#database.checkPlace(LOST);
      this.#flushed = upTo;
      const { size } = await status(this.#file);
      if (size > LONG_LOG_BYTES) this.#shorten();
    } catch (thrown) {
      this.#database.checkPlace(LOST); // a log that is gone: that says more than the file's error
      throw toFileError(thrown, path);
    }
  }

  #shorten(): void {
    if (this.#checkpointing || performance.now() < this.#checkpointAfter) return;
    this.#checkpointAfter = performance.now() + CHECKPOINT_PAUSE_MS;
    this.#checkpointing = this.#checkpoint()
      .catch(() => undefined) // a log that stays long is slower, and nothing else; it is tried again
      .finally(() => (this.#checkpointing = null));
  }
}

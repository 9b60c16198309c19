// Jobs as rows: a serialisable description, a state, the last progress. What runs them is elsewhere; this keeps them over
// a restart and makes sure that two hosts never run one job.
// Invariant: a job that is running or paused names the process that has it; where that is gone, the job is interrupted.
import { randomUUID } from 'node:crypto';
import { AppError, type SerializedError } from '../../contract/base/errors.ts';
import { JOB_STATES, type JobState } from '../../contract/domain/job.ts';
import type { Database } from '../database.ts';

/** Where a job may go from each state; what is not here is refused. */
const NEXT: Readonly<Record<JobState, readonly JobState[]>> = {
  queued: ['running', 'cancelled'],
  running: ['paused', 'succeeded', 'failed', 'cancelled', 'interrupted'],
  paused: ['running', 'cancelled', 'interrupted'],
  interrupted: ['queued', 'running', 'cancelled'],
  succeeded: [],
  failed: ['queued'],
  cancelled: ['queued'],
};

/** In which a job has an owner. */
const HELD: readonly JobState[] = ['running', 'paused'];

export interface JobRecord {
  readonly id: string;
  readonly kind: string;
  readonly description: unknown;
  readonly state: JobState;
  readonly progress: unknown;
  readonly error: SerializedError | null;
  readonly created: string;
  readonly updated: string;
}

interface JobRow extends Omit<JobRecord, 'description' | 'progress' | 'error'> {
  readonly description: string;
  readonly progress: string | null;
  readonly error: string | null;
}

const COLUMNS = 'id, kind, description, state, progress, error, created, updated';

/** The processes that have the project open: this one, and how others are found. */
export interface Owners {
  readonly id: string;
  /** In words; null when it is gone. */
  find(id: string): string | null;
}

export class JobStore {
  readonly #database: Database;
  readonly #now: () => string;
  readonly #owners: Owners | undefined;

  /** @param owners none where the project is only looked at. */
  constructor(database: Database, now: () => string, owners?: Owners) {
    this.#database = database;
    this.#now = now;
    this.#owners = owners;
  }

  add(kind: string, description: unknown): JobRecord {
    const time = this.#now();
    const id = randomUUID();
    this.#database.write(() =>
      this.#database
        .query<string[]>(
          `INSERT INTO jobs (id, kind, description, state, created, updated) VALUES (?, ?, ?, 'queued', ?, ?)`,
        )
        .run(id, kind, JSON.stringify(description), time, time),
    );
    return this.get(id);
  }

  /** @throws AppError('not-found'). */
  get(id: string): JobRecord {
    const row = this.#database.query<[string], JobRow>(`SELECT ${COLUMNS} FROM jobs WHERE id = ?`).get(id);
    if (row === undefined) throw new AppError('not-found', `There is no job ${id.slice(0, 100)}.`);
    return recordOf(row);
  }

  /** Oldest first. */
  list(states: readonly JobState[] = JOB_STATES): readonly JobRecord[] {
    return this.#database
      .query<string[], JobRow>(
        `SELECT ${COLUMNS} FROM jobs WHERE state IN (${states.map(() => '?').join(', ')}) ORDER BY created, id`,
      )
      .all(...states)
      .map(recordOf);
  }

  /** Moves a job on. @throws AppError `locked` when another process runs it; `conflict` when it is in a state (another host may have moved it) from which that is impossible. */
  move(id: string, to: JobState, error: SerializedError | null = null): JobRecord {
    return this.#database.write(() => {
      const { state } = this.get(id);
      const holder = state === 'running' ? this.holderOf(id) : null;
      if (holder !== null)
        throw new AppError('locked', `The job is running in ${holder}.`, { details: { id, state, to, holder } });
      if (!NEXT[state].includes(to))
        throw new AppError('conflict', `The job is ${state}: it cannot become ${to}.`, { details: { id, state, to } });
      const owner = HELD.includes(to) ? (this.#owners?.id ?? null) : null;
      this.#database
        .query<[string, string | null, string, string | null, string]>(
          'UPDATE jobs SET state = ?, error = ?, updated = ?, owner = ? WHERE id = ?',
        )
        .run(to, error === null ? null : JSON.stringify(error), this.#now(), owner, id);
      return this.get(id);
    });
  }

  /** The other process that runs the job or has paused it, in words; null when there is none. */
  holderOf(id: string): string | null {
    const owner = this.#database
      .query<[string], { owner: string | null }>('SELECT owner FROM jobs WHERE id = ?')
      .get(id)?.owner;
    return owner == null || owner === this.#owners?.id ? null : (this.#owners?.find(owner) ?? null);
  }

  /** Marks what a process that is gone left running or paused as interrupted, whoever else has the project open. */
  interruptOrphans(): readonly JobRecord[] {
    const orphans = () =>
      this.#database
        .query<[string], { id: string }>(
          `SELECT id FROM jobs WHERE state IN (${HELD.map((state) => `'${state}'`).join(', ')}) AND owner IS NOT ?`,
        )
        .all(this.#owners?.id ?? '')
        .filter(({ id }) => this.holderOf(id) === null);
    if (orphans().length === 0) return []; // as a rule: and then no other process need be waited for
    return this.#database.write(() => orphans().map(({ id }) => this.move(id, 'interrupted')));
  }

  setProgress(id: string, progress: unknown): void {
    this.#database.write(() =>
      this.#database
        .query<[string, string, string]>('UPDATE jobs SET progress = ?, updated = ? WHERE id = ?')
        .run(JSON.stringify(progress), this.#now(), id),
    );
  }
}

function recordOf({ description, progress, error, ...row }: JobRow): JobRecord {
  return {
    ...row,
    description: JSON.parse(description) as unknown,
    progress: progress === null ? null : (JSON.parse(progress) as unknown),
    error: error === null ? null : (JSON.parse(error) as SerializedError), // written by `move`
  };
}

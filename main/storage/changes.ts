// The log of everything people change, and undo over it. A step is what one action of one person did: a list of changes,
// each the state of one entity before and after. Steps are only ever added: undoing a step is a further step that changes
// things back. Undo never overwrites: what somebody has changed again since is left as it is and reported.
// Invariant: the tables are what replaying the log gives.
import { AppError } from '../contract/base/errors.ts';
import { canonicalJson } from '../core/edits/canonical.ts';
import type { Database } from './database.ts';

/** Plain JSON. */
export type State = object;

/** A table of things that people change, by key. Its states are plain JSON; null is absence. */
export interface Entity {
  readonly kind: string;
  read(key: string): State | null;
  /** @param revision id of the change, unique for ever. */
  write(key: string, state: State | null, revision: number): void;
  keys(): readonly string[];
}

/** Sets one entity's state within a step, and returns the change's id: the new revision. Null: it was in that state already. */
export type Change = (kind: string, key: string, after: State | null) => number | null;

export interface StepInfo {
  /** What the undo menu calls it: `Label feature 12`. */
  readonly title: string;
  readonly author: string;
  readonly reason?: string | undefined;
}

export interface Step {
  readonly id: number;
  readonly kind: 'do' | 'undo' | 'redo';
  /** The step that an undo or redo is about. */
  readonly target: number | null;
  /** `dropped`: undone, and out of reach since its author did something else instead. */
  readonly status: 'done' | 'undone' | 'dropped';
  readonly title: string;
  readonly author: string;
  readonly time: string;
  readonly reason: string;
}

export interface LoggedChange {
  readonly id: number;
  readonly step: Step;
  readonly before: State | null;
  readonly after: State | null;
}

export interface UndoReport {
  readonly step: Step;
  readonly changed: number;
  /** Left as they are: changed since, by a later step. */
  readonly skipped: readonly { readonly kind: string; readonly key: string }[];
}

interface ChangeRow {
  readonly id: number;
  readonly kind: string;
  readonly key: string;
  readonly before: string | null;
  readonly after: string | null;
}

const PAGE = 1000;
const STEP_COLUMNS = 'id, kind, target, status, title, author, time, reason';

export class ChangeLog {
  readonly #database: Database;
  readonly #entities: ReadonlyMap<string, Entity>;
  readonly #now: () => string;
  /** Of the step under way. Steps are synchronous, so there is at most one. */
  #open: Change | null = null;

  constructor(database: Database, entities: readonly Entity[], now: () => string) {
    this.#database = database;
    this.#entities = new Map(entities.map((entity) => [entity.kind, entity]));
    this.#now = now;
  }

  /**
   * Runs `work` as one undoable step, in one transaction. A step that changes nothing leaves no trace. A step begun within
   * another is part of it.
   */
  step<T>(info: StepInfo, work: (change: Change) => T): T {
    if (this.#open !== null) return work(this.#open);
    return this.#database.write(() => {
      let step: number | undefined;
      this.#open = (kind, key, after) => {
        const entity = this.#entity(kind);
        const before = textOf(entity.read(key));
        const now = textOf(after);
        if (before === now) return null;
        step ??= this.#begin(info);
        return this.#change(entity, step, key, before, now);
      };
      try {
        return work(this.#open);
      } finally {
        this.#open = null;
      }
    });
  }

  /** Takes back the last step of `author` that is not undone. @throws AppError('empty') when there is none. */
  undo(author: string): UndoReport {
    return this.#database.write(() => {
      const step = this.next(author).undo;
      if (step === null) throw new AppError('empty', 'There is nothing to undo.');
      return this.#reapply(step, 'undo', author);
    });
  }

  /** Does again what `author` undid last. @throws AppError('empty') when nothing was undone since the last change. */
  redo(author: string): UndoReport {
    return this.#database.write(() => {
      const step = this.next(author).redo;
      if (step === null) throw new AppError('empty', 'There is nothing to redo.');
      return this.#reapply(step, 'redo', author);
    });
  }

  /** What `undo` and `redo` of `author` would be about; null where they would throw `empty`. */
  next(author: string): { readonly undo: Step | null; readonly redo: Step | null } {
    const find = (status: Step['status'], order: 'DESC' | 'ASC') =>
      this.#database
        .query<[string], Step>(
          `SELECT ${STEP_COLUMNS} FROM steps WHERE kind = 'do' AND status = '${status}' AND author = ? ORDER BY id ${order} LIMIT 1`,
        )
        .get(author) ?? null;
    return { undo: find('done', 'DESC'), redo: find('undone', 'ASC') };
  }

  /** Newest first. @param before only steps with a smaller id, to read on. */
  steps(limit = 100, before = Number.MAX_SAFE_INTEGER): readonly Step[] {
    return this.#database
      .query<[number, number], Step>(`SELECT ${STEP_COLUMNS} FROM steps WHERE id < ? ORDER BY id DESC LIMIT ?`)
      .all(before, limit);
  }

  /** Every change of one entity, newest first. */
  history(kind: string, key: string, limit = 1000): readonly LoggedChange[] {
    const rows = this.#database
      .query<[string, string, number], Step & ChangeRow & { changeId: number; stepKind: Step['kind'] }>(
        `SELECT c.id AS changeId, c.before, c.after, s.id, s.kind AS stepKind, s.target, s.status, s.title, s.author, s.time, s.reason
         FROM changes c JOIN steps s ON s.id = c.step_id WHERE c.kind = ? AND c.key = ? ORDER BY c.id DESC LIMIT ?`,
      )
      .all(kind, key, limit);
    return rows.map(({ changeId, before, after, id, stepKind, target, status, title, author, time, reason }) => ({
      id: changeId,
      step: { id, kind: stepKind, target, status, title, author, time, reason },
      before: stateOf(before),
      after: stateOf(after),
    }));
  }

  /**
   * Where the tables are not what the log says: `kind key` each, at most `limit`. Empty is sound.
   * (A check for `errata project check`; writes go through `step`, which keeps both together.)
   */
  differences(limit = 100): readonly string[] {
    const found: string[] = [];
    for (const entity of this.#entities.values()) {
      const rows = this.#database
        .query<[string], { key: string; after: string | null }>(
          'SELECT key, after FROM changes WHERE id IN (SELECT max(id) FROM changes WHERE kind = ? GROUP BY key)',
        )
        .all(entity.kind);
      const logged = new Map(rows.map(({ key, after }) => [key, after]));
      for (const key of new Set([...logged.keys(), ...entity.keys()])) {
        if (textOf(entity.read(key)) !== (logged.get(key) ?? null)) found.push(`${entity.kind} ${key}`);
        if (found.length >= limit) return found;
      }
    }
    return found;
  }

  /** Empties the tables and replays the log into them: repairs tables that a damaged disk has changed. */
  rebuild(): void {
    this.#database.write(() => {
      for (const entity of this.#entities.values()) for (const key of entity.keys()) entity.write(key, null, 0);
      this.#eachChange('1 = 1', [], 'ASC', (row) => {
        this.#entity(row.kind).write(row.key, stateOf(row.after), row.id);
      });
    });
  }

  #entity(kind: string): Entity {
    const entity = this.#entities.get(kind);
    if (entity === undefined) throw new AppError('internal', `Nothing is known of changes of the kind ${kind}.`);
    return entity;
  }

  /** What an author undid and then did not do again is out of reach once they do something else. */
  #begin(info: StepInfo): number {
    this.#database
      .query<[string]>(`UPDATE steps SET status = 'dropped' WHERE kind = 'do' AND status = 'undone' AND author = ?`)
      .run(info.author);
    return this.#insertStep('do', null, info.title, info.author, info.reason ?? '');
  }

  #insertStep(kind: Step['kind'], target: number | null, title: string, author: string, reason: string): number {
    const row = this.#database
      .query<[string, number | null, string, string, string, string], { id: number }>(
        `INSERT INTO steps (kind, target, status, title, author, time, reason) VALUES (?, ?, 'done', ?, ?, ?, ?) RETURNING id`,
      )
      .get(kind, target, title, author, this.#now(), reason);
    if (row === undefined) throw new AppError('internal', 'The step was not stored.');
    return row.id;
  }

  #change(entity: Entity, step: number, key: string, before: string | null, after: string | null): number {
    const row = this.#database
      .query<[number, string, string, string | null, string | null], { id: number }>(
        'INSERT INTO changes (step_id, kind, key, before, after) VALUES (?, ?, ?, ?, ?) RETURNING id',
      )
      .get(step, entity.kind, key, before, after);
    if (row === undefined) throw new AppError('internal', 'The change was not stored.');
    entity.write(key, stateOf(after), row.id);
    return row.id;
  }

  #reapply(step: Step, kind: 'undo' | 'redo', author: string): UndoReport {
    const backwards = kind === 'undo';
    const id = this.#insertStep(kind, step.id, step.title, author, '');
    const lastDone = this.#database.query<[string, string], { step: number | null }>(
      // CROSS JOIN: from the key's few changes to their steps, never from a step through its many changes.
      `SELECT max(s.id) AS step FROM changes c CROSS JOIN steps s ON s.id = c.step_id
       WHERE c.kind = ? AND c.key = ? AND s.kind = 'do' AND s.status = 'done'`,
    );
    const skipped: { kind: string; key: string }[] = [];
    let changed = 0;
    // Backwards through an undo, so that what a step built up is taken down in reverse.
    this.#eachChange(
      'step_id = ?',
      [step.id],
      backwards ? 'DESC' : 'ASC',
      ({ kind: entityKind, key, before, after }) => {
        const entity = this.#entity(entityKind);
        const current = textOf(entity.read(key));
        // The same state is not enough: somebody may have brought it back, and means it.
        const last = lastDone.get(entityKind, key)?.step ?? 0;
        if (current === (backwards ? after : before) && (backwards ? last === step.id : last < step.id)) {
          this.#change(entity, id, key, current, backwards ? before : after);
          changed++;
        } else skipped.push({ kind: entityKind, key });
      },
    );
    this.#database
      .query<[string, number]>('UPDATE steps SET status = ? WHERE id = ?')
      .run(backwards ? 'undone' : 'done', step.id);
    return { step, changed, skipped };
  }

  #eachChange(
    where: string,
    parameters: readonly number[],
    order: 'ASC' | 'DESC',
    visit: (row: ChangeRow) => void,
  ): void {
    const after = order === 'ASC' ? 'id > ?' : 'id < ?';
    const page = this.#database.query<number[], ChangeRow>(
      `SELECT id, kind, key, before, after FROM changes WHERE ${where} AND ${after} ORDER BY id ${order} LIMIT ${PAGE}`,
    );
    let last = order === 'ASC' ? 0 : Number.MAX_SAFE_INTEGER;
    for (;;) {
      const rows = page.all(...parameters, last);
      for (const row of rows) visit(row);
      const end = rows.at(-1);
      if (end === undefined || rows.length < PAGE) return;
      last = end.id;
    }
  }
}

function textOf(state: State | null): string | null {
  return state === null ? null : canonicalJson(state);
}

/** What the log holds was made by `canonicalJson` from a state. */
function stateOf(text: string | null): State | null {
  return text === null ? null : (JSON.parse(text) as State);
}

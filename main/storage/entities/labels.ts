// Labels and comments: current state in tables, history in the log. Every write is a step that can be undone, and says
// which revision it saw where the caller cares: a label that somebody else has changed since is never overwritten unseen.
import { randomUUID } from 'node:crypto';
import { AppError } from '../../contract/base/errors.ts';
import { validate } from '../../contract/base/validate.ts';
import {
  commentSchema,
  featureKeySchema,
  UNLABELLED,
  type Comment,
  type FeatureKey,
  type Label,
  type LabelPatch,
  type LabelRecord,
  type LabelState,
} from '../../contract/domain/label.ts';
import type { Agreement } from '../../contract/domain/labelAgreement.ts';
import { applyPatch, parseLabelPatch, saysNothing, sameContent } from '../../core/labels/labels.ts';
import { measureAgreement } from '../../core/labels/labelsMerge.ts';
import { checkAuthor, signed, type Authorship } from '../authorship.ts';
import type { Change, ChangeLog, Entity, State, Step } from '../changes.ts';
import type { Database } from '../database.ts';
import { featureIdOf, findFeatureId } from './featureIds.ts';

export interface StoredLabel extends Label, FeatureKey {
  /** Names this state of the label for ever; 0 for a feature without a label. */
  readonly revision: number;
}

export interface StoredComment extends Comment {
  readonly id: string;
}

export interface WriteLabel extends Authorship {
  /** The revision that the writer has seen: if it is no longer that, the write is refused with `conflict`. */
  readonly expectedRevision?: number | undefined;
}

/** To and from the tags that a label has. */
export interface TagChange {
  readonly addTags?: readonly string[] | undefined;
  readonly removeTags?: readonly string[] | undefined;
}

export interface LabelHistoryEntry {
  /** Name of this entry, for `restore`. */
  readonly change: number;
  readonly step: Step;
  readonly before: Label | null;
  readonly after: Label | null;
}

/** How often a tag is used. */
export interface TagCount {
  readonly tag: string;
  readonly count: number;
}

export interface LabelFilter {
  readonly dictionary?: string | undefined;
  readonly states?: readonly LabelState[] | undefined;
  readonly tag?: string | undefined;
  readonly list?: string | undefined;
}

interface LabelRow extends Omit<Label, 'tags'> {
  readonly tags: string;
}

const LABEL_COLUMNS = 'l.state, l.text, l.notes, l.tags, l.confidence, l.author, l.time';
const MAX_BULK = 1_000_000;

/** @throws AppError('invalid-file') for what a STRICT column cannot hold: the page it lies in is damaged. */
function tagsOf(joined: unknown): readonly string[] {
  if (typeof joined !== 'string') {
    throw new AppError('invalid-file', 'The database is damaged: a label’s tags are no text.', {
      details: { damaged: true },
    });
  }
  return joined === '' ? [] : joined.split('\n');
}

/** Keys are ids of `features`. */
export function labelEntity(database: Database): Entity {
  return {
    kind: 'label',
    read(key) {
      const row = database
        .query<[string], LabelRow>(`SELECT ${LABEL_COLUMNS} FROM labels l WHERE l.feature_id = CAST(? AS INTEGER)`)
        .get(key);
      return row === undefined ? null : { ...row, tags: tagsOf(row.tags) };
    },
    write(key, state, revision) {
      const id = Number(key);
      if (state === null) {
        database.query<[number]>('DELETE FROM labels WHERE feature_id = ?').run(id);
        return;
      }
      const label = asLabel(state);
      const values = [
        label.state,
        label.text,
        label.notes,
        label.tags.join('\n'),
        label.confidence,
        label.author,
        label.time,
        revision,
        id,
      ] as const;
      const updated = database
        .query<typeof values>(
          'UPDATE labels SET state = ?, text = ?, notes = ?, tags = ?, confidence = ?, author = ?, time = ?, revision = ? WHERE feature_id = ?',
        )
        .run(...values);
      if (updated > 0) return;
      database
        .query<typeof values>(
          'INSERT INTO labels (state, text, notes, tags, confidence, author, time, revision, feature_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
        )
        .run(...values);
    },
    keys: () =>
      database
        .query<[], { key: string }>('SELECT CAST(feature_id AS TEXT) AS key FROM labels')
        .all()
        .map(({ key }) => key),
  };
}

export function commentEntity(database: Database): Entity {
  return {
    kind: 'comment',
    read: (key) =>
      database
        .query<[string], { feature: number } & Comment>(
          'SELECT feature_id AS feature, body, author, time FROM comments WHERE id = ?',
        )
        .get(key) ?? null,
    write(key, state, revision) {
      if (state === null) {
        database.query<[string]>('DELETE FROM comments WHERE id = ?').run(key);
        return;
      }
      const { feature, body, author, time } = state as { feature: number } & Comment; // what `read` gave the log
      const updated = database
        .query<[string, string, string, number, string]>(
          'UPDATE comments SET body = ?, author = ?, time = ?, revision = ? WHERE id = ?',
        )
        .run(body, author, time, revision, key);
      if (updated > 0) return;
      database
        .query<[string, string, string, number, string, number]>(
          'INSERT INTO comments (body, author, time, revision, id, feature_id) VALUES (?, ?, ?, ?, ?, ?)',
        )
        .run(body, author, time, revision, key, feature);
    },
    keys: () =>
      database
        .query<[], { key: string }>('SELECT id AS key FROM comments')
        .all()
        .map(({ key }) => key),
  };
}

export class LabelStore {
  readonly #database: Database;
  readonly #log: ChangeLog;
  readonly #now: () => string;

  constructor(database: Database, log: ChangeLog, now: () => string) {
    this.#database = database;
    this.#log = log;
    this.#now = now;
  }

  /** Null: the feature has no label. */
  get(key: FeatureKey): StoredLabel | null {
    const row = this.#database
      .query<[string, number], LabelRow & { revision: number }>(
        `SELECT ${LABEL_COLUMNS}, l.revision FROM labels l JOIN features f ON f.id = l.feature_id WHERE f.dictionary = ? AND f.feature = ?`,
      )
      .get(key.dictionary, key.feature);
    return row === undefined ? null : { ...key, ...row, tags: tagsOf(row.tags) };
  }

  /**
   * Changes the given fields of one label.
   * @throws AppError `usage` for a bad field, `conflict` when the label is no longer at `expectedRevision`.
   */
  set(key: FeatureKey, patch: LabelPatch, write: WriteLabel): StoredLabel | null {
    return this.setMany([key], patch, write)[0] ?? null;
  }

  /**
   * The same change for many features: one step, undone as one. @param tags to and from those that each has.
   * @returns the labels as they are now, in order.
   */
  setMany(
    keys: readonly FeatureKey[],
    patch: LabelPatch,
    write: WriteLabel,
    tags: TagChange = {},
  ): readonly (StoredLabel | null)[] {
    if (keys.length > MAX_BULK) throw new AppError('usage', `More than ${MAX_BULK} features at once.`);
    const checked = parseLabelPatch(patch);
    const [added, removed] = [tags.addTags ?? [], tags.removeTags ?? []];
    const features = keys.map((key) => validate(featureKeySchema, key, 'The feature'));
    const author = checkAuthor(write.author);
    const [only] = features;
    const title =
      features.length === 1 && only !== undefined
        ? `Label feature ${only.feature}`
        : `Label ${features.length} features`;
    return this.#log.step({ title, author, reason: write.reason }, (change) =>
      features.map((key) => {
        const current = this.get(key);
        this.#checkRevision(key, current, write.expectedRevision);
        const before = current ?? UNLABELLED;
        const kept = (checked.tags ?? before.tags).filter((tag) => !removed.includes(tag));
        // Checked again: together they may be too many.
        const changed = added.length + removed.length === 0 ? {} : parseLabelPatch({ tags: [...kept, ...added] });
        const after = applyPatch(before, { ...checked, ...changed }, `Feature ${key.feature}`);
        return this.put(change, key, current, { ...after, author, time: this.#now() });
      }),
    );
  }

  /** Takes the label away; its history stays. */
  remove(key: FeatureKey, write: WriteLabel): void {
    const author = checkAuthor(write.author);
    this.#log.step({ title: `Remove the label of feature ${key.feature}`, author, reason: write.reason }, (change) => {
      const current = this.get(key);
      this.#checkRevision(key, current, write.expectedRevision);
      this.put(change, key, current, null);
    });
  }

  /** Brings back the state after (or, with `side: 'before'`, before) an entry of the feature's history. */
  restore(
    key: FeatureKey,
    entry: number,
    write: WriteLabel & { readonly side?: 'before' | 'after' },
  ): StoredLabel | null {
    const found = this.history(key).find(({ change }) => change === entry);
    if (found === undefined) throw new AppError('not-found', `Feature ${key.feature} has no history entry ${entry}.`);
    const state = found[write.side ?? 'after'];
    const author = checkAuthor(write.author);
    const title = `Restore the label of feature ${key.feature}`;
    return this.#log.step({ title, author, reason: write.reason }, (change) => {
      const current = this.get(key);
      this.#checkRevision(key, current, write.expectedRevision);
      return this.put(change, key, current, state);
    });
  }

  /** Within a step: makes `after` the feature's label. A label that says nothing is no label. */
  put(change: Change, key: FeatureKey, current: StoredLabel | null, after: Label | null): StoredLabel | null {
    const label = after === null || saysNothing(after) ? null : after;
    if (label === null && current === null) return null;
    if (label !== null && current !== null && sameContent(label, current)) return current;
    const revision = change(
      'label',
      String(featureIdOf(this.#database, key)),
      label === null ? null : stateOfLabel(label),
    );
    return label === null ? null : { ...key, ...label, revision: revision ?? current?.revision ?? 0 };
  }

  /** Who changed what, when and why; newest first. */
  history(key: FeatureKey): readonly LabelHistoryEntry[] {
    const id = findFeatureId(this.#database, key);
    if (id === null) return [];
    return this.#log.history('label', String(id)).map(({ id: change, step, before, after }) => ({
      change,
      step,
      before: before === null ? null : asLabel(before),
      after: after === null ? null : asLabel(after),
    }));
  }

  /** Labels in order of dictionary and feature, a page at a time. @param after the last key of the page before. */
  list(filter: LabelFilter = {}, limit = 100, after: FeatureKey | null = null): readonly StoredLabel[] {
    const { where, parameters } = filterSql(filter);
    if (after !== null) {
      where.push('(f.dictionary, f.feature) > (?, ?)');
      parameters.push(after.dictionary, after.feature);
    }
    const rows = this.#database
      .query<(string | number)[], LabelRow & { revision: number } & FeatureKey>(
        `SELECT f.dictionary, f.feature, ${LABEL_COLUMNS}, l.revision FROM features f JOIN labels l ON l.feature_id = f.id
         WHERE ${['1 = 1', ...where].join(' AND ')} ORDER BY f.dictionary, f.feature LIMIT ?`,
      )
      .all(...parameters, limit);
    return rows.map((row) => ({ ...row, tags: tagsOf(row.tags) }));
  }

  /** How many features are in each state, of those with a label. */
  counts(dictionary?: string): Readonly<Record<LabelState, number>> {
    const { where, parameters } = filterSql({ dictionary });
    const from = where.length === 0 ? 'labels l' : 'labels l JOIN features f ON f.id = l.feature_id';
    const rows = this.#database
      .query<(string | number)[], { state: LabelState; count: number }>(
        `SELECT l.state, count(*) AS count FROM ${from} WHERE ${['1 = 1', ...where].join(' AND ')} GROUP BY l.state`,
      )
      .all(...parameters);
    const counts = { unlabelled: 0, draft: 0, labelled: 0, uninterpretable: 0 };
    for (const { state, count } of rows) counts[state] = count;
    return counts;
  }

  /** Every tag in use and how often, the most used first. */
  tags(dictionary?: string): readonly TagCount[] {
    const { where, parameters } = filterSql({ dictionary });
    const rows = this.#database
      .query<(string | number)[], { tags: string; count: number }>(
        `SELECT l.tags, count(*) AS count FROM labels l JOIN features f ON f.id = l.feature_id WHERE ${["l.tags <> ''", ...where].join(' AND ')} GROUP BY l.tags`,
      )
      .all(...parameters);
    return countTags(rows);
  }

  /** How the last labels of `author` agree with the last of others, over the features that both have labelled. */
  agreement(dictionary: string, author: string): Agreement {
    const rows = author === '' ? [] : this.#writtenByBoth(dictionary, author);
    const [ours, theirs] = [new Map<string, LabelRecord>(), new Map<string, LabelRecord>()];
    for (const { key, feature, after } of rows) {
      const label = asLabel(JSON.parse(after) as State); // what the log was given
      (label.author === author ? ours : theirs).set(key, { ...label, dictionary, feature, comments: [] });
    }
    // What was taken back may have left only one of them.
    for (const key of ours.keys()) if (!theirs.has(key)) ours.delete(key);
    for (const key of theirs.keys()) if (!ours.has(key)) theirs.delete(key);
    return measureAgreement(ours, theirs);
  }

  /** Everything written and not taken back, in its order, about features that `author` and somebody else have labelled. */
  #writtenByBoth(dictionary: string, author: string): readonly { key: string; feature: number; after: string }[] {
    const labelsBy = (name: string, index: string, who: string) =>
      `FROM changes ${name} INDEXED BY ${index} WHERE ${name}.kind = 'label' AND ${name}.after IS NOT NULL
       AND json_extract(${name}.after, '$.author') ${who} ?`;
    const written = (who: string) =>
      this.#database
        .query<[string], { count: number }>(`SELECT count(*) AS count ${labelsBy('c', 'changes_by_label_author', who)}`)
        .get(author)?.count ?? 0;
    const counted = { own: written('='), others: written('<') + written('>') };
    if (counted.own === 0 || counted.others === 0) return [];
    const [fewer, more] = counted.own <= counted.others ? ['=', '<>'] : ['<>', '='];
    return this.#database
      .query<[string, string, string], { key: string; feature: number; after: string }>(
        `WITH both (key) AS (
           SELECT DISTINCT a.key ${labelsBy('a', 'changes_by_label_author', fewer)}
           AND EXISTS (SELECT 1 ${labelsBy('b', 'changes_by_key', more)} AND b.key = a.key))
         SELECT c.key, f.feature, c.after FROM both JOIN features f ON f.id = CAST(both.key AS INTEGER)
           JOIN changes c ON c.key = both.key AND c.kind = 'label' JOIN steps s ON s.id = c.step_id AND s.status = 'done'
         WHERE f.dictionary = ? AND c.after IS NOT NULL AND json_extract(c.after, '$.author') IS NOT NULL ORDER BY c.id`,
      )
      .all(author, author, dictionary);
  }

  addComment(key: FeatureKey, body: string, write: Authorship): StoredComment {
    const feature = validate(featureKeySchema, key, 'The feature');
    const comment = validate(commentSchema, { body, author: write.author, time: this.#now() }, 'The comment');
    const id = randomUUID();
    const title = `Comment on feature ${feature.feature}`;
    this.#log.step({ title, author: comment.author, reason: write.reason }, (change) => {
      change('comment', id, { feature: featureIdOf(this.#database, feature), ...comment });
    });
    return { id, ...comment };
  }

  removeComment(id: string, write: Authorship): void {
    this.#log.step({ title: 'Remove a comment', ...signed(write) }, (change) => {
      if (change('comment', id, null) === null) throw new AppError('not-found', 'There is no such comment.');
    });
  }

  /** Oldest first. */
  comments(key: FeatureKey): readonly StoredComment[] {
    return this.#database
      .query<[string, number], StoredComment>(
        'SELECT c.id, c.body, c.author, c.time FROM comments c JOIN features f ON f.id = c.feature_id WHERE f.dictionary = ? AND f.feature = ? ORDER BY c.time, c.id',
      )
      .all(key.dictionary, key.feature);
  }

  /** Everything said about features, in their order, for export. Each page is read by itself: writes may come between. */
  *records(filter: LabelFilter = {}): Generator<LabelRecord> {
    const { where, parameters } = filterSql(filter);
    const page = this.#database.query<(string | number)[], LabelRow & FeatureKey & { comments: string | null }>(
      `SELECT f.dictionary, f.feature, coalesce(l.state, 'unlabelled') AS state, coalesce(l.text, '') AS text,
         coalesce(l.notes, '') AS notes, coalesce(l.tags, '') AS tags, l.confidence, coalesce(l.author, '') AS author,
         coalesce(l.time, '') AS time,
         (SELECT json_group_array(json_object('body', body, 'author', author, 'time', time)) FROM (SELECT body, author, time FROM comments WHERE feature_id = f.id ORDER BY time, id)) AS comments
       FROM features f LEFT JOIN labels l ON l.feature_id = f.id
       WHERE ${['(l.feature_id IS NOT NULL OR EXISTS (SELECT 1 FROM comments WHERE feature_id = f.id))', ...where].join(' AND ')}
         AND (f.dictionary, f.feature) > (?, ?) ORDER BY f.dictionary, f.feature LIMIT 500`,
    );
    let last: FeatureKey = { dictionary: '', feature: -1 };
    for (;;) {
      const rows = page.all(...parameters, last.dictionary, last.feature);
      for (const { comments, tags, ...row } of rows) {
        const said = JSON.parse(comments ?? '[]') as Comment[]; // made by the query above
        const [first] = said;
        // A feature with comments only: its record still names an author and a time, the first comment's.
        yield {
          ...row,
          author: row.author || (first?.author ?? ''),
          time: row.time || (first?.time ?? ''),
          tags: tagsOf(tags),
          comments: said,
        };
      }
      const end = rows.at(-1);
      if (end === undefined || rows.length < 500) return;
      last = end;
    }
  }

  #checkRevision(key: FeatureKey, current: StoredLabel | null, expected: number | undefined): void {
    const revision = current?.revision ?? 0;
    if (expected === undefined || expected === revision) return;
    const by = current === null ? 'it has been removed' : `${current.author} changed it at ${current.time}`;
    throw new AppError(
      'conflict',
      `The label of feature ${key.feature} is not the one that was edited: ${by}. Nothing was changed.`,
      {
        details: { dictionary: key.dictionary, feature: key.feature, expected, revision },
      },
    );
  }
}

/** @param rows tags as they are stored together, and how often. @returns the most used first. */
export function countTags(rows: readonly { readonly tags: string; readonly count: number }[]): readonly TagCount[] {
  const counts = new Map<string, number>();
  for (const { tags, count } of rows) for (const tag of tagsOf(tags)) counts.set(tag, (counts.get(tag) ?? 0) + count);
  return [...counts]
    .map(([tag, count]) => ({ tag, count }))
    .sort((a, b) => b.count - a.count || (a.tag < b.tag ? -1 : 1));
}

function filterSql({ dictionary, states, tag, list }: LabelFilter): {
  where: string[];
  parameters: (string | number)[];
} {
  const where: string[] = [];
  const parameters: (string | number)[] = [];
  if (dictionary !== undefined) {
    where.push('f.dictionary = ?');
    parameters.push(dictionary);
  }
  if (states !== undefined) {
    where.push(`coalesce(l.state, 'unlabelled') IN (${states.map(() => '?').join(', ')})`);
    parameters.push(...states);
  }
  if (tag !== undefined) {
    where.push('instr(char(10) || l.tags || char(10), char(10) || ? || char(10)) > 0');
    parameters.push(tag);
  }
  if (list !== undefined) {
    where.push('f.id IN (SELECT feature_id FROM feature_list_members WHERE list = ?)');
    parameters.push(list);
  }
  return { where, parameters };
}

function stateOfLabel({ state, text, notes, tags, confidence, author, time }: Label): Label {
  return { state, text, notes, tags, confidence, author, time };
}

/** The log holds labels as `stateOfLabel` makes them. */
function asLabel(state: State): Label {
  return state as Label;
}

// Saves what can still be read of a damaged database, as files that can be imported. The database is only read.
import Sqlite from 'better-sqlite3';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AppError } from '../../contract/base/errors.ts';
import { contentId } from '../../core/edits/canonical.ts';
import { editId } from '../../core/edits/edit.ts';
import { parseVersion, shortId, type Version, type VersionContent } from '../../core/edits/version.ts';
import { ancestors, type VersionGraph } from '../../core/edits/versionHistory.ts';
import type { Behaviour } from '../../contract/domain/behaviour.ts';
import { behaviourId, parseBehaviour } from '../../core/behaviours/behaviour.ts';
import type { Comment, FeatureKey, Label, LabelRecord } from '../../contract/domain/label.ts';
import { commentKey } from '../../core/labels/labels.ts';
import { writeLabelFile } from '../../core/labels/labelsFile.ts';
import { buildFolderAtomic } from '../../core/files/atomicWrite.ts';
import { DATABASE_FILE } from '../project/layout.ts';
import { translateSqliteError } from '../sqliteError.ts';
import { VERSION_FILE_FORMAT, type VersionFile } from '../versions/versionFile.ts';

export interface Salvage {
  readonly folder: string;
  readonly labels: number;
  readonly versions: number;
  readonly behaviours: number;
  /** What could not be read, in words. */
  readonly lost: readonly string[];
}

/**
 * Writes what can be read of a damaged database into the new folder `target`: `labels.jsonl` for `errata label import`,
 * `version-….json` for `errata edit import`, `behaviour-….json` for `errata behaviour import`, `lost.txt`.
 * @throws AppError `exists`, `invalid-file` when nothing can be read at all.
 */
export async function salvage(folder: string, target: string): Promise<Salvage> {
  const path = join(resolve(folder), DATABASE_FILE);
  const reader = openDamaged(path);
  try {
    const lost: string[] = [];
    const labels = salvageLabels(reader, lost);
    const behaviours = salvageBehaviours(reader, lost);
    const versions = salvageVersions(reader, lost);
    const tables = reader.broken();
    if (labels.length + behaviours.size + versions.size === 0) {
      throw new AppError(
        'invalid-file',
        `${path}: nothing can be read of it${tables.length === 0 ? ': it holds nothing that people wrote' : ''}.`,
        { details: { path } },
      );
    }
    lost.push(...tables.map((table) => `Part of the table ${table} cannot be read.`));
    return await buildFolderAtomic(resolve(target), async (partial) => {
      if (labels.length > 0) await writeLabelFile(join(partial, 'labels.jsonl'), 'jsonl', labels);
      for (const [id, behaviour] of behaviours) {
        await writeFile(join(partial, `behaviour-${shortId(id)}.json`), `${JSON.stringify(behaviour, null, 2)}\n`);
      }
      for (const file of versionFiles(versions, behaviours, lost)) {
        await writeFile(join(partial, `version-${shortId(file.head)}.json`), `${JSON.stringify(file, null, 1)}\n`);
      }
      await writeFile(
        join(partial, 'lost.txt'),
        lost.length === 0 ? 'Everything could be read.\n' : `${lost.join('\n')}\n`,
      );
      return { folder: target, labels: labels.length, versions: versions.size, behaviours: behaviours.size, lost };
    });
  } finally {
    reader.close();
  }
}

type Row = Readonly<Record<string, unknown>>;

/** Beyond any that SQLite gave a row of ours. */
const LARGEST_ROW = 2 ** 40;
const MOST_ATTEMPTS = 5000;

interface DamagedReader {
  /** All rows of the table that can be read. */
  rows(table: string, columns: string): readonly Row[];
  /** Names of features by their number. */
  features(): ReadonlyMap<number, FeatureKey>;
  /** Tables of which something could not be read. */
  broken(): readonly string[];
  close(): void;
}

function openDamaged(path: string): DamagedReader {
  let sqlite: Sqlite.Database;
  try {
    sqlite = new Sqlite(path, { readonly: true, fileMustExist: true });
  } catch (thrown) {
    throw translateSqliteError(thrown, path);
  }
  const broken = new Set<string>();
  return {
    rows(table, columns) {
      const found = new Map<number, Row>();
      let attempts = 0;
      /** Reads rowids from `low` to `high` up to the first that cannot be read, and returns that bound; null: all were read. */
      const sweep = (low: number, high: number, order: 'ASC' | 'DESC'): number | null => {
        let last = order === 'ASC' ? low - 1 : high + 1;
        try {
          // NOT INDEXED: an index may be damaged where the table is not.
          const select = sqlite.prepare<[number, number], Row>(
            `SELECT rowid AS salvageRow, ${columns} FROM ${table} NOT INDEXED WHERE rowid BETWEEN ? AND ? ORDER BY rowid ${order}`,
          );
          for (const row of select.iterate(low, high)) {
            last = Number(row['salvageRow']);
            found.set(last, row);
          }
          return null;
        } catch {
          broken.add(table);
          return last;
        }
      };
      // What lies between two damaged places is reached by halving the gap until a search lands in a sound page.
      const read = (low: number, high: number) => {
        if (low > high || attempts++ > MOST_ATTEMPTS) return;
        const below = sweep(low, high, 'ASC');
        if (below === null) return;
        const above = sweep(below + 1, high, 'DESC') ?? below + 1;
        if (above - below <= 2) return;
        const middle = Math.floor((below + above) / 2);
        read(below + 1, middle);
        read(middle + 1, above - 1);
      };
      read(0, LARGEST_ROW);
      return [...found.values()];
    },
    features() {
      const found = new Map<number, FeatureKey>();
      for (const row of this.rows('features', 'id, dictionary, feature')) addFeature(found, row);
      // The unique index holds the same three values: what one has lost the other may have kept.
      for (const order of ['ASC', 'DESC']) {
        try {
          const select = sqlite.prepare<[], Row>(
            `SELECT id, dictionary, feature FROM features INDEXED BY sqlite_autoindex_features_1 ORDER BY dictionary ${order}, feature ${order}`,
          );
          for (const row of select.iterate()) addFeature(found, row);
        } catch {
          broken.add('features');
        }
      }
      return found;
    },
    broken: () => [...broken],
    close: () => sqlite.close(),
  };
}

/** From the table, and where it cannot be read, from the log's last word on the feature. */
function salvageLabels(reader: DamagedReader, lost: string[]): readonly LabelRecord[] {
  const features = reader.features();
  const labels = new Map<number, Label>();
  const logged = reader.rows('changes', 'id, kind, key, after').toSorted((a, b) => Number(a['id']) - Number(b['id']));
  for (const { kind, key, after } of logged) {
    if (kind !== 'label') continue;
    const state = after === null ? null : (json(after) as Label | null); // the log holds labels, if it holds anything
    if (state === null) labels.delete(Number(key));
    else labels.set(Number(key), state);
  }
  for (const row of reader.rows('labels', 'feature_id, state, text, notes, tags, confidence, author, time')) {
    const tags = text(row['tags']);
    labels.set(Number(row['feature_id']), {
      ...(row as unknown as Label), // the columns above are a label's
      tags: tags === '' ? [] : tags.split('\n'),
    });
  }
  const comments = new Map<number, Comment[]>();
  for (const row of reader.rows('comments', 'feature_id, body, author, time')) {
    const comment = { body: text(row['body']), author: text(row['author']), time: text(row['time']) };
    comments.set(Number(row['feature_id']), [...(comments.get(Number(row['feature_id'])) ?? []), comment]);
  }
  const records: LabelRecord[] = [];
  for (const id of new Set([...labels.keys(), ...comments.keys()])) {
    const feature = features.get(id);
    const label = labels.get(id);
    const said = (comments.get(id) ?? []).toSorted((a, b) => (commentKey(a) < commentKey(b) ? -1 : 1));
    if (feature === undefined) {
      lost.push(`A label whose feature cannot be read: ${JSON.stringify(label?.text ?? '')}`);
      continue;
    }
    records.push({
      ...feature,
      state: label?.state ?? 'unlabelled',
      text: label?.text ?? '',
      notes: label?.notes ?? '',
      tags: label?.tags ?? [],
      confidence: label?.confidence ?? null,
      author: label?.author ?? said[0]?.author ?? 'unknown',
      time: label?.time ?? said[0]?.time ?? new Date(0).toISOString(),
      comments: said,
    });
  }
  return records;
}

/** Contents whose id is theirs: the others are not what was stored. */
function salvageBehaviours(reader: DamagedReader, lost: string[]): ReadonlyMap<string, Behaviour> {
  const behaviours = new Map<string, Behaviour>();
  for (const row of reader.rows('behaviour_contents', 'id, content')) {
    const id = text(row['id']);
    try {
      const behaviour = parseBehaviour(json(row['content']));
      if (behaviourId(behaviour) === id) behaviours.set(id, behaviour);
      else lost.push(`Behaviour ${shortId(id)} is damaged.`);
    } catch {
      lost.push(`Behaviour ${shortId(id)} is damaged.`);
    }
  }
  return behaviours;
}

function salvageVersions(reader: DamagedReader, lost: string[]): ReadonlyMap<string, Version> {
  const versions = new Map<string, Version>();
  for (const row of reader.rows('versions', 'id, content')) {
    const id = text(row['id']);
    try {
      const content = json(row['content']) as VersionContent; // checked in the next line
      const version = parseVersion({ ...content, id, edit: editId(content) }, 'The version');
      if (contentId(content) === id) versions.set(id, version);
    } catch {
      lost.push(`Version ${shortId(id)} is damaged.`);
    }
  }
  return versions;
}

/** One file for every version that no other is built on and behind which everything could be read. */
function versionFiles(
  versions: ReadonlyMap<string, Version>,
  behaviours: ReadonlyMap<string, Behaviour>,
  lost: string[],
): readonly VersionFile[] {
  const graph: VersionGraph = versions;
  const whole = (id: string) =>
    [...ancestors(graph, id)].every((each) =>
      versions.get(each)?.behaviours.every((behaviour) => behaviours.has(behaviour)),
    );
  const complete = [...versions.values()].filter((version) => whole(version.id));
  for (const { id } of versions.values())
    if (!complete.some((version) => version.id === id)) lost.push(`Version ${shortId(id)} lacks something behind it.`);
  const parents = new Set(complete.flatMap((version) => version.parents));
  return complete
    .filter(({ id }) => !parents.has(id))
    .map(({ id }) => {
      const behind = [...ancestors(graph, id)].flatMap((each) => versions.get(each) ?? []);
      const named = new Set(behind.flatMap((version) => version.behaviours));
      return {
        format: VERSION_FILE_FORMAT,
        head: id,
        versions: behind,
        behaviours: [...named].flatMap((each) => behaviours.get(each) ?? []),
        results: [],
      };
    });
}

function addFeature(found: Map<number, FeatureKey>, row: Row): void {
  found.set(Number(row['id']), { dictionary: text(row['dictionary']), feature: Number(row['feature']) });
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function json(value: unknown): unknown {
  try {
    return JSON.parse(text(value));
  } catch {
    return null;
  }
}

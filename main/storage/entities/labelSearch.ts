// Full-text search over labels, notes, tags and comments: by words (each the beginning of a word, in any order) and by
// substrings. Ranked by bm25 with the label's text counting most. Matches come as ranges, so that what is shown stays text.
import { AppError } from '../../contract/base/errors.ts';
import type { FeatureKey, LabelState } from '../../contract/domain/label.ts';
import type { Database } from '../database.ts';

export const SEARCH_MODES = ['words', 'substrings', 'both'] as const;
/** both: by words first, then by substrings what words did not find. */
export type SearchMode = (typeof SEARCH_MODES)[number];

export interface SearchOptions {
  readonly mode?: SearchMode | undefined;
  readonly dictionary?: string | undefined;
  readonly states?: readonly LabelState[] | undefined;
  readonly limit?: number | undefined;
}

/** A text with the parts that matched: `[start, end)` in UTF-16 code units. Long texts are cut to the part that matched. */
export interface Excerpt {
  readonly text: string;
  readonly matches: readonly (readonly [start: number, end: number])[];
}

export interface SearchHit extends FeatureKey {
  readonly state: LabelState;
  readonly text: Excerpt;
  readonly tags: Excerpt;
  readonly notes: Excerpt;
  readonly comments: Excerpt;
  /** Higher is better; comparable within one mode of one search. */
  readonly score: number;
}

const LONGEST_QUERY = 500;
const MOST_WORDS = 32;
const MOST_HITS = 1000;
/** Mark the matches in what SQLite returns. Labels hold no control characters, so these cannot stand in them. */
const OPEN = '\u0001';
const CLOSE = '\u0002';

interface HitRow extends FeatureKey {
  readonly state: LabelState;
  readonly text: string;
  readonly notes: string;
  readonly tags: string;
  readonly comments: string;
  readonly score: number;
}

/** @throws AppError('usage') for a query that is too long. */
export function searchLabels(database: Database, query: string, options: SearchOptions = {}): readonly SearchHit[] {
  if (query.length > LONGEST_QUERY)
    throw new AppError('usage', `A search is at most ${LONGEST_QUERY} characters long.`);
  const mode = options.mode ?? 'both';
  const limit = Math.max(1, Math.min(options.limit ?? 50, MOST_HITS));
  const text = plainText(query);
  const hits = mode === 'substrings' ? [] : match(database, 'label_words', wordsQuery(text), options, limit);
  if (mode === 'words' || hits.length >= limit) return hits;
  // A trigram index knows nothing shorter than three characters: those are looked for in the labels' texts themselves.
  const more =
    [...text].length < 3
      ? scan(database, text, options, limit)
      : match(database, 'label_substrings', quoted(text), options, limit);
  const found = new Set(hits.map((hit) => `${hit.dictionary} ${hit.feature}`));
  return [...hits, ...more.filter((hit) => !found.has(`${hit.dictionary} ${hit.feature}`))].slice(0, limit);
}

/** What was typed, composed and without control characters. */
export function plainText(query: string): string {
  return query
    .normalize('NFC')
    .replace(/\p{Cc}/gu, ' ')
    .trim();
}

/** FTS5's own syntax is never reached: every word is a quoted string. Empty: nothing to look for. */
export function wordsQuery(text: string): string {
  const words = text.split(/\s+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  return words
    .slice(0, MOST_WORDS)
    .map((word) => `${quoted(word)}*`)
    .join(' AND ');
}

export function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

function match(
  database: Database,
  index: 'label_words' | 'label_substrings',
  query: string,
  options: SearchOptions,
  limit: number,
): SearchHit[] {
  if (query === '') return [];
  const { where, parameters } = filters(options);
  const marks = `'${OPEN}', '${CLOSE}'`;
  const rows = database
    .query<(string | number)[], HitRow>(
      `SELECT f.dictionary, f.feature, coalesce(l.state, 'unlabelled') AS state, -${index}.rank AS score,
         highlight(${index}, 0, ${marks}) AS text, snippet(${index}, 1, ${marks}, '…', 24) AS notes,
         highlight(${index}, 2, ${marks}) AS tags, snippet(${index}, 3, ${marks}, '…', 24) AS comments
       FROM ${index} JOIN features f ON f.id = ${index}.rowid LEFT JOIN labels l ON l.feature_id = f.id
       WHERE ${index} MATCH ?${where} ORDER BY ${index}.rank LIMIT ?`,
    )
    .all(query, ...parameters, limit);
  return rows.map((row) => ({
    dictionary: row.dictionary,
    feature: row.feature,
    state: row.state,
    text: excerpt(row.text),
    notes: excerpt(row.notes),
    tags: excerpt(row.tags),
    comments: excerpt(row.comments),
    score: row.score,
  }));
}

function scan(database: Database, text: string, options: SearchOptions, limit: number): SearchHit[] {
  if (text === '') return [];
  const { where, parameters } = filters(options);
  const rows = database
    .query<(string | number)[], HitRow>(
      `SELECT f.dictionary, f.feature, l.state, l.text, 0 AS score
       FROM labels l JOIN features f ON f.id = l.feature_id WHERE l.text LIKE ? ESCAPE '\\'${where} LIMIT ?`,
    )
    .all(`%${text.replace(/[\\%_]/gu, '\\$&')}%`, ...parameters, limit);
  const none: Excerpt = { text: '', matches: [] };
  return rows.map(({ dictionary, feature, state, text: label }) => {
    const start = label.toLowerCase().indexOf(text.toLowerCase());
    const matches: Excerpt['matches'] = start < 0 ? [] : [[start, start + text.length]];
    return {
      dictionary,
      feature,
      state,
      text: { text: label, matches },
      tags: none,
      notes: none,
      comments: none,
      score: 0,
    };
  });
}

function filters({ dictionary, states }: SearchOptions): { where: string; parameters: string[] } {
  const where = [
    ...(dictionary === undefined ? [] : [' AND f.dictionary = ?']),
    ...(states === undefined ? [] : [` AND coalesce(l.state, 'unlabelled') IN (${states.map(() => '?').join(', ')})`]),
  ];
  return { where: where.join(''), parameters: [...(dictionary === undefined ? [] : [dictionary]), ...(states ?? [])] };
}

function excerpt(marked: string): Excerpt {
  const matches: [number, number][] = [];
  let text = '';
  for (const [index, part] of marked.split(OPEN).entries()) {
    const [inside = '', outside = ''] = index === 0 ? ['', part] : part.split(CLOSE);
    if (index > 0) matches.push([text.length, text.length + inside.length]);
    text += inside + outside;
  }
  return { text, matches };
}

// Labels as files: CSV for spreadsheets, JSONL for programs, Neuronpedia explanation rows for exchange. Writing and
// reading back is lossless in all three. A file may carry some fields only; those it lacks are left as they are.
import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';
import { authorSchema, featureSchema, hashSchema, timeSchema } from '../../contract/base/fields.ts';
import { validate } from '../../contract/base/validate.ts';
import { csvRecord, readCsv, readJsonLines, type TextRow } from '../files/textRows.ts';
import { writeFileAtomicWith } from '../files/atomicWrite.ts';
import {
  commentSchema,
  LABEL_FILE_FORMATS,
  labelFields,
  type LabelFileFormat,
  type Comment,
  type FeatureKey,
  type LabelPatch,
  type LabelRecord,
} from '../../contract/domain/label.ts';
import { parseJson } from '../files/json.ts';
import { readNeuronpediaJson } from './neuronpediaJson.ts';

/** More rows than any dictionary has features: a file with more is not a file of labels. */
export const MAX_ROWS = 4_000_000;
const MAX_COMMENTS = 1000;

/** One row: what the file says about one feature. */
export interface LabelRow extends FeatureKey {
  readonly line: number;
  readonly patch: LabelPatch;
  /** Null where the file does not say. */
  readonly author: string | null;
  readonly time: string | null;
  readonly comments: readonly Comment[];
}

export interface ReadOptions {
  /** Content hash of the dictionary, for rows that do not name one. */
  readonly dictionary?: string | undefined;
  /** Neuronpedia files with several sources: `gpt2-small/12-res-jb`, model and source. */
  readonly source?: string | undefined;
  /** Told of columns of a table that are left out. */
  readonly onNote?: ((note: string) => void) | undefined;
}

const CSV_COLUMNS = [
  'dictionary',
  'feature',
  'state',
  'text',
  'notes',
  'tags',
  'confidence',
  'author',
  'time',
  'comments',
];

const commentsSchema = v.pipe(v.array(commentSchema), v.maxLength(MAX_COMMENTS, `more than ${MAX_COMMENTS} comments`));
const rowSchema = v.strictObject({
  dictionary: v.optional(hashSchema),
  feature: featureSchema,
  ...labelFields,
  author: v.optional(authorSchema),
  time: v.optional(timeSchema),
  comments: v.optional(commentsSchema),
});

const text = v.optional(v.nullable(v.string()));
/** Neuronpedia's explanation row, and beside it what it has no place for. Other members are theirs and are ignored. */
const neuronpediaSchema = v.object({
  modelId: v.string('expected the model, as Neuronpedia names it'),
  layer: v.string('expected the source, as Neuronpedia names it'),
  index: v.union([v.string(), v.number()], 'expected the number of the feature'),
  description: v.string('expected the explanation'),
  authorId: text,
  notes: text,
  explanationModelName: text,
  createdAt: text,
  errata: v.optional(
    v.strictObject({
      dictionary: hashSchema,
      state: labelFields.state,
      tags: labelFields.tags,
      confidence: labelFields.confidence,
      comments: commentsSchema,
    }),
  ),
});

/** The format a file's name tells: `.csv`, `.jsonl`, or `.json` (Neuronpedia's), each also with `.gz`. @throws AppError('usage') for any other. */
export function formatOfName(path: string): LabelFileFormat {
  const name = path.toLowerCase().replace(/\.gz$/u, '');
  if (name.endsWith('.csv')) return 'csv';
  if (name.endsWith('.jsonl') || name.endsWith('.ndjson')) return 'jsonl';
  if (name.endsWith('.json')) return 'neuronpedia';
  throw new AppError('usage', `${path}: name the format of the file: ${LABEL_FILE_FORMATS.join(', ')}.`);
}

/**
 * Streams the rows of a label file.
 * @throws AppError('invalid-file') naming file, line and field; 'usage' when a row names no dictionary and none is given.
 */
export async function* readLabelFile(
  path: string,
  format: LabelFileFormat,
  options: ReadOptions = {},
): AsyncGenerator<LabelRow> {
  const rows =
    format === 'csv'
      ? csvRows(path, options)
      : format === 'jsonl'
        ? jsonRows(path, options)
        : neuronpediaRows(path, options);
  let count = 0;
  for await (const row of rows) {
    if (++count > MAX_ROWS) throw new AppError('invalid-file', `${path}: it has more than ${MAX_ROWS} rows.`);
    yield row;
  }
  if (count === 0) throw new AppError('empty', `${path}: it holds no labels.`);
}

async function* jsonRows(path: string, options: ReadOptions): AsyncGenerator<LabelRow> {
  for await (const row of readJsonLines(path)) yield checkedRow(path, row, options);
}

async function* csvRows(path: string, options: ReadOptions): AsyncGenerator<LabelRow> {
  for await (const { line, value } of readCsv(path, CSV_COLUMNS, ['feature'], options.onNote ?? (() => undefined))) {
    const subject = `${path}: line ${line}`;
    const fields: Record<string, unknown> = { feature: wholeNumber(value['feature'] ?? '', `${subject}: feature`) };
    for (const name of ['text', 'notes']) if (value[name] !== undefined) fields[name] = value[name];
    for (const name of ['dictionary', 'state', 'author', 'time']) if (value[name]) fields[name] = value[name];
    if (value['tags'] !== undefined) fields['tags'] = splitTags(value['tags']);
    if (value['comments']) fields['comments'] = parseJson(value['comments'], `${subject}: comments`);
    const { confidence } = value;
    if (confidence !== undefined) {
      fields['confidence'] = confidence === '' ? null : wholeNumber(confidence, `${subject}: confidence`);
    }
    yield checkedRow(path, { line, value: fields }, options);
  }
}

function checkedRow(path: string, row: TextRow<unknown>, options: ReadOptions, place = `line ${row.line}`): LabelRow {
  const subject = `${path}: ${place}`;
  const { dictionary, feature, author, time, comments, ...patch } = validate(
    rowSchema,
    row.value,
    subject,
    'invalid-file',
  );
  return {
    line: row.line,
    dictionary: dictionary ?? defaultDictionary(subject, options),
    feature,
    patch,
    author: author ?? null,
    time: time ?? null,
    comments: comments ?? [],
  };
}

/** Rows of an export, or those within one JSON value, which are counted in place of lines. */
async function* explanations(path: string): AsyncGenerator<TextRow<unknown> & { readonly place: string }> {
  if (!/\.json(?:\.gz)?$/iu.test(path)) {
    for await (const row of readJsonLines(path)) yield { ...row, place: `line ${row.line}` };
    return;
  }
  for (const [index, row] of (await readNeuronpediaJson(path)).entries()) yield { line: index + 1, ...row };
}

async function* neuronpediaRows(path: string, options: ReadOptions): AsyncGenerator<LabelRow> {
  let source = options.source;
  for await (const { line, place, value } of explanations(path)) {
    const subject = `${path}: ${place}`;
    const row = validate(neuronpediaSchema, value, subject, 'invalid-file');
    const rowSource = `${row.modelId}/${row.layer}`;
    if (options.source !== undefined && rowSource !== options.source) continue;
    source ??= rowSource;
    if (rowSource !== source) {
      throw new AppError(
        'usage',
        `${subject}: the file explains several sources (${source.slice(0, 100)}, ${rowSource.slice(0, 100)}): choose one.`,
        { details: { path, line } },
      );
    }
    const fields = {
      dictionary: row.errata?.dictionary,
      feature: typeof row.index === 'number' ? row.index : wholeNumber(row.index, `${subject}: index`),
      // Explanations are machine-made as a rule: drafts until a person has looked at them.
      state: row.errata?.state ?? (row.description.trim() === '' ? 'unlabelled' : 'draft'),
      text: row.description,
      notes: row.notes ?? '',
      tags: row.errata?.tags,
      confidence: row.errata?.confidence,
      author: row.authorId || row.explanationModelName || undefined,
      time: row.createdAt ? momentOf(row.createdAt, subject) : undefined,
      comments: row.errata?.comments,
    };
    const given = Object.fromEntries(Object.entries(fields).filter(([, field]) => field !== undefined));
    yield checkedRow(path, { line, value: given }, options, place);
  }
}

function momentOf(text: string, subject: string): string {
  const moment = new Date(text.length > 64 ? '' : text);
  if (Number.isNaN(moment.getTime())) {
    throw new AppError('invalid-file', `${subject}: createdAt: ${text.slice(0, 40)} is not a time.`);
  }
  return moment.toISOString();
}

function defaultDictionary(subject: string, options: ReadOptions): string {
  if (options.dictionary !== undefined) return options.dictionary;
  throw new AppError('usage', `${subject}: the row names no dictionary: say which one the labels belong to.`);
}

function wholeNumber(cell: string, subject: string): number {
  if (/^\d{1,10}$/u.test(cell.trim())) return Number(cell);
  throw new AppError(
    'invalid-file',
    `${subject}: expected a whole number, found ${JSON.stringify(cell.slice(0, 40))}.`,
  );
}

/** `;` separates tags in a cell; a `;` or `\` inside a tag is written with a `\` before it. */
function joinTags(tags: readonly string[]): string {
  return tags.map((tag) => tag.replace(/[\\;]/gu, '\\$&')).join(';');
}

function splitTags(cell: string): string[] {
  const tags = cell.match(/(?:\\.|[^;\\]|\\$)+/gu) ?? [];
  return tags.map((tag) => tag.replace(/\\(.)/gu, '$1').trim()).filter((tag) => tag !== '');
}

export interface WriteOptions {
  /** For Neuronpedia rows: its names of the model and the source, such as `gpt2-small` and `12-res-jb`. */
  readonly neuronpedia?: { readonly modelId: string; readonly layer: string } | undefined;
}

/**
 * Writes the labels to `path`, whole or not at all, and returns how many.
 * @throws AppError('usage') for the Neuronpedia format without its names; 'disk-full', 'permission'.
 */
export async function writeLabelFile(
  path: string,
  format: LabelFileFormat,
  records: Iterable<LabelRecord>,
  options: WriteOptions = {},
): Promise<number> {
  const row = rowWriter(format, options);
  return await writeFileAtomicWith(path, async (file) => {
    let count = 0;
    let pending = format === 'csv' ? csvRecord(CSV_COLUMNS) : '';
    for (const record of records) {
      pending += row(record);
      count++;
      if (pending.length < 1 << 18) continue;
      await file.writeFile(pending);
      pending = '';
    }
    await file.writeFile(pending);
    return count;
  });
}

function rowWriter(format: LabelFileFormat, options: WriteOptions): (record: LabelRecord) => string {
  if (format === 'csv') return csvRow;
  if (format === 'jsonl') return (record) => `${JSON.stringify(record)}\n`;
  const { neuronpedia } = options;
  if (neuronpedia === undefined) {
    throw new AppError(
      'usage',
      'Neuronpedia rows need its names of the model and the source, such as gpt2-small and 12-res-jb.',
    );
  }
  return ({ dictionary, feature, state, text: description, notes, tags, confidence, author, time, comments }) =>
    `${JSON.stringify({
      id: `errata-${dictionary.slice(0, 16)}-${feature}`,
      ...neuronpedia,
      index: String(feature),
      description,
      authorId: author,
      triggeredById: null,
      typeName: 'errata',
      explanationModelName: null,
      notes,
      createdAt: time,
      errata: { dictionary, state, tags, confidence, comments },
    })}\n`;
}

function csvRow(record: LabelRecord): string {
  return csvRecord([
    record.dictionary,
    record.feature,
    record.state,
    record.text,
    record.notes,
    joinTags(record.tags),
    record.confidence ?? '',
    record.author,
    record.time,
    record.comments.length === 0 ? '' : JSON.stringify(record.comments),
  ]);
}

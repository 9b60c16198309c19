// Corpora: files of text, JSON or Parquet, or a folder of them, as a stream of documents. Files of any size pass through in pieces;
// only a line, a value of JSON or a row group of Parquet has to fit into memory. Compressed text is unpacked on the way.
import { open, readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { AppError } from '../../contract/base/errors.ts';
import { defaultsOf, type RequestOf } from '../../contract/base/setting.ts';
import { corpusSettings } from '../../contract/domain/captureSettings.ts';
import { toFileError } from '../files/fileError.ts';
import { hashBytes, hashFile } from '../files/hash.ts';
import { parseJson } from '../files/json.ts';
import { readJsonValues } from '../files/jsonValues.ts';
import { textChunks } from '../files/text.ts';
import { textLines, type TextRow } from '../files/textRows.ts';
import { openParquet } from '../formats/parquet.ts';
import { conversationField, rowReader, type RenderMessages, type RowReader } from './rowTexts.ts';

/** `textDocuments`: what a document is in a .txt file: the whole file, every line, or every run of lines between blank ones. */
export type CorpusOptions = Readonly<RequestOf<typeof corpusSettings>>;

/** A document arrives in one or more pieces; the last says so. Pieces of one document join without anything between. */
export interface TextPiece {
  readonly text: string;
  readonly endsDocument: boolean;
}

export interface Corpus {
  /** In the order in which they are read. */
  readonly files: readonly string[];
  /** SHA-256 over the contents of the files in order and the options: the same texts by the same rules, wherever they lie. */
  hash(signal?: AbortSignal): Promise<string>;
  /** Rows read so far that hold null in place of a text. */
  readonly leftOut: number;
  /** @throws AppError `invalid-file` with the byte offset, line or row when a file is not what it should be. */
  pieces(): AsyncGenerator<TextPiece, void, undefined>;
}

const LONGEST_LINE = 64 << 20; // characters
const DEFAULTS = defaultsOf(corpusSettings);

/** What is read of a file by the ending of its name, that of the compression left out. */
type Format = 'text' | 'lines' | 'json' | 'parquet';
const FORMATS: Readonly<Record<string, Format>> = {
  '.txt': 'text',
  '.jsonl': 'lines',
  '.ndjson': 'lines',
  '.json': 'json',
  '.parquet': 'parquet',
};
const KINDS = '.txt, .jsonl, .json or .parquet file';

/** The ending that says what a file is, `.jsonl` for `a.JSONL.gz`; '' where it can be no corpus. */
export function corpusEnding(name: string): string {
  const ending = extname(name.replace(/\.(?:gz|zst)$/iu, '')).toLowerCase();
  return Object.hasOwn(FORMATS, ending) ? ending : '';
}

/**
 * @param path a .txt, .jsonl, .json or .parquet file, or a folder, of which all such files count, also in folders in it, in
 * the order of their paths; hidden ones do not, nor do .json files that hold no list.
 * @param renderMessages for rows that hold a conversation; without it they are refused.
 * @throws AppError `not-found`, `unsupported` (another kind of file), `empty`.
 */
export async function openCorpus(
  path: string,
  options: CorpusOptions = {},
  renderMessages: RenderMessages = refuseMessages,
): Promise<Corpus> {
  const { textDocuments, field } = { ...DEFAULTS, ...options };
  const files = await findFiles(path);
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  if (files.length === 0) {
    throw new AppError('empty', `${path}: there is no ${KINDS} in this folder.`, { details: { path } });
  }
  if (sizes.every((size) => size === 0))
    throw new AppError('empty', `${path}: the corpus is empty.`, { details: { path } });
  const rows = rowReader(field, field === DEFAULTS.field, renderMessages);
  return {
    files,
    get leftOut() {
      return rows.leftOut;
    },
    async hash(signal) {
      const hashes: string[] = [];
      for (const file of files) hashes.push(`${corpusEnding(file)} ${await hashFile(file, signal)}`);
      return hashBytes(JSON.stringify(['errata-corpus-1', textDocuments, field, hashes]));
    },
    async *pieces() {
      for (const file of files) {
        const format = FORMATS[corpusEnding(file)];
        if (format === 'lines') yield* rowDocuments(file, jsonRows(file), rows);
        else if (format === 'json') yield* rowDocuments(file, readJsonValues(file, LONGEST_LINE), rows);
        else if (format === 'parquet') yield* parquetDocuments(file, field, rows);
        else if (textDocuments === 'file') yield* wholeFile(file);
        else if (textDocuments === 'line') yield* lineDocuments(file);
        else yield* paragraphs(file);
      }
    },
  };
}

function refuseMessages(): never {
  throw new AppError(
    'unsupported',
    'Its rows are conversations, and there is no chat template to format them with. Name the text in them instead, as in --field messages.content.',
  );
}

async function findFiles(path: string): Promise<string[]> {
  try {
    if ((await stat(path)).isFile()) {
      if (corpusEnding(path) !== '') return [path];
      throw new AppError('unsupported', `${path}: a corpus is a ${KINDS}, or a folder of these.`, {
        details: { path },
      });
    }
    const entries = await readdir(path, { withFileTypes: true, recursive: true });
    const candidates = entries
      .filter((entry) => !entry.isDirectory() && corpusEnding(entry.name) !== '')
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => !/[\\/]\./.test(file.slice(path.length)))
      .sort((a, b) => (a < b ? -1 : 1)); // by code units: the same on every machine, whatever its language
    const areRead = await Promise.all(candidates.map(isReadInFolder));
    return candidates.filter((_, i) => areRead[i]);
  } catch (thrown) {
    throw toFileError(thrown, path);
  }
}

/** Through links. A data set's folder has .json files about the data, too; the data are a list. */
async function isReadInFolder(file: string): Promise<boolean> {
  if (!(await stat(file)).isFile()) return false;
  if (extname(file).toLowerCase() !== '.json') return true;
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(1024), 0, 1024, 0);
    return /^[^{]*?\[/u.test(buffer.subarray(0, bytesRead).toString('latin1'));
  } finally {
    await handle.close();
  }
}

async function* wholeFile(file: string): AsyncGenerator<TextPiece, void, undefined> {
  let hasText = false;
  for await (const text of textChunks(file)) {
    hasText = true;
    yield { text, endsDocument: false };
  }
  if (hasText) yield { text: '', endsDocument: true };
}

async function* lineDocuments(file: string): AsyncGenerator<TextPiece, void, undefined> {
  for await (const { value: text } of textLines(file, LONGEST_LINE)) {
    if (text.trim() !== '') yield { text, endsDocument: true };
  }
}

async function* paragraphs(file: string): AsyncGenerator<TextPiece, void, undefined> {
  let isOpen = false;
  for await (const { value: text } of textLines(file, LONGEST_LINE)) {
    if (text.trim() !== '') {
      yield { text: isOpen ? `\n${text}` : text, endsDocument: false };
      isOpen = true;
    } else if (isOpen) {
      yield { text: '', endsDocument: true };
      isOpen = false;
    }
  }
  if (isOpen) yield { text: '', endsDocument: true };
}

async function* jsonRows(file: string): AsyncGenerator<TextRow<unknown>, void, undefined> {
  for await (const { line, value } of textLines(file, LONGEST_LINE)) {
    if (value.trim() !== '') yield { line, value: parseJson(value, file, line) };
  }
}

async function* rowDocuments(
  file: string,
  rows: AsyncIterable<TextRow<unknown>>,
  reader: RowReader,
): AsyncGenerator<TextPiece, void, undefined> {
  for await (const { line, value } of rows) {
    const wrong = (reason: string) =>
      new AppError('invalid-file', `${file}: line ${line} ${reason}.`, { details: { path: file, line } });
    for (const text of reader.texts(value, wrong)) yield { text, endsDocument: true };
  }
}

async function* parquetDocuments(
  file: string,
  field: string,
  reader: RowReader,
): AsyncGenerator<TextPiece, void, undefined> {
  const parquet = await openParquet(file);
  try {
    const { columns } = parquet;
    const first = field.split('.')[0] ?? field;
    const conversation = field === DEFAULTS.field ? conversationField(columns) : undefined;
    const column = [field, first, conversation].find((name) => name !== undefined && columns.includes(name));
    if (column === undefined) {
      throw new AppError(
        'invalid-file',
        `${file}: it has no column ${JSON.stringify(first)}. It has: ${columns.slice(0, 20).join(', ')}.`,
        { details: { path: file } },
      );
    }
    let row = 0;
    for await (const value of parquet.read([column])) {
      const number = ++row;
      const wrong = (reason: string) =>
        new AppError('invalid-file', `${file}: row ${number} ${reason}.`, { details: { path: file, row: number } });
      for (const text of reader.texts(value, wrong)) yield { text, endsDocument: true };
    }
  } finally {
    await parquet.close();
  }
}

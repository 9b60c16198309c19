// Text files read row by row: JSONL lines and CSV records. Streamed, so that a file of any length costs the memory of
// one row, a row's length is bounded. Every error names file and line.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import { AppError } from '../../contract/base/errors.ts';
import { toFileError } from './fileError.ts';
import { parseJson } from './json.ts';
import { textChunks } from './text.ts';

/** A row longer than this is refused (UTF-16 code units): generous for prompts and notes, harmless for memory. */
export const LONGEST_ROW = 1 << 20;

export interface TextRow<T> {
  /** Counted from 1; of the row's first line. */
  readonly line: number;
  readonly value: T;
}

/**
 * The lines of a file without their ends (\n or \r\n), empty ones too.
 * @param longest characters of a line.
 * @throws AppError `not-found`, `permission`, `invalid-file`.
 */
export async function* textLines(path: string, longest: number): AsyncGenerator<TextRow<string>, void, undefined> {
  let line = 1;
  let pieces: string[] = []; // of a line that goes on
  let length = 0;
  const take = (last: string): TextRow<string> => {
    const text = pieces.length === 0 ? last : pieces.join('') + last;
    if (text.length > longest) throw tooLong(path, line, longest);
    pieces = [];
    length = 0;
    return { line: line++, value: text.endsWith('\r') ? text.slice(0, -1) : text };
  };
  for await (const chunk of textChunks(path)) {
    let start = 0;
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', start)) {
      yield take(chunk.slice(start, end));
      start = end + 1;
    }
    const rest = chunk.slice(start);
    length += rest.length;
    if (length > longest) throw tooLong(path, line, longest);
    if (rest !== '') pieces.push(rest);
  }
  if (pieces.length > 0) yield take('');
}

/** Lines without their ends, empty ones left out. @throws AppError `not-found`, `permission`, `invalid-file`. */
export async function* readLines(path: string): AsyncGenerator<TextRow<string>> {
  for await (const row of textLines(path, LONGEST_ROW)) if (row.value.trim() !== '') yield row;
}

/** JSON values, one a line. @throws AppError `invalid-file` naming line, column and word that are not JSON. */
export async function* readJsonLines(path: string): AsyncGenerator<TextRow<unknown>> {
  for await (const { line, value } of readLines(path)) yield { line, value: parseJson(value, path, line) };
}

/** Between the cells of tables as spreadsheets write them, where the comma is the decimal sign too. */
const SEPARATORS = [',', ';', '\t'];

/**
 * CSV records (RFC 4180) as objects by column name; the first record names the columns, and shows what is between cells. A
 * column without a name and without a cell that is filled is left out.
 * @param columns the columns that may stand in it; those in `required` must.
 * @param onUnknown told of columns that are left out since they are not known; without it they are refused.
 * @throws AppError `invalid-file` for an unknown, missing or repeated column, a record with too many or too few cells,
 * an open quote, a record that is too long.
 */
export async function* readCsv(
  path: string,
  columns: readonly string[],
  required: readonly string[],
  onUnknown?: (note: string) => void,
): AsyncGenerator<TextRow<Readonly<Record<string, string>>>> {
  const { separator, saysSo } = await separatorOf(path, columns);
  const parser = parse({
    delimiter: separator,
    from_line: saysSo ? 2 : 1,
    info: true,
    skip_empty_lines: true,
    max_record_size: LONGEST_ROW,
  });
  const fed = pipeline(Readable.from(textChunks(path), { highWaterMark: 1 }), parser);
  fed.catch(() => undefined); // the loop below throws the same error
  let header: readonly string[] | undefined;
  try {
    for await (const parsed of parser) {
      const { record, info } = parsed as { record: string[]; info: { lines: number } }; // what `info: true` gives
      if (header === undefined) {
        header = checkHeader(path, record, columns, required, onUnknown);
        continue;
      }
      const value: Record<string, string> = {};
      for (const [index, name] of header.entries()) {
        const cell = record[index] ?? '';
        if (columns.includes(name)) value[name] = withoutGuard(cell);
        else if (name === '' && cell.trim() !== '') {
          throw new AppError('invalid-file', `${path}: line ${info.lines}: column ${index + 1} has no name.`, {
            details: { path, line: info.lines },
          });
        }
      }
      yield { line: info.lines, value };
    }
    await fed;
  } catch (thrown) {
    if (!(thrown instanceof CsvError)) throw toFileError(thrown, path);
    const line = typeof thrown['lines'] === 'number' ? thrown['lines'] : 0;
    throw new AppError('invalid-file', `${path}: line ${line}: ${csvReason(thrown)}.`, {
      cause: thrown,
      details: { path, line },
    });
  }
  if (header === undefined) throw new AppError('invalid-file', `${path}: it is empty: not even the columns are named.`);
}

/** By the first line: what cuts it into the most columns that are known; or what it says itself, `sep=;`, as Excel has it. */
async function separatorOf(path: string, columns: readonly string[]) {
  let first = '';
  for await (const { value } of textLines(path, LONGEST_ROW)) {
    first = value;
    break;
  }
  const said = /^sep=(.)$/u.exec(first)?.[1];
  const known = (separator: string) =>
    first.split(separator).filter((name) => columns.includes(name.trim().replace(/^"(.*)"$/u, '$1'))).length;
  const [best = ','] = SEPARATORS.toSorted((a, b) => known(b) - known(a));
  return { separator: said ?? best, saysSo: said !== undefined };
}

function checkHeader(
  path: string,
  names: string[],
  columns: readonly string[],
  required: readonly string[],
  onUnknown?: (note: string) => void,
): string[] {
  const header = names.map((name) => name.trim());
  const unknown = header.filter((name) => name !== '' && !columns.includes(name));
  const missing = required.filter((name) => !header.includes(name));
  const repeated = header.filter((name, index) => name !== '' && header.indexOf(name) !== index);
  if (unknown.length > 0 && missing.length === 0 && onUnknown) {
    onUnknown(`${path}: left out ${unknown.length === 1 ? 'the column' : 'the columns'} ${list(unknown)}.`);
  }
  const found = [
    ...(missing.length > 0 ? [`it lacks ${list(missing)}`] : []),
    ...(unknown.length > 0 && (missing.length > 0 || !onUnknown)
      ? [`${list(unknown)} ${unknown.length === 1 ? 'is' : 'are'} not known`]
      : []),
    ...(repeated.length > 0 ? [`${list(repeated)} ${repeated.length === 1 ? 'stands' : 'stand'} there twice`] : []),
  ];
  if (found.length === 0) return header;
  throw new AppError(
    'invalid-file',
    `${path}: wrong columns: ${found.join('; ')}. Known columns: ${columns.join(', ')}.`,
    {
      details: { path, columns: header.slice(0, 50).map((name) => name.slice(0, 50)) },
    },
  );
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => JSON.stringify(name.slice(0, 40)));
  return shown.join(', ') + (names.length > 5 ? ' …' : '');
}

function csvReason(error: CsvError): string {
  switch (error.code) {
    case 'CSV_RECORD_INCONSISTENT_FIELDS_LENGTH':
    case 'CSV_RECORD_INCONSISTENT_COLUMNS':
      return 'it has more or fewer cells than there are columns';
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'a quote is opened and never closed';
    case 'CSV_MAX_RECORD_SIZE':
      return `a record is longer than ${LONGEST_ROW} characters`;
    default:
      return error.message.replace(/\.$/u, '');
  }
}

/** Texts that a spreadsheet would run as a formula; numbers with a sign are none. */
const FORMULA = /^'*(?![+-]?[\d.]+$)[=+\-@\t\r]/u;

/** A cell as it was before csvRecord guarded it. */
function withoutGuard(cell: string): string {
  return cell.startsWith("'") && FORMULA.test(cell) ? cell.slice(1) : cell;
}

/**
 * One CSV record with its line end, cells quoted only where the format needs it. A text that a spreadsheet would run gets an
 * apostrophe before it, which readCsv takes off again.
 */
export function csvRecord(cells: readonly (string | number)[]): string {
  const written = cells.map((cell) => {
    const text = typeof cell === 'string' && FORMULA.test(cell) ? `'${cell}` : String(cell);
    return /[",\r\n]|^\s|\s$/u.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${written.join(',')}\n`;
}

function tooLong(path: string, line: number, longest: number): AppError {
  return new AppError('invalid-file', `${path}: line ${line} is longer than ${longest} characters.`, {
    details: { path, line },
  });
}

// The values of a .json file one by one: the entries where the file is one array, else the values that stand in it one after the
// other (JSON Lines under another name, objects that are written over several lines). Streamed: one value is in memory at a time.
import { AppError } from '../../contract/base/errors.ts';
import { parseJson } from './json.ts';
import { textChunks } from './text.ts';
import type { TextRow } from './textRows.ts';

/**
 * @param longest characters of one value.
 * @throws AppError `not-found`, `permission`, `invalid-file` that names line and column.
 */
export async function* readJsonValues(
  path: string,
  longest: number,
): AsyncGenerator<TextRow<unknown>, void, undefined> {
  const cutter = new ValueCutter(path, longest);
  for await (const chunk of textChunks(path)) {
    for (const { line, value } of cutter.next(chunk)) yield { line, value: parseJson(value, path, line) };
  }
  for (const { line, value } of cutter.end()) yield { line, value: parseJson(value, path, line) };
}

/** Finds where values begin and end by brackets and quotes alone; what is between is checked when it is parsed. */
class ValueCutter {
  readonly #path: string;
  readonly #longest: number;
  #line = 1;
  /** Null before the first character that is no space. */
  #isArray: boolean | null = null;
  #isClosed = false;
  /** A comma, or the array's start, has been read, and a value must follow. */
  #wantsValue = false;
  #depth = 0;
  #inText = false;
  #isEscaped = false;
  #pieces: string[] = [];
  #length = 0;
  #valueLine = 1;

  constructor(path: string, longest: number) {
    this.#path = path;
    this.#longest = longest;
  }

  *next(chunk: string): Generator<TextRow<string>, void, undefined> {
    let start = 0; // of the value's part in this chunk
    for (let at = 0; at < chunk.length; at++) {
      const character = chunk[at]!;
      if (character === '\n') this.#line++;
      if (this.#inText) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (character === '\\') this.#isEscaped = true;
        else if (character === '"') this.#inText = false;
        continue;
      }
      const isBetween = this.#depth === 0;
      if (isBetween && (isSpace(character) || (this.#isArray === true && (character === ',' || character === ']')))) {
        yield* this.#take(chunk.slice(start, at));
        start = at + 1;
        if (character === ',') this.#afterValue();
        else if (character === ']') this.#close();
        continue;
      }
      if (isBetween && this.#isArray === null) {
        this.#isArray = character === '[';
        if (this.#isArray) {
          start = at + 1;
          continue;
        }
      }
      if (this.#isClosed) throw this.#wrong(`"${character}" is not expected after the array`);
      if (this.#length === 0 && start === at) this.#valueLine = this.#line;
      if (character === '"') this.#inText = true;
      else if (character === '{' || character === '[') this.#depth++;
      else if (character === '}' || character === ']') {
        this.#depth--;
        if (this.#depth === 0) {
          yield* this.#take(chunk.slice(start, at + 1));
          start = at + 1;
        }
      }
    }
    const rest = chunk.slice(start);
    if (rest !== '') this.#keep(rest);
  }

  *end(): Generator<TextRow<string>, void, undefined> {
    yield* this.#take('');
    if (this.#isArray === true && !this.#isClosed) throw this.#wrong('the array is never closed');
  }

  #keep(piece: string): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
    if (this.#length <= this.#longest) return;
    throw this.#wrong(`a value is longer than ${this.#longest} characters`);
  }

  *#take(last: string): Generator<TextRow<string>, void, undefined> {
    this.#keep(last);
    const value = this.#pieces.join('');
    this.#pieces = [];
    this.#length = 0;
    if (value.trim() === '') return;
    if (this.#isArray === true && this.#hasValue && !this.#wantsValue) throw this.#wrong('a comma is missing');
    this.#hasValue = true;
    this.#wantsValue = false;
    yield { line: this.#valueLine, value };
  }

  #hasValue = false;

  #afterValue(): void {
    if (!this.#hasValue || this.#wantsValue) throw this.#wrong('"," is not expected');
    this.#wantsValue = true;
  }

  #close(): void {
    if (this.#isClosed) throw this.#wrong('"]" is not expected');
    if (this.#wantsValue) throw this.#wrong('no comma may stand before "]"');
    this.#isClosed = true;
  }

  #wrong(reason: string): AppError {
    return new AppError('invalid-file', `${this.#path}: not JSON at line ${this.#line}: ${reason}.`, {
      details: { path: this.#path, line: this.#line },
    });
  }
}

function isSpace(character: string): boolean {
  return character === ' ' || character === '\n' || character === '\r' || character === '\t';
}

// JSON as people and Python write it: with a byte-order mark or in UTF-16 (see text.ts), and with the words NaN, Infinity and
// -Infinity, which Python's json module writes and reads. Every JSON file that the program did not just write itself is read
// here. What is not JSON is refused with line, column and the word that stands there.
import { AppError } from '../../contract/base/errors.ts';
import { rememberPlace } from '../../contract/base/nonFinite.ts';
import { readOptionalText, readText } from './text.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws AppError `not-found`, `permission`, `invalid-file`. */
export async function readJson(path: string, mostBytes?: number): Promise<unknown> {
  return parseJson(await readText(path, mostBytes), path);
}

/** As readJson, and null where there is no such file. */
export async function readJsonIfThere(path: string, mostBytes?: number): Promise<unknown> {
  const text = await readOptionalText(path, mostBytes);
  return text === null ? null : parseJson(text, path);
}

/** @throws AppError `not-found`, `permission`, or `invalid-file` when the file does not hold one JSON object. */
export async function readJsonObject(path: string): Promise<JsonObject> {
  return objectIn(await readJson(path), path);
}

/** As readJsonObject, and null where there is no such file. */
export async function readOptionalJson(path: string): Promise<JsonObject | null> {
  const text = await readOptionalText(path);
  return text === null ? null : objectIn(parseJson(text, path), path);
}

function objectIn(value: unknown, path: string): JsonObject {
  if (isObject(value)) return value;
  throw new AppError('invalid-file', `${path}: it must hold one JSON object.`, { details: { path } });
}

/**
 * @param line of the file on which the text begins, for messages.
 * @throws AppError `invalid-file` that names line, column and word.
 */
export function parseJson(text: string, path: string, line = 1): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return new LenientParser(text, path, line).parse();
  }
}

const DEEPEST = 2000;
/** Words whose places are remembered; a file of millions has no reader who would go there. */
const MOST_PLACES = 1000;
const SPACE = /[ \t\r\n]*/uy;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/uy;
const WORD = /-?[A-Za-z]+/uy;
const WORDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);
/** What other languages write, and what JSON has for it. */
const MISTAKES: readonly (readonly [begins: RegExp, hint: string])[] = [
  [/^'/u, 'JSON has double quotes'],
  [/^(?:\/\/|\/\*|#)/u, 'JSON has no comments'],
  [/^True\b/u, 'JSON has true'],
  [/^False\b/u, 'JSON has false'],
  [/^None\b/u, 'JSON has null'],
  [/^[}\]]/u, 'no comma may stand before it'],
  [/^[{["]/u, 'a comma is missing before it, or the text ended earlier'],
];

/** Reads what JSON.parse does not: Python's words, or says where the text is wrong. Slow, and used only then. */
class LenientParser {
  readonly #text: string;
  readonly #path: string;
  readonly #firstLine: number;
  #at = 0;
  #depth = 0;
  #places = 0;
  /** Lines are counted up to here, and the last began there. */
  #counted = { at: 0, line: 0, lineStart: 0 };

  constructor(text: string, path: string, firstLine: number) {
    this.#text = text;
    this.#path = path;
    this.#firstLine = firstLine;
  }

  parse(): unknown {
    const value = this.#value(null, '');
    this.#take(SPACE);
    if (this.#at < this.#text.length) throw this.#wrong();
    return value;
  }

  #value(container: object | null, key: string | number): unknown {
    this.#take(SPACE);
    const next = this.#text[this.#at];
    if (next === '{' || next === '[') {
      if (++this.#depth > DEEPEST) throw this.#wrong('it is nested too deeply');
      const value = next === '{' ? this.#object() : this.#array();
      this.#depth--;
      return value;
    }
    if (next === '"') return this.#string();
    const start = this.#at;
    const number = this.#take(NUMBER);
    if (number !== '') return Number(number);
    const word = this.#take(WORD);
    if (!WORDS.has(word)) {
      this.#at = start;
      throw this.#wrong();
    }
    const value = WORDS.get(word);
    if (typeof value === 'number' && container && this.#places++ < MOST_PLACES) {
      rememberPlace(container, key, { ...this.#place(start), word });
    }
    return value;
  }

  #object(): JsonObject {
    const value: Record<string, unknown> = {};
    this.#at++;
    this.#take(SPACE);
    if (this.#skip('}')) return value;
    do {
      this.#take(SPACE);
      const key = this.#string();
      this.#take(SPACE);
      if (!this.#skip(':')) throw this.#wrong();
      // Not an assignment: "__proto__" is a name like any other, as for JSON.parse.
      const member = this.#value(value, key);
      Object.defineProperty(value, key, { value: member, enumerable: true, writable: true, configurable: true });
      this.#take(SPACE);
    } while (this.#skip(','));
    if (!this.#skip('}')) throw this.#wrong();
    return value;
  }

  #array(): unknown[] {
    const value: unknown[] = [];
    this.#at++;
    this.#take(SPACE);
    if (this.#skip(']')) return value;
    do {
      value.push(this.#value(value, value.length));
      this.#take(SPACE);
    } while (this.#skip(','));
    if (!this.#skip(']')) throw this.#wrong();
    return value;
  }

  #string(): string {
    const text = this.#text;
    if (text[this.#at] !== '"') throw this.#wrong();
    let end = text.indexOf('"', this.#at + 1);
    while (end >= 0 && this.#isEscaped(end)) end = text.indexOf('"', end + 1);
    if (end < 0) throw this.#wrong('this text is never closed');
    try {
      const value = JSON.parse(text.slice(this.#at, end + 1)) as string; // a quoted text is one, or no JSON
      this.#at = end + 1;
      return value;
    } catch {
      throw this.#wrong('this string contains a line break, a tab or a backslash that JSON does not allow');
    }
  }

  #isEscaped(quote: number): boolean {
    let start = quote;
    while (this.#text[start - 1] === '\\') start--;
    return (quote - start) % 2 === 1;
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  /** @param at not before where it was asked for last. */
  #place(at: number): { line: number; column: number } {
    let { line, lineStart } = this.#counted;
    for (let end = this.#text.indexOf('\n', this.#counted.at); end >= 0 && end < at;) {
      line++;
      lineStart = end + 1;
      end = this.#text.indexOf('\n', lineStart);
    }
    this.#counted = { at, line, lineStart };
    return { line: this.#firstLine + line, column: at - lineStart + 1 };
  }

  #wrong(hint?: string): AppError {
    const { line, column } = this.#place(this.#at);
    const rest = this.#text.slice(this.#at, this.#at + 200);
    const word = /^(?:[A-Za-z0-9_.+-]+|.)/su.exec(rest)?.[0] ?? '';
    const found = word === '' ? 'it ends in the middle' : `${JSON.stringify(word.slice(0, 40))} is not expected`;
    const why = hint ?? MISTAKES.find(([begins]) => begins.test(rest))?.[1];
    const reason = `not JSON at line ${line}, column ${column}: ${found}${why === undefined ? '' : ` (${why})`}`;
    return new AppError('invalid-file', `${this.#path}: ${reason}.`, { details: { path: this.#path, line, column } });
  }
}

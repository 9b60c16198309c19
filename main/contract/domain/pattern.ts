// Regular expressions of checks: ECMAScript with the flag u, and what Python writes otherwise where ECMAScript can say the same:
// (?i) at the start, (?P<name>…), \A and \Z, escapes of characters that need none. Whatever is an ECMAScript expression as it
// stands is taken as one; the rest is translated, or refused with the place and the reason.

export interface Pattern {
  readonly source: string;
  /** Any of i, m and s. */
  readonly flags: string;
}

/** @throws SyntaxError with the reason, for people. */
export function readPattern(written: string): Pattern {
  if (compiles(written)) return { source: written, flags: '' };
  const translated = new PythonPattern(written).translate();
  try {
    new RegExp(translated.source, `u${translated.flags}`);
  } catch (thrown) {
    const reason = thrown instanceof Error ? (thrown.message.split(': ').at(-1) ?? '') : '';
    throw new SyntaxError(`not a regular expression (ECMAScript, flag u): ${reason.toLowerCase()}`, { cause: thrown });
  }
  return translated;
}

/** Null for one that can be used. */
export function wrongPattern(written: string): string | null {
  try {
    readPattern(written);
    return null;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}

function compiles(source: string): boolean {
  try {
    new RegExp(source, 'u');
    return true;
  } catch {
    return false;
  }
}

/** What Python's group syntax means here; what none of these begins is the same in both languages, or an error. */
const GROUPS: readonly (readonly [begins: RegExp, write: ((found: RegExpExecArray) => string) | string])[] = [
  [/^\(\?P<([A-Za-z_]\w*)>/u, ([, name]) => `(?<${name}>`],
  [/^\(\?P=([A-Za-z_]\w*)\)/u, ([, name]) => `\\k<${name}>`],
  [/^\(\?#[^)]*\)/u, () => ''],
  [/^\(\?>/u, 'atomic groups cannot be said here: leave out the ?>'],
  [/^\(\?\(/u, 'conditions on groups cannot be said here: write the two cases with |'],
  [/^\(\?[aiLmsux]*[aLux][aiLmsux]*[:)]/u, 'of the flags, only i, m and s can be given'],
  [/^\(\?[ims]+\)/u, 'flags may only be given at the start, as in (?i)… Or set ignoreCase'],
  [/^\(\?P/u, 'after (?P only <name> and =name may stand'],
];
const ESCAPES: Readonly<Record<string, string>> = {
  A: '(?<![\\s\\S])',
  Z: '(?![\\s\\S])',
  z: '(?![\\s\\S])',
  a: '\\x07',
};
/** Letters that an escape of ECMAScript may begin with under the flag u. */
const KNOWN_LETTERS = /[bBcdDfknpPrsStuvwWx0-9]/u;
const SYNTAX = /[\^$\\.*+?()[\]{}|/]/u;

class PythonPattern {
  readonly #written: string;
  #at = 0;

  constructor(written: string) {
    this.#written = written;
  }

  translate(): Pattern {
    const lead = /^\(\?([ims]+)\)/u.exec(this.#written);
    this.#at = lead?.[0].length ?? 0;
    let source = '';
    while (this.#at < this.#written.length) source += this.#next();
    return { source, flags: [...new Set(lead?.[1] ?? '')].join('') };
  }

  #next(): string {
    const rest = this.#written.slice(this.#at);
    const character = String.fromCodePoint(rest.codePointAt(0) ?? 0);
    if (character === '\\') return this.#escape(false);
    if (character === '[') return this.#class();
    if (character === '(') return this.#group(rest);
    const quantifier = /^\{(?:\d+(?:,\d*)?|,\d+)\}/u.exec(rest)?.[0];
    if (quantifier !== undefined) {
      this.#at += quantifier.length;
      return this.#unlessPossessive(quantifier.replace('{,', '{0,'));
    }
    this.#at += character.length;
    if (character === '{' || character === '}' || character === ']') return `\\${character}`;
    return '*+?'.includes(character) ? this.#unlessPossessive(character) : character;
  }

  #unlessPossessive(quantifier: string): string {
    if (this.#written[this.#at] !== '+') return quantifier;
    throw this.#wrong('possessive repetitions cannot be said here: leave out the second +');
  }

  #group(rest: string): string {
    for (const [begins, write] of GROUPS) {
      const found = begins.exec(rest);
      if (!found) continue;
      if (typeof write === 'string') throw this.#wrong(write);
      this.#at += found[0].length;
      return write(found);
    }
    this.#at++;
    return '(';
  }

  #class(): string {
    let source = '[';
    this.#at++;
    if (this.#written[this.#at] === '^') {
      source += '^';
      this.#at++;
    }
    for (let isFirst = true; this.#at < this.#written.length; isFirst = false) {
      const character = String.fromCodePoint(this.#written.codePointAt(this.#at) ?? 0);
      if (character === ']' && !isFirst) {
        this.#at++;
        return `${source}]`;
      }
      if (character === '\\') {
        source += this.#escape(true);
        continue;
      }
      this.#at += character.length;
      source += character === ']' || character === '[' ? `\\${character}` : character;
    }
    throw this.#wrong('a class is opened with [ and never closed');
  }

  #escape(isInClass: boolean): string {
    const start = this.#at;
    const next = this.#written.codePointAt(start + 1);
    if (next === undefined) throw this.#wrong('it ends with a backslash');
    const character = String.fromCodePoint(next);
    const long = /^\\U([0-9a-fA-F]{8})/u.exec(this.#written.slice(start));
    if (long) {
      this.#at += long[0].length;
      return `\\u{${long[1] ?? ''}}`;
    }
    this.#at += 1 + character.length;
    if (character === '-') return isInClass ? '\\-' : '-';
    if (SYNTAX.test(character)) return `\\${character}`;
    const own = Object.hasOwn(ESCAPES, character) ? ESCAPES[character] : undefined;
    if (own !== undefined && (!isInClass || character === 'a')) return own;
    if (KNOWN_LETTERS.test(character)) return `\\${character}`;
    if (!/[A-Za-z]/u.test(character)) return character;
    this.#at = start;
    throw this.#wrong(`\\${character} has no meaning here`);
  }

  #wrong(reason: string): SyntaxError {
    return new SyntaxError(`not a regular expression at character ${this.#at + 1}: ${reason}`);
  }
}

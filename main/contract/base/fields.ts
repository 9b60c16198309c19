// Schemas of the small things that appear in every format of ours: hashes, feature numbers, sites, times, text. Text is
// bounded, holds no control characters and is Unicode in composed form (NFC), so that equal-looking text is equal.
import * as v from 'valibot';

export const MAX_FEATURE = 2 ** 31 - 1;

/** sha-256: the identity of models, dictionaries, versions, behaviours. */
export const hashSchema = v.pipe(
  v.string('expected a sha-256 hash'),
  v.regex(/^[0-9a-f]{64}$/u, 'expected a sha-256 hash: 64 lower-case hex digits'),
);

export const featureSchema = v.pipe(
  v.number('expected a feature number'),
  v.integer('a feature number is a whole number'),
  v.minValue(0, 'a feature number is not negative'),
  v.maxValue(MAX_FEATURE, `a feature number is at most ${MAX_FEATURE}`),
  v.transform((feature) => feature + 0), // −0 is 0
);

/** TransformerLens name: `blocks.3.hook_resid_post`. */
export const siteSchema = v.pipe(
  v.string('expected the name of a site'),
  v.regex(/^[A-Za-z0-9_.]{1,200}$/u, 'expected the name of a site'),
);

/** A moment in UTC with milliseconds, in its one spelling: `2026-11-22T20:12:00.000Z`. */
export const timeSchema = v.pipe(
  v.string('expected a time'),
  v.check(
    (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/u.test(text) && isMoment(text),
    'expected a UTC time such as 2026-11-22T20:12:00.000Z',
  ),
);

/** One line: runs of white space, line breaks included, become one space. `longest` counts UTF-16 code units. */
export function lineSchema(longest: number, shortest = 0) {
  return v.pipe(
    v.string('expected text'),
    v.maxLength(longest, `longer than ${longest} characters`),
    v.check((text) => text.isWellFormed(), 'the text holds half a surrogate pair, which is not Unicode'),
    v.transform((text) => text.normalize('NFC').replace(/\s+/gu, ' ').trim()),
    v.check((text) => !hasControlCharacter(text), 'the text holds a control character'),
    v.minLength(shortest, 'the text is empty'),
    v.maxLength(longest, `longer than ${longest} characters`), // composing can lengthen a few scripts' text
  );
}

/** Several lines: line breaks become \n, the ends are trimmed. */
export function paragraphSchema(longest: number, shortest = 0) {
  return v.pipe(
    v.string('expected text'),
    v.maxLength(longest, `longer than ${longest} characters`),
    v.check((text) => text.isWellFormed(), 'the text holds half a surrogate pair, which is not Unicode'),
    v.transform((text) =>
      text
        .normalize('NFC')
        .replace(/\r\n?|\u2028|\u2029/gu, '\n')
        .trim(),
    ),
    v.check((text) => !hasControlCharacter(text.replace(/[\n\t]/gu, '')), 'the text holds a control character'),
    v.minLength(shortest, 'the text is empty'),
    v.maxLength(longest, `longer than ${longest} characters`),
  );
}

/** Who wrote something. */
export const authorSchema = lineSchema(200, 1);

/** C0, DEL and C1. */
function hasControlCharacter(text: string): boolean {
  return /\p{Cc}/u.test(text);
}

function isMoment(text: string): boolean {
  const moment = new Date(text);
  return !Number.isNaN(moment.getTime()) && moment.toISOString() === text;
}

/** Windows opens a device by these, whatever follows the first dot, and drops a dot at the end. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/iu;

/** Whether a folder can have the name on every system, so that a project can be copied to any. */
export function isPortable(name: string): boolean {
  return !DEVICE.test(name) && !name.endsWith('.');
}
const NOT_PORTABLE = 'Windows cannot have a folder of this name; choose another, without a dot at the end';

/** A name of something that has a folder in the project: letters, digits, dots, dashes, underscores. */
export const nameSchema = v.pipe(
  v.string('expected a name'),
  v.regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/u,
    'use up to 100 letters, digits, dots, dashes, underscores; no dot or dash first',
  ),
  v.check(isPortable, NOT_PORTABLE),
);

/**
 * A file or folder that the person pointed at (a dialog, a drop, the browser of files): the host keeps the path and gives
 * this id for it. Pages know no other way to name a place, so they reach no file that nobody chose.
 */
export const locationSchema = v.pipe(
  v.string('expected a location'),
  v.regex(/^[A-Za-z0-9_-]{1,64}$/u, 'expected a location'),
);

/** Where labels, versions, lists … say who wrote them, and why. */
export const reasonEntries = { reason: v.exactOptional(paragraphSchema(10_000)) };

/** A version, behaviour or evaluation as people name it: a name, a branch, a tag, an id or its beginning. */
export const refSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(200));

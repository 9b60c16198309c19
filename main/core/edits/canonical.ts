// Canonical JSON (RFC 8785, JCS) and the content id made from it. Equal content has one spelling, whatever the order of
// its keys, the program or the platform that wrote it: members sorted by UTF-16 code units, numbers as ECMAScript prints
// them (-0 is 0), no white space. What JSON cannot carry is refused, never dropped.
import { createHash } from 'node:crypto';
import { AppError } from '../../contract/base/errors.ts';

/** Deeper nesting than any format of ours has; refuses hostile input before the stack does. */
const MAX_DEPTH = 64;

/**
 * The one spelling of `value`. A member that is `undefined` is an absent member.
 * @throws AppError('usage') for NaN, an infinity, half a surrogate pair, anything but plain data, or nesting deeper than 64.
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0);
}

/** sha-256 (hex) of the canonical JSON in UTF-8. */
export function contentId(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value), 'utf8').digest('hex');
}

function write(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw new AppError('usage', `The content is nested deeper than ${MAX_DEPTH} levels.`);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return writeString(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new AppError('usage', `${value} is not a number that can be stored.`);
    return JSON.stringify(value); // ECMAScript's shortest form is RFC 8785's; -0 becomes 0
  }
  if (Array.isArray(value)) return `[${value.map((item: unknown) => write(item, depth + 1)).join(',')}]`;
  if (!isPlainObject(value)) throw new AppError('usage', `A ${typeof value} cannot be stored as JSON.`);
  const members: string[] = [];
  for (const key of Object.keys(value).sort()) {
    if (value[key] !== undefined) members.push(`${writeString(key)}:${write(value[key], depth + 1)}`);
  }
  return `{${members.join(',')}}`;
}

function writeString(text: string): string {
  if (!text.isWellFormed()) throw new AppError('usage', 'The text holds half a surrogate pair, which is not Unicode.');
  return JSON.stringify(text);
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

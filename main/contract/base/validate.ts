// Checks data from outside against a valibot schema, once, at the border. The error names the thing and the first thing
// wrong in it; it never quotes more than a short piece of what was given.
import * as v from 'valibot';
import { AppError, type ErrorCode } from './errors.ts';
import { nonFinitePlace } from './nonFinite.ts';

const MAX_QUOTED = 80;

/** Shortens a value so that it can stand in an error message. */
function quoted(text: string): string {
  return text.length <= MAX_QUOTED ? text : `${text.slice(0, MAX_QUOTED)}…`;
}

/**
 * Returns `value` as the schema reads it.
 * @param subject what is being checked, as it should stand in the message: 'edit.json', 'The label', …
 * @param code 'usage' for what a person typed, 'invalid-file' for what a file holds.
 * @throws AppError(code) "subject: path: reason."
 */
export function validate<const TSchema extends v.GenericSchema>(
  schema: TSchema,
  value: unknown,
  subject: string,
  code: ErrorCode = 'usage',
): v.InferOutput<TSchema> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  const last = issue.path?.at(-1);
  const place = last && nonFinitePlace(last.input, last.key);
  const reason = `${quoted(describe(issue)).replace(/\.$/u, '')}${place === undefined ? '' : ` (${place})`}`;
  throw new AppError(code, `${subject}: ${path === null ? '' : `${quoted(path)}: `}${reason}.`, {
    details: { subject, path, reason },
  });
}

function describe(issue: v.BaseIssue<unknown>): string {
  if (issue.type !== 'strict_object') return issue.message;
  return issue.expected === 'never' ? 'is not known here' : issue.expected === 'Object' ? issue.message : 'is missing';
}

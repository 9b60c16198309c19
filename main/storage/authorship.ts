// Who writes, and why: checked once, before the step of the log that carries it.
import * as v from 'valibot';
import { authorSchema } from '../contract/base/fields.ts';
import { validate } from '../contract/base/validate.ts';

export interface Authorship {
  readonly author: string;
  readonly reason?: string | undefined;
}

/** @throws AppError('usage') for what cannot be a name. */
export function checkAuthor(author: string): string {
  return validate(v.pipe(v.string(), authorSchema), author, 'The author');
}

/** What a step of the log carries of a write. @throws AppError('usage') for what cannot be a name. */
export function signed({ author, reason }: Authorship): {
  readonly author: string;
  readonly reason?: string | undefined;
} {
  return { author: checkAuthor(author), reason };
}

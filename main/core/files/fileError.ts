// File-system errors thrown through an open handle carry no path; this gives them the name of the file a person knows.

import { AppError, toAppError } from '../../contract/base/errors.ts';

/** @returns `thrown` as an AppError that names `path`, whatever the failing call knew of it. */
export function toFileError(thrown: unknown, path: string): AppError {
  if (thrown instanceof AppError) return thrown;
  if (!(thrown instanceof Error) || thrown.name === 'AbortError' || !('code' in thrown)) return toAppError(thrown);
  return toAppError(Object.assign(new Error(thrown.message, { cause: thrown }), { code: thrown.code, path }));
}

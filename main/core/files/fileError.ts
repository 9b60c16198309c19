// File-system errors thrown through an open handle carry no path; this gives them the name of the file a person knows. An
// error of one entry of a folder keeps that entry's name, and a link that leads nowhere is told from a file that is missing.
import { lstatSync, readlinkSync } from 'node:fs';
import { sep } from 'node:path';
import { AppError, toAppError } from '../../contract/base/errors.ts';

/** @returns `thrown` as an AppError that names `path`, whatever the failing call knew of it. */
export function toFileError(thrown: unknown, path: string): AppError {
  if (thrown instanceof AppError) return thrown;
  if (!(thrown instanceof Error) || thrown.name === 'AbortError' || !('code' in thrown)) return toAppError(thrown);
  const own = 'path' in thrown && typeof thrown.path === 'string' ? thrown.path : '';
  const named = own.startsWith(path.endsWith(sep) ? path : path + sep) ? own : path;
  const target = thrown.code === 'ENOENT' ? targetOfLink(named) : null;
  if (target !== null) {
    return new AppError('not-found', `${named}: this link leads to nothing: there is no ${target}.`, {
      cause: thrown,
      details: { path: named, target },
    });
  }
  return toAppError(Object.assign(new Error(thrown.message, { cause: thrown }), { code: thrown.code, path: named }));
}

function targetOfLink(path: string): string | null {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : null;
  } catch {
    return null;
  }
}

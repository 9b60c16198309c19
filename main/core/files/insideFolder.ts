// File names that come from a stranger (an index, a manifest, an archive) never lead out of their folder.

import { realpath } from 'node:fs/promises';
import { join, relative, resolve, sep, isAbsolute } from 'node:path';
import { AppError } from '../../contract/base/errors.ts';
import { toFileError } from './fileError.ts';

/**
 * `name` under `folder`, where `name` uses `/` and was written by `origin` (a file, for the message).
 * Judges the name alone: the file need not exist, and a symbolic link in its place is the caller's affair
 * (Hugging Face caches are made of links that lead out); see `realPathInside`.
 * @throws AppError `invalid-file` for an absolute path, a drive, a backslash, NUL, or an empty, `.` or `..` part.
 */
export function pathInside(folder: string, name: string, origin: string): string {
  const parts = name.split('/');
  // Backslash and colon are refused on every system, so that a file is good or bad everywhere alike.
  // eslint-disable-next-line no-control-regex -- NUL and its kin are exactly what is refused
  const refused = /[\\:\u0000-\u001f]/.test(name) || parts.some((part) => part === '' || part === '.' || part === '..');
  if (refused) {
    throw new AppError(
      'invalid-file',
      `${origin}: it names the file ${JSON.stringify(name)}, which is not inside its folder.`,
      {
        details: { path: origin, name },
      },
    );
  }
  return join(folder, ...parts);
}

/**
 * As `pathInside`, and the file must exist and, all links followed, still be inside the folder.
 * @throws AppError `invalid-file`, `not-found`.
 */
export async function realPathInside(folder: string, name: string, origin: string): Promise<string> {
  const path = pathInside(folder, name, origin);
  let real: string, realFolder: string;
  try {
    [real, realFolder] = await Promise.all([realpath(path), realpath(resolve(folder))]);
  } catch (thrown) {
    throw toFileError(thrown, path);
  }
  const way = relative(realFolder, real);
  if (way === '' || way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)) {
    throw new AppError('invalid-file', `${origin}: ${JSON.stringify(name)} is a link that leads out of its folder.`, {
      details: { path: origin, name, target: real },
    });
  }
  return real;
}

// Where things lie in a project's folder. Names are single path parts of a plain alphabet, so that a name can never lead out
// of its folder and means the same on every system.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../contract/base/errors.ts';
import { toFileError } from '../core/files/fileError.ts';
import { DATABASE_FILE } from '../storage/project/layout.ts';

/** The kinds of things that have a folder each inside the project's folder of their kind. */
const KINDS = {
  models: 'model',
  corpora: 'corpus',
  activations: 'activation store',
  dictionaries: 'dictionary',
  exports: 'export',
  findings: 'finding',
} as const;
type Kind = keyof typeof KINDS;

export async function isProject(folder: string): Promise<boolean> {
  return stat(join(folder, DATABASE_FILE)).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** @throws AppError `not-found` when `folder` is no project. */
export async function checkProject(folder: string): Promise<string> {
  if (await isProject(folder)) return folder;
  throw new AppError(
    'not-found',
    `${folder}: there is no project here. errata project new makes one; --project names another folder.`,
    { details: { path: folder } },
  );
}

export const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** The folder of the thing called `name`, whether it exists or not. @throws AppError `usage` for a name that is none. */
export function folderOf(project: string, kind: Kind, name: string): string {
  if (!NAME.test(name)) {
    throw new AppError(
      'usage',
      `"${name.slice(0, 100)}" cannot name ${withArticle(KINDS[kind])}: use letters, digits, dots, dashes and underscores.`,
    );
  }
  return join(project, kind, name);
}

function withArticle(noun: string): string {
  return `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;
}

/** A name made of any text: the last part of a path, say. */
export function nameFrom(text: string): string {
  const name = text
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 100);
  return name === '' ? 'unnamed' : name;
}

/** The names of all things of a kind that have the file `marker`, in order. */
export async function namesOf(project: string, kind: Kind, marker: string): Promise<string[]> {
  const folder = join(project, kind);
  const names: string[] = [];
  const entries = await readdir(folder).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return [];
    throw toFileError(thrown, folder);
  });
  for (const name of entries.sort()) {
    const isThere = NAME.test(name) && (await stat(join(folder, name, marker)).catch(() => undefined));
    if (isThere) names.push(name);
  }
  return names;
}

/** @throws AppError `not-found` that lists what there is, `usage`. */
export async function existingFolder(project: string, kind: Kind, name: string, marker: string): Promise<string> {
  const folder = folderOf(project, kind, name);
  if (await stat(join(folder, marker)).catch(() => undefined)) return folder;
  const names = await namesOf(project, kind, marker);
  const there =
    names.length === 0 ? 'There is none yet.' : `There ${names.length === 1 ? 'is' : 'are'}: ${names.join(', ')}.`;
  throw new AppError('not-found', `The project has no ${KINDS[kind]} "${name}". ${there}`, {
    details: { name, names },
  });
}

// Where things lie in a project's folder. Names are single path parts of a plain alphabet, so that a name can never lead out
// of its folder and means the same on every system.
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, toAppError } from '../contract/base/errors.ts';
import { isPortable } from '../contract/base/fields.ts';
import { toFileError } from '../core/files/fileError.ts';
import { DATABASE_FILE } from '../storage/project/layout.ts';

/** The kinds of things that have a folder each inside the project's folder of their kind. */
export const KINDS = {
  models: 'model',
  corpora: 'corpus',
  activations: 'activation store',
  dictionaries: 'dictionary',
  exports: 'export',
  findings: 'finding',
} as const;
export type Kind = keyof typeof KINDS;

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
  if (!isPortable(name)) {
    throw new AppError(
      'usage',
      `"${name}" cannot name ${withArticle(KINDS[kind])}: Windows cannot have a folder of this name. Choose another, without a dot at the end.`,
    );
  }
  return join(project, kind, name);
}

/**
 * On Windows and macOS, names that differ in case alone are one folder.
 * @throws AppError `exists` for the name of something else in other case.
 */
export async function checkNoTwin(project: string, kind: Kind, name: string): Promise<void> {
  const isTwin = (other: string) => other !== name && other.toLowerCase() === name.toLowerCase();
  const twin = (await entriesIn(join(project, kind))).find((entry) => isTwin(entry.name));
  if (!twin) return;
  throw new AppError(
    'exists',
    `The project has the ${KINDS[kind]} "${twin.name}", which Windows and macOS cannot tell from "${name}". Choose another name.`,
  );
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

/** The file that makes a folder one of its kind; or several, one of which it has. */
type Marker = string | readonly string[];

/** The names of all things of a kind that have the file `marker`, in order. */
export async function namesOf(project: string, kind: Kind, marker: Marker): Promise<string[]> {
  const folder = join(project, kind);
  const names: string[] = [];
  const entries = await entriesIn(folder);
  for (const name of entries.map((entry) => entry.name).sort()) {
    if (NAME.test(name) && (await hasMarker(join(folder, name), marker))) names.push(name);
  }
  return names;
}

async function hasMarker(folder: string, marker: Marker): Promise<boolean> {
  for (const file of [marker].flat()) if (await stat(join(folder, file)).catch(() => undefined)) return true;
  return false;
}

/** Something in the project's folders that cannot be read. */
export interface BrokenFolder {
  readonly kind: Kind;
  readonly name: string;
  readonly reason: string;
}

/**
 * Reads all things of a kind. One that is broken takes no other away: it is named apart, with the reason.
 * @param marker the file that makes a folder one of them; folders without it are named as broken, too.
 */
export async function readEach<T>(
  project: string,
  kind: Kind,
  marker: Marker,
  read: (name: string) => Promise<T>,
): Promise<{ readonly found: readonly T[]; readonly broken: readonly BrokenFolder[] }> {
  const found: T[] = [];
  const broken = await foldersWithout(project, kind, marker);
  const names = await namesOf(project, kind, marker);
  const readings = await Promise.all(
    names.map((name) =>
      read(name).then(
        (value) => () => void found.push(value),
        (thrown: unknown) => () => void broken.push({ kind, name, reason: toAppError(thrown).message }),
      ),
    ),
  );
  for (const keep of readings) keep(); // in the order of the names
  return { found, broken };
}

/** One broken folder as a line. */
export function brokenLine({ kind, name, reason }: BrokenFolder): string {
  return `Left out: ${kind}/${name}. ${reason}`;
}

/**
 * Folders that cannot be looked into (no permission, a link to a disk that is not there) and those with something in them that
 * is not of the kind. Empty ones are being made, or say nothing.
 */
async function foldersWithout(project: string, kind: Kind, marker: Marker): Promise<BrokenFolder[]> {
  const broken: BrokenFolder[] = [];
  for (const entry of await foldersOf(join(project, kind))) {
    const { name } = entry;
    const folder = join(project, kind, name);
    try {
      const files = await readdir(folder);
      if (files.length === 0 || [marker].flat().some((file) => files.includes(file))) continue;
      const reason = `${folder}: it has no ${[marker].flat().join(' or ')}, so it is not ${withArticle(KINDS[kind])} of this project.`;
      broken.push({ kind, name, reason });
    } catch (thrown) {
      // Deleted since it was listed: nothing is broken. A link that leads nowhere stays listed.
      if (!entry.isSymbolicLink() && isMissing(thrown)) continue;
      broken.push({ kind, name, reason: toAppError(toFileError(thrown, folder)).message });
    }
  }
  return broken;
}

async function foldersOf(folder: string): Promise<Dirent[]> {
  const entries = await entriesIn(folder);
  return entries
    .filter((entry) => NAME.test(entry.name) && !entry.isFile())
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** None where there is no such folder. @throws AppError `permission` and the like. */
export async function entriesIn(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (thrown) {
    if (isMissing(thrown)) return [];
    throw toFileError(thrown, folder);
  }
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
}

/** @throws AppError `not-found` that lists what there is, `usage`. */
export async function existingFolder(project: string, kind: Kind, name: string, marker: Marker): Promise<string> {
  const folder = folderOf(project, kind, name);
  if (await hasMarker(folder, marker)) return folder;
  const broken = (await foldersWithout(project, kind, marker)).find((each) => each.name === name);
  if (broken) throw new AppError('not-found', broken.reason, { details: { name } });
  const names = await namesOf(project, kind, marker);
  const there =
    names.length === 0 ? 'There is none yet.' : `There ${names.length === 1 ? 'is' : 'are'}: ${names.join(', ')}.`;
  throw new AppError('not-found', `The project has no ${KINDS[kind]} "${name}". ${there}`, {
    details: { name, names },
  });
}

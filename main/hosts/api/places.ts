// What a place on the disk is, for people who choose one: its name, whether it is one of ours or holds a model. And the
// browser of the web host: within its roots only, links followed before the test.
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { AppError } from '../../contract/base/errors.ts';
import type { files as filesContract } from '../../contract/api/files.ts';
import type { OutputOf } from '../../contract/rpc/procedure.ts';
import { toFileError } from '../../core/files/fileError.ts';
import type { Locations } from './locations.ts';

type Browsed = OutputOf<(typeof filesContract)['browse']>;
export type FileLocation = Browsed['place'];
type Entry = Browsed['entries'][number];
type Holds = FileLocation['holds'];
export type Purpose =
  'model' | 'project' | 'dictionary' | 'corpus' | 'labels' | 'behaviour' | 'prompts' | 'versions' | 'folder';

/** How a person points at files in a host. What a host does not offer throws `unsupported`. */
export interface FileAccess {
  readonly kind: 'dialog' | 'browser';
  pick(purpose: Purpose): Promise<FileLocation | null>;
  roots(): Promise<readonly FileLocation[]>;
  browse(path: string): Promise<Browsed>;
  locate(path: string): Promise<FileLocation>;
}

const MOST_ENTRIES = 2000;

/** @throws AppError `not-found`, `permission`, `unsupported` for what is neither file nor folder. */
export async function placeAt(path: string, locations: Locations): Promise<FileLocation> {
  const found = await stat(path).catch((thrown: unknown) => {
    throw toFileError(thrown, path);
  });
  if (!found.isDirectory() && !found.isFile()) {
    throw new AppError('unsupported', `${path}: it is neither a file nor a folder.`, { details: { path } });
  }
  const kind = found.isDirectory() ? 'folder' : 'file';
  const holds = kind === 'folder' ? await whatHolds(path) : null;
  return { location: locations.grant(path), name: basename(path) || path, path, kind, holds };
}

async function whatHolds(folder: string): Promise<Holds> {
  const has = (name: string) =>
    lstat(join(folder, name)).then(
      () => true,
      () => false,
    );
  if (await has('project.sqlite')) return 'project';
  if ((await has('cfg.json')) && (await has('sae_weights.safetensors'))) return 'dictionary';
  const hasWeights = (await has('model.safetensors')) || (await has('model.safetensors.index.json'));
  return hasWeights && (await has('config.json')) ? 'model' : null;
}

/** Whether `path` is `root` or lies in it. Both absolute, links followed. */
export function isWithin(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

export class BrowsedFiles implements FileAccess {
  readonly kind = 'browser';
  readonly #roots: readonly string[];
  readonly #locations: Locations;

  /** @param roots folders that may be browsed; those that do not exist are passed over. */
  constructor(roots: readonly string[], locations: Locations) {
    this.#roots = roots;
    this.#locations = locations;
  }

  async pick(): Promise<null> {
    throw new AppError('unsupported', 'This host has no dialogs: browse its folders.');
  }

  async roots(): Promise<readonly FileLocation[]> {
    const real = await this.#realRoots();
    return Promise.all(real.map((root) => placeAt(root, this.#locations)));
  }

  async browse(path: string): Promise<Browsed> {
    const folder = await this.#allowed(path);
    const names = await readdir(folder, { withFileTypes: true }).catch((thrown: unknown) => {
      throw toFileError(thrown, folder);
    });
    const entries: Entry[] = [];
    const shown = names.filter(({ name }) => !name.startsWith('.'));
    for (const { name } of shown) {
      const entry = await this.#entry(folder, name);
      if (entry) entries.push(entry);
    }
    entries.sort((a, b) => (a.kind === b.kind ? a.name.localeCompare(b.name) : a.kind === 'folder' ? -1 : 1));
    const roots = await this.#realRoots();
    const isRoot = roots.includes(folder) && !roots.some((root) => root !== folder && isWithin(root, folder));
    return {
      place: await placeAt(folder, this.#locations),
      parent: isRoot ? null : this.#locations.grant(dirname(folder)),
      entries: entries.slice(0, MOST_ENTRIES),
      isCut: entries.length > MOST_ENTRIES,
    };
  }

  async locate(path: string): Promise<FileLocation> {
    const home = path === '~' || path.startsWith(`~${sep}`) ? join(homedir(), path.slice(1)) : path;
    if (!isAbsolute(home)) throw new AppError('usage', 'Give the whole path, from the top.');
    return placeAt(await this.#allowed(resolve(home)), this.#locations);
  }

  /** Null for what leads out of the roots, has gone or is no file or folder. */
  async #entry(folder: string, name: string): Promise<Entry | null> {
    try {
      const path = await this.#allowed(join(folder, name));
      const found = await stat(path);
      if (!found.isDirectory() && !found.isFile()) return null;
      const isFolder = found.isDirectory();
      return {
        location: this.#locations.grant(path),
        name,
        kind: isFolder ? 'folder' : 'file',
        bytes: isFolder ? null : found.size,
        holds: isFolder ? await whatHolds(path) : null,
      };
    } catch {
      return null;
    }
  }

  async #realRoots(): Promise<readonly string[]> {
    const found = await Promise.all(this.#roots.map((root) => realpath(root).catch(() => null)));
    return [...new Set(found.filter((root) => root !== null))];
  }

  /** The real path. @throws AppError `permission` when it is in none of the roots, `not-found`. */
  async #allowed(path: string): Promise<string> {
    const refused = new AppError('permission', `${path}: it is not in a folder that may be browsed.`, {
      details: { path },
    });
    if (path.includes('\0')) throw refused;
    const roots = await this.#realRoots();
    const real = await realpath(path).catch((thrown: unknown) => {
      // Whether something exists outside of the roots is nobody's business either.
      if (!roots.some((root) => isWithin(root, resolve(path)))) throw refused;
      throw toFileError(thrown, path);
    });
    if (roots.some((root) => isWithin(root, real))) return real;
    throw refused;
  }
}

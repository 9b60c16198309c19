// A cache of the Hub as Python's tools leave it: blobs, refs, and snapshots that are links to the blobs.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { tinyModel, writeTinyModel, type TinyName, type WriteOptions } from '../models/tinyModels.ts';

export interface CachedFiles {
  readonly repository: string;
  readonly revision: string;
  /** Branches and tags that point to the revision. */
  readonly refs?: readonly string[];
  readonly files: Readonly<Record<string, Uint8Array | string>>;
}

/** Writes one revision of a repository. @returns the folder of its snapshot. */
export async function cacheRevision(
  cache: string,
  { repository, revision, refs, files }: CachedFiles,
): Promise<string> {
  const root = join(cache, `models--${repository.replace('/', '--')}`);
  const snapshot = join(root, 'snapshots', revision);
  for (const ref of refs ?? []) {
    await mkdir(dirname(join(root, 'refs', ref)), { recursive: true });
    await writeFile(join(root, 'refs', ref), revision);
  }
  await mkdir(join(root, 'blobs'), { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const blob = join(root, 'blobs', createHash('sha256').update(content).digest('hex'));
    const link = join(snapshot, name);
    await writeFile(blob, content);
    await mkdir(dirname(link), { recursive: true });
    await symlink(relative(dirname(link), blob), link);
  }
  return snapshot;
}

/** The files of a tiny model by their names; `folder` is where they are written first. */
export async function tinyModelFiles(
  folder: string,
  name: TinyName,
  options: WriteOptions = {},
): Promise<Record<string, Uint8Array>> {
  await writeTinyModel(folder, tinyModel(name), options);
  const files: Record<string, Uint8Array> = {};
  for (const file of await readdir(folder)) files[file] = await readFile(join(folder, file));
  return files;
}

// Files and folders that appear under their final name complete or not at all, also after a power loss:
// built under a partial name in the same folder, synced, renamed, and the folder synced. A process that dies leaves
// only a partial, whose name says which process made it, and where; `removeLeftovers` deletes those of dead processes.

import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { AppError } from '../../contract/base/errors.ts';
import { toFileError } from './fileError.ts';
import { isAlive, placeOfProcesses } from './processIdentity.ts';

/** `.<final name>.partial-<process id>-<where the process runs>-<random>`; earlier versions did not say where. */
const PARTIAL_NAME = /^\..+\.partial-(\d+)-(?:([0-9a-f]{8})-)?[0-9a-f]{12}$/;

/** A partial of another machine is still being built as long as something in it changes at least this often. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

/** Partials that this process is building right now: a process id alone cannot tell them from those of a namesake. */
const underWay = new Set<string>();

/** Where to build what will be `path`: next to it, under a name that no other process takes. */
export function partialPath(path: string): string {
  const maker = `${process.pid}-${placeOfProcesses()}-${randomBytes(6).toString('hex')}`;
  return join(dirname(resolve(path)), `.${basename(path)}.partial-${maker}`);
}

/** Makes a rename or a new file in `folder` survive a power loss. Windows cannot sync folders and does not need it. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes `path` through `write`, which fills the open file in any order. An existing file is replaced at the end.
 * If `write` throws, nothing remains.
 * @throws AppError `disk-full`, `permission`, `not-found` (the folder), naming `path`.
 */
export async function writeFileAtomicWith<T>(
  path: string,
  write: (file: FileHandle) => Promise<T>,
  mode?: number,
): Promise<T> {
  const partial = partialPath(path);
  underWay.add(partial);
  try {
    const file = await open(partial, 'wx', mode);
    let result: T;
    try {
      result = await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
    await syncFolder(dirname(path));
    return result;
  } catch (thrown) {
    await rm(partial, { force: true }).catch(() => undefined); // the first error is the one worth telling
    throw toFileError(thrown, path);
  } finally {
    underWay.delete(partial);
  }
}

/** @param mode of the file, less what the umask forbids. */
export async function writeFileAtomic(path: string, content: string | Uint8Array, mode?: number): Promise<void> {
  await writeFileAtomicWith(path, (file) => file.writeFile(content), mode);
}

/**
 * Builds the folder `path` through `build`, which fills the (empty, existing) folder it is given. The final name appears
 * when `build` has returned and every file in it is synced. If `build` throws, nothing remains.
 * @throws AppError `exists` when `path` exists (checked before the work and again after it), `disk-full`, `permission`.
 */
export async function buildFolderAtomic<T>(path: string, build: (partial: string) => Promise<T>): Promise<T> {
  const partial = partialPath(path);
  underWay.add(partial);
  try {
    await refuseExisting(path);
    await mkdir(partial);
    const result = await build(partial);
    await syncTree(partial);
    await refuseExisting(path); // a rename would silently replace an empty folder
    await rename(partial, path);
    await syncFolder(dirname(path));
    return result;
  } catch (thrown) {
    await rm(partial, { recursive: true, force: true }).catch(() => undefined);
    throw toFileError(thrown, path);
  } finally {
    underWay.delete(partial);
  }
}

async function refuseExisting(path: string): Promise<void> {
  const existing = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (existing) throw new AppError('exists', `${path}: it exists already.`, { details: { path } });
}

async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else if (entry.isFile()) {
      // Windows syncs only what it may write; elsewhere a hard link to somebody's read-only file can be synced too.
      const file = await open(path, process.platform === 'win32' ? 'r+' : 'r');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
    }
  }
  await syncFolder(folder);
}

/**
 * Deletes what dead processes left half-built directly in `folder`, and returns the names. A partial is kept while a
 * process with its id lives on this machine, so the id's next owner may keep an old one alive for a while: harmless.
 * Processes of other machines and containers, which share the folder, cannot be seen from here: theirs goes once nothing
 * in it has changed for a day.
 */
export async function removeLeftovers(folder: string): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await readdir(folder)) {
    const [, maker, place] = PARTIAL_NAME.exec(name) ?? [];
    const path = join(folder, name);
    if (maker === undefined || underWay.has(resolve(path))) continue;
    if (place === placeOfProcesses()) {
      if (Number(maker) !== process.pid && isAlive(Number(maker))) continue;
    } else if (Date.now() - (await lastChange(path)) < ABANDONED_MS) continue;
    await rm(path, { recursive: true, force: true });
    removed.push(name);
  }
  return removed;
}

/** In milliseconds since 1970, of the file, or of the folder and what is directly in it; 0 when it has gone meanwhile. */
async function lastChange(path: string): Promise<number> {
  const found = await lstat(path).catch(() => null);
  if (found === null) return 0;
  const within = found.isDirectory() ? await readdir(path).catch(() => []) : [];
  const times = await Promise.all(
    within.map((name) =>
      lstat(join(path, name)).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  return times.reduce((latest, time) => Math.max(latest, time), found.mtimeMs);
}

/** Some systems refuse 2 GiB and more in one call. */
const LONGEST_WRITE = 1 << 30;

/** Writes all of `bytes` at the file's current position; one system call may write less than it was given. */
export async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    const { bytesWritten } = await file.write(bytes, done, Math.min(bytes.byteLength - done, LONGEST_WRITE));
    done += bytesWritten;
  }
}

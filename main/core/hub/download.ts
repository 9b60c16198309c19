// Downloads files of a revision into the cache of the Hub, in the layout of Python's tools, under their locks: blobs by their
// hash, a snapshot of links, the branch last. What is there already is not fetched; what was begun is continued.
import { copyFile, mkdir, realpath, rename, rm, stat, statfs, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { AppError } from '../../contract/base/errors.ts';
import { byteSize } from '../../contract/base/figures.ts';
import type { OnWork } from '../../contract/base/progress.ts';
import { writeFileAtomic } from '../files/atomicWrite.ts';
import { toFileError } from '../files/fileError.ts';
import { pathInside } from '../files/insideFolder.ts';
import { fetchBlob } from './blob.ts';
import { pathsOf } from './cachePaths.ts';
import type { HubConnection } from './connection.ts';
import { withFileLock } from './fileLock.ts';
import type { RemoteFile, RemoteRevision } from './remote.ts';
import { isInside } from './snapshot.ts';

export interface DownloadOptions {
  readonly signal: AbortSignal;
  readonly onWork: OnWork;
  readonly log: (line: string) => void;
  readonly retryMs?: number;
  /** What the disk of a folder has free. */
  readonly freeBytes?: (folder: string) => Promise<number>;
}

export interface Downloaded {
  /** The folder of the snapshot. */
  readonly folder: string;
  readonly files: number;
  /** That were fetched now. */
  readonly fetchedBytes: number;
}

/**
 * @param ref the branch or tag that the person named; null for a commit.
 * @throws AppError `disk-full` before anything is fetched where the disk has too little room; as fetchBlob.
 */
export async function download(
  connection: HubConnection,
  cache: string,
  remote: RemoteRevision,
  files: readonly RemoteFile[],
  ref: string | null,
  options: DownloadOptions,
): Promise<Downloaded> {
  const { blobs, refs, snapshots, locks } = pathsOf(cache, remote.repository);
  const snapshot = join(snapshots, remote.commit);
  await mkdir(blobs, { recursive: true });
  await mkdir(snapshot, { recursive: true });
  const missing = await missingBytes(cache, remote.repository, files);
  const free = await (options.freeBytes ?? freeBytesOf)(blobs);
  if (missing > free) {
    throw new AppError(
      'disk-full',
      `${remote.repository} needs ${byteSize(missing)} more in ${cache}, where ${byteSize(free)} are free.`,
      { details: { path: cache, needed: missing, free } },
    );
  }
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = total - (await missingBytes(cache, remote.repository, files, { countsPartials: true }));
  const work = (stage: string) => options.onWork({ stage, done, total, unit: 'bytes' });
  for (const file of files) {
    const blob = join(blobs, file.etag);
    const onWait = () => work('Waiting for another program that downloads the same');
    const onMissing = () => options.log('No program here can take the locks of other tools; the hashes are checked.');
    if (!(await isFile(blob))) {
      await withFileLock(join(locks, `${file.etag}.lock`), { signal: options.signal, onWait, onMissing }, async () => {
        if (await isFile(blob)) {
          done += file.bytes; // another program was faster
          return;
        }
        await fetchBlob(connection, remote, file, blob, {
          ...options,
          onBytes: (bytes) => {
            done += bytes;
            work(`Downloading ${file.name}`);
          },
        });
      });
    }
    await pointTo(cache, snapshot, file.name, blob);
  }
  if (ref !== null) {
    const path = pathInside(refs, ref, 'The revision');
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, remote.commit);
  }
  return { folder: snapshot, files: files.length, fetchedBytes: missing };
}

export async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** Bytes that are still to be fetched; with `countsPartials`, all of a blob that is not whole. */
export async function missingBytes(
  cache: string,
  repository: string,
  files: readonly RemoteFile[],
  { countsPartials = false } = {},
): Promise<number> {
  const { blobs } = pathsOf(cache, repository);
  let missing = 0;
  for (const { etag, bytes } of new Map(files.map((file) => [file.etag, file])).values()) {
    if (await isFile(join(blobs, etag))) continue;
    const begun = countsPartials ? null : await stat(join(blobs, `${etag}.incomplete`)).catch(() => null);
    missing += bytes - (begun === null || begun.size > bytes ? 0 : begun.size);
  }
  return missing;
}

/** Makes the file of the snapshot a relative link to its blob; a copy where the system has no links. */
async function pointTo(cache: string, snapshot: string, name: string, blob: string): Promise<void> {
  const link = pathInside(snapshot, name, "The Hub's list");
  const folder = dirname(link);
  await mkdir(folder, { recursive: true });
  if (!isInside(await realpath(cache), await realpath(folder))) {
    throw new AppError('permission', `${folder}: this folder is a link out of the cache; nothing is written there.`);
  }
  if ((await realpath(link).catch(() => null)) === (await realpath(blob))) return;
  const partial = `${link}.${process.pid}.partial`;
  try {
    await rm(partial, { force: true });
    await symlink(relative(folder, blob), partial).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== 'EPERM' && thrown.code !== 'ENOSYS') throw thrown;
      return copyFile(blob, partial);
    });
    await rename(partial, link);
  } catch (thrown) {
    await rm(partial, { force: true }).catch(() => undefined);
    throw toFileError(thrown, link);
  }
}

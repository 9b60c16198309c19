// One blob of the cache, fetched from the Hub: into <etag>.incomplete, which a later try continues, and named <etag> when its
// bytes are those that the name promises. The name is a hash of the content, so what is there under it is whole and right.
import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { AppError, toAppError } from '../../contract/base/errors.ts';
import { syncFolder } from '../files/atomicWrite.ts';
import { toFileError } from '../files/fileError.ts';
import type { HubConnection } from './connection.ts';
import type { RemoteFile, RemoteRevision } from './remote.ts';

export interface FetchOptions {
  readonly signal: AbortSignal;
  /** Told of bytes that are there: those on the disk before, and those that came. Negative where a try begins again. */
  readonly onBytes: (bytes: number) => void;
  readonly log: (line: string) => void;
  /** Before the first new try; doubled for each that brought nothing. */
  readonly retryMs?: number;
}

/** Tries in a row that bring nothing before it gives up. */
const MOST_FAILURES = 5;
const READ_BYTES = 1 << 20;
/** Never through a link that somebody put there. Windows has no such flag, and no such links by default. */
const FLAGS = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);

/** @throws AppError `mismatch` for other bytes than the Hub's list says; `disk-full`, `unreachable`, `permission`, `cancelled`. */
export async function fetchBlob(
  connection: HubConnection,
  remote: Pick<RemoteRevision, 'repository' | 'commit'>,
  file: RemoteFile,
  blob: string,
  options: FetchOptions,
): Promise<void> {
  const incomplete = `${blob}.incomplete`;
  for (let isSecond = false; ; isSecond = true) {
    const { isRight, wasResumed } = await fill(connection, remote, file, incomplete, options).catch(
      async (thrown: unknown) => {
        if (toAppError(thrown).code === 'mismatch') await rm(incomplete, { force: true });
        throw thrown;
      },
    );
    if (isRight) break;
    await rm(incomplete, { force: true });
    // What an earlier try left may have been wrong: begin once more from nothing.
    if (!wasResumed || isSecond) throw otherFile(file, 'has another hash than');
    options.onBytes(-file.bytes);
    options.log(`${file.name}: what was there already was wrong; fetching it from the beginning.`);
  }
  await rename(incomplete, blob);
  await syncFolder(dirname(blob));
}

function otherFile({ name, etag }: RemoteFile, how: string): AppError {
  const details = { file: name, expected: etag };
  return new AppError('mismatch', `${name} ${how} the Hub's list says. It was deleted; try again.`, { details });
}

async function fill(
  connection: HubConnection,
  remote: Pick<RemoteRevision, 'repository' | 'commit'>,
  file: RemoteFile,
  incomplete: string,
  options: FetchOptions,
): Promise<{ readonly isRight: boolean; readonly wasResumed: boolean }> {
  const handle = await open(incomplete, FLAGS, 0o644).catch((thrown: unknown) => {
    throw toFileError(thrown, incomplete);
  });
  try {
    const partial = await Partial.of(handle, file, options);
    const wasResumed = partial.bytes > 0;
    await receive(connection, remote, file, partial, options);
    await handle.sync();
    return { isRight: partial.digest() === file.etag, wasResumed };
  } catch (thrown) {
    throw toFileError(thrown, incomplete);
  } finally {
    await handle.close();
  }
}

/** The file that grows, and the hash of what is in it. */
class Partial {
  readonly #handle: FileHandle;
  readonly #file: RemoteFile;
  readonly #onBytes: (bytes: number) => void;
  #hash: Hash;
  bytes = 0;

  private constructor(handle: FileHandle, file: RemoteFile, { onBytes }: FetchOptions) {
    this.#handle = handle;
    this.#file = file;
    this.#onBytes = onBytes;
    this.#hash = hashFor(file);
  }

  /** With what the file holds already. */
  static async of(handle: FileHandle, file: RemoteFile, options: FetchOptions): Promise<Partial> {
    const partial = new Partial(handle, file, options);
    const { size } = await handle.stat();
    if (size > file.bytes) await handle.truncate(0);
    else await partial.#readBack(size, options.signal);
    return partial;
  }

  async #readBack(size: number, signal: AbortSignal): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    while (this.bytes < size) {
      signal.throwIfAborted();
      const { bytesRead } = await this.#handle.read(buffer, 0, Math.min(READ_BYTES, size - this.bytes), this.bytes);
      if (bytesRead === 0) break;
      this.#count(buffer.subarray(0, bytesRead));
    }
  }

  #count(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.bytes += chunk.byteLength;
    this.#onBytes(chunk.byteLength);
  }

  async add(chunk: Uint8Array): Promise<void> {
    if (this.bytes + chunk.byteLength > this.#file.bytes) throw otherFile(this.#file, 'is longer than');
    for (let done = 0; done < chunk.byteLength;) {
      done += (await this.#handle.write(chunk, done, chunk.byteLength - done, this.bytes + done)).bytesWritten;
    }
    this.#count(chunk);
  }

  async empty(): Promise<void> {
    await this.#handle.truncate(0);
    this.#onBytes(-this.bytes);
    this.bytes = 0;
    this.#hash = hashFor(this.#file);
  }

  digest(): string {
    return this.#hash.digest('hex');
  }
}

/** Large files are named by their SHA-256, small ones by the SHA-1 that git gives a blob. */
function hashFor({ etag, bytes }: RemoteFile): Hash {
  if (etag.length === 64) return createHash('sha256');
  return createHash('sha1').update(`blob ${bytes}\0`);
}

async function receive(
  connection: HubConnection,
  remote: Pick<RemoteRevision, 'repository' | 'commit'>,
  file: RemoteFile,
  partial: Partial,
  { signal, log, retryMs = 500 }: FetchOptions,
): Promise<void> {
  let validator: string | null = null;
  let failures = 0;
  let most = partial.bytes;
  while (partial.bytes < file.bytes) {
    const before = partial.bytes;
    try {
      if (before > 0 && validator === null) validator = await validatorOf(connection, remote, file, signal);
      const answer = await connection.file(remote.repository, remote.commit, file.name, {
        signal,
        ...(before > 0 ? { range: `bytes=${before}-` } : {}),
        ...(before > 0 && validator !== null ? { ifRange: validator } : {}),
      });
      if (answer.status === 416) throw otherFile(file, 'is shorter than');
      validator = strongEtag(answer.headers) ?? validator;
      if (before > 0 && !continuesAt(answer, before)) {
        if (answer.status !== 200) answer.close();
        await partial.empty(); // the whole file comes, or nothing that can be used
      }
      if (answer.status === 200 || answer.status === 206)
        for await (const chunk of answer.chunks) await partial.add(chunk);
      if (partial.bytes < file.bytes) throw new AppError('unreachable', `The connection for ${file.name} ended early.`);
    } catch (thrown) {
      if (signal.aborted) throw new AppError('cancelled', 'Cancelled.');
      if (!(thrown instanceof AppError) || !['unreachable', 'busy'].includes(thrown.code)) throw thrown;
      failures = partial.bytes > most ? 1 : failures + 1;
      most = Math.max(most, partial.bytes);
      if (failures > MOST_FAILURES) throw thrown;
      log(`${file.name}: ${thrown.message} Trying again.`);
      await wait(retryMs * 2 ** (failures - 1), undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Whether the answer is the rest of the file from `bytes` on. */
function continuesAt(
  { status, headers }: { readonly status: number; readonly headers: Headers },
  bytes: number,
): boolean {
  return status === 206 && (headers.get('Content-Range') ?? '').startsWith(`bytes ${bytes}-`);
}

/** Of the host that has the bytes, which may be another than the Hub and have another name for them: one byte tells. */
async function validatorOf(
  connection: HubConnection,
  { repository, commit }: Pick<RemoteRevision, 'repository' | 'commit'>,
  { name }: RemoteFile,
  signal: AbortSignal,
): Promise<string | null> {
  const answer = await connection.file(repository, commit, name, { signal, range: 'bytes=0-0' });
  answer.close();
  return strongEtag(answer.headers);
}

/** Null for a weak one, which no part of a file can be checked with. */
function strongEtag(headers: Headers): string | null {
  const etag = headers.get('ETag');
  return etag !== null && /^"[^"]*"$/u.test(etag) ? etag : null;
}

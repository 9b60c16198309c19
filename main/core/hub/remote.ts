// A repository as the Hub describes it: the files of a revision, and the headers of its safetensors, which range requests fetch
// without the weights. Everything here came from a server and is bounded.
import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';
import { commitSchema } from '../../contract/domain/hub.ts';
import type { ByteSource } from '../files/byteSource.ts';
import { pathInside } from '../files/insideFolder.ts';
import { readSafetensorsHeader, type SafetensorsHeader } from '../formats/safetensors.ts';
import { readBounded, type HubConnection } from './connection.ts';
import { matchesPattern } from './namePattern.ts';

export interface RemoteFile {
  /** With `/`. */
  readonly name: string;
  readonly bytes: number;
  /** The name of its blob: the SHA-256 of a large file, git's SHA-1 of a small one. */
  readonly etag: string;
}

export interface RemoteRevision {
  readonly repository: string;
  readonly commit: string;
  /** By name. */
  readonly files: readonly RemoteFile[];
}

const size = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const sha1 = v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/u));
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/u));
const revisionAnswer = v.object({
  sha: commitSchema,
  siblings: v.pipe(
    v.array(
      v.object({
        rfilename: v.pipe(v.string(), v.minLength(1), v.maxLength(1000)),
        size: v.nullish(size),
        blobId: v.nullish(sha1),
        lfs: v.nullish(v.object({ sha256, size })),
      }),
    ),
    v.maxLength(500_000),
  ),
});

/** @param revision a branch, a tag or a commit. @throws AppError `not-found`, `permission`, `unreachable`, `invalid-file`. */
export async function describeRemote(
  connection: HubConnection,
  repository: string,
  revision: string,
  signal: AbortSignal,
): Promise<RemoteRevision> {
  const path = `/api/models/${repository}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const { sha, siblings } = await connection.json(path, revisionAnswer, repository, signal);
  const files = siblings.flatMap(({ rfilename: name, size: bytes, blobId, lfs }): RemoteFile[] => {
    pathInside('/', name, `The Hub's list of ${repository}`);
    if (lfs) return [{ name, bytes: lfs.size, etag: lfs.sha256 }];
    return bytes == null || blobId == null ? [] : [{ name, bytes, etag: blobId }];
  });
  return { repository, commit: sha, files: files.sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

/** What opening a model can need, in the top folder. Weights come as safetensors only: other files can run code when read. */
const MODEL_FILES: readonly RegExp[] = [
  /^[^/]+\.(?:json|txt|jinja|tiktoken)$/u,
  /^tokenizer\.model$/u,
  /^model(?:-\d+-of-\d+)?\.safetensors$/u,
];

/**
 * The files to fetch: those of the patterns, or without any those that a model needs.
 * @throws AppError `empty` when there are none.
 */
export function chooseFiles(remote: RemoteRevision, patterns: readonly string[]): readonly RemoteFile[] {
  const isChosen = (name: string) =>
    patterns.length > 0
      ? patterns.some((pattern) => matchesPattern(name, pattern))
      : MODEL_FILES.some((model) => model.test(name));
  if (patterns.length === 0 && !remote.files.some(({ name }) => name === 'config.json')) {
    throw new AppError(
      'empty',
      `${remote.repository} is not a model: it has no config.json. Say which of its files you want: --file "layer_7/*".`,
    );
  }
  const chosen = remote.files.filter(({ name }) => isChosen(name));
  if (chosen.length > 0) return withoutDoubles(chosen, patterns.length > 0);
  throw new AppError('empty', `${remote.repository} has no file that is called ${patterns.join(' or ')}.`);
}

/** One model.safetensors wins over shards, as where a model is opened. */
function withoutDoubles(files: readonly RemoteFile[], isAsked: boolean): readonly RemoteFile[] {
  if (isAsked || !files.some(({ name }) => name === 'model.safetensors')) return files;
  return files.filter(({ name }) => !/^model-\d+-of-\d+\.safetensors$/u.test(name));
}

/** The header of a safetensors file, by range requests. @throws AppError `invalid-file`, and as the connection. */
export async function readRemoteHeader(
  connection: HubConnection,
  { repository, commit }: Pick<RemoteRevision, 'repository' | 'commit'>,
  file: RemoteFile,
  signal: AbortSignal,
): Promise<SafetensorsHeader> {
  const first = await readRange(
    connection,
    { repository, commit },
    file,
    [0, Math.min(file.bytes, FIRST_BYTES)],
    signal,
  );
  const source: ByteSource = {
    name: `${repository}: ${file.name}`,
    size: file.bytes,
    read: async (offset, length) => {
      if (offset + length <= first.byteLength) return new Uint8Array(first.subarray(offset, offset + length));
      return new Uint8Array(
        await readRange(connection, { repository, commit }, file, [offset, offset + length], signal),
      );
    },
    readInto: async (target, offset) => target.set(await source.read(offset, target.byteLength)),
    close: async () => {},
  };
  return readSafetensorsHeader(source);
}

/** Most headers are no longer, so one request brings them. */
const FIRST_BYTES = 1 << 16;

/** @throws AppError `unreachable` when another range comes. */
export async function readRange(
  connection: HubConnection,
  { repository, commit }: Pick<RemoteRevision, 'repository' | 'commit'>,
  { name, bytes }: RemoteFile,
  [from, to]: readonly [number, number],
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (to <= from) return new Uint8Array();
  const answer = await connection.file(repository, commit, name, { signal, range: `bytes=${from}-${to - 1}` });
  const isWhole = answer.status === 200 && from === 0 && to === bytes;
  if (answer.status !== 206 && !isWhole) {
    answer.close();
    throw new AppError('unreachable', `${connection.endpoint} does not answer range requests for ${name}.`);
  }
  const read = await readBounded(answer, to - from);
  if (read.byteLength === to - from) return read;
  throw new AppError(
    'unreachable',
    `${connection.endpoint} answered ${read.byteLength} bytes of ${name}, not ${to - from}.`,
  );
}

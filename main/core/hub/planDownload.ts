// What a download brings and takes, from lists and headers alone: files, bytes, the tensors with their shapes, the memory that
// the model will take. Nothing is written.
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isObject } from '../files/json.ts';
import { dtypeName } from '../formats/dtype.ts';
import type { HubConnection } from './connection.ts';
import { freeBytesOf, missingBytes } from './download.ts';
import {
  chooseFiles,
  describeRemote,
  readRange,
  readRemoteHeader,
  type RemoteFile,
  type RemoteRevision,
} from './remote.ts';

export interface DownloadPlan {
  readonly repository: string;
  readonly commit: string;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
  readonly bytes: number;
  /** Those that are not in the cache yet. */
  readonly bytesToFetch: number;
  readonly freeBytes: number;
  /** As config.json says; null where this is not a model. */
  readonly modelType: string | null;
  /** Of the safetensors among the files. */
  readonly tensors: number;
  readonly parameters: number;
  /** The largest, each with the file that it is in. */
  readonly largest: readonly TensorFacts[];
  /** As float32, which is what all weights are computed in. */
  readonly memoryBytes: number;
}

interface TensorFacts {
  readonly file: string;
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

const SHOWN_TENSORS = 12;
/** A repository of dictionaries can have thousands; then those of the first are shown. */
const MOST_HEADERS = 200;
const AT_ONCE = 4;
const MOST_CONFIG_BYTES = 1 << 20;
const FLOAT32_BYTES = 4;

/** @throws AppError as describeRemote, chooseFiles and readRemoteHeader. */
export async function planDownload(
  connection: HubConnection,
  cache: string,
  { repository, revision, patterns }: { repository: string; revision: string; patterns: readonly string[] },
  signal: AbortSignal,
): Promise<DownloadPlan> {
  const remote = await describeRemote(connection, repository, revision, signal);
  const files = chooseFiles(remote, patterns);
  const tensors = await tensorsOf(connection, remote, files, signal);
  const parameters = tensors.reduce((sum, { shape }) => sum + elements(shape), 0);
  return {
    repository,
    commit: remote.commit,
    files: files.map(({ name, bytes }) => ({ name, bytes })),
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    bytesToFetch: await missingBytes(cache, repository, files),
    freeBytes: await freeBytesOf(await existingParent(cache)),
    modelType: await modelTypeOf(connection, remote, signal),
    tensors: tensors.length,
    parameters,
    largest: tensors.toSorted((a, b) => elements(b.shape) - elements(a.shape)).slice(0, SHOWN_TENSORS),
    memoryBytes: parameters * FLOAT32_BYTES,
  };
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, axis) => product * axis, 1);
}

async function tensorsOf(
  connection: HubConnection,
  remote: RemoteRevision,
  files: readonly RemoteFile[],
  signal: AbortSignal,
): Promise<readonly TensorFacts[]> {
  const queue = files.filter(({ name }) => name.endsWith('.safetensors')).slice(0, MOST_HEADERS);
  const found = new Map<string, readonly TensorFacts[]>();
  const worker = async () => {
    for (let file = queue.shift(); file; file = queue.shift()) {
      const { name: of } = file;
      const { tensors } = await readRemoteHeader(connection, remote, file, signal);
      const facts = [...tensors].map(([name, { dtype, shape }]) => ({
        file: of,
        name,
        dtype: dtypeName(dtype),
        shape,
      }));
      found.set(of, facts);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return files.flatMap(({ name }) => found.get(name) ?? []);
}

async function modelTypeOf(
  connection: HubConnection,
  remote: RemoteRevision,
  signal: AbortSignal,
): Promise<string | null> {
  const config = remote.files.find(({ name, bytes }) => name === 'config.json' && bytes <= MOST_CONFIG_BYTES);
  if (!config) return null;
  const bytes = await readRange(connection, remote, config, [0, config.bytes], signal);
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const type = isObject(parsed) ? parsed['model_type'] : null;
    return typeof type === 'string' ? type.slice(0, 100) : null;
  } catch {
    return null; // opening it says what is wrong with it
  }
}

async function existingParent(path: string): Promise<string> {
  const isThere = await stat(path).catch(() => null);
  return isThere || dirname(path) === path ? path : existingParent(dirname(path));
}

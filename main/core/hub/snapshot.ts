// One revision of a repository in the cache of the Hub, read where it is: which files are there, whether shards are missing,
// and whether every link stays inside the cache.
import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { AppError } from '../../contract/base/errors.ts';
import { toFileError } from '../files/fileError.ts';
import { isObject, readJson, readOptionalJson } from '../files/json.ts';
import { walkFiles } from './walkFiles.ts';

const SINGLE_FILE = 'model.safetensors';
const INDEX_FILE = 'model.safetensors.index.json';
const MAX_INDEX_BYTES = 100_000_000;

export interface Snapshot {
  /** Names with `/`, sorted; a link to nothing is not there. */
  readonly files: readonly string[];
  /** Of what the links lead to, each counted once. */
  readonly bytes: number;
  /** The newest change of a file, in milliseconds; 0 without files. */
  readonly changedMs: number;
  /** As config.json says; null where this is not a model. */
  readonly modelType: string | null;
  /** Weights of a model that are not there. */
  readonly missing: readonly string[];
}

/**
 * @param folder `snapshots/<commit>`.
 * @throws AppError `permission` for a link that leads out of the cache; `not-found`, `invalid-file`.
 */
export async function readSnapshot(cache: string, folder: string): Promise<Snapshot> {
  const root = await realpath(cache).catch((thrown: unknown) => {
    throw toFileError(thrown, cache);
  });
  const blobs = new Map<string, { readonly size: number; readonly mtimeMs: number }>();
  const files: string[] = [];
  for (const name of await walkFiles(folder)) {
    const path = join(folder, name);
    const real = await realpath(path).catch(() => null); // a link to nothing: its download was stopped
    if (real === null) continue;
    if (!isInside(root, real)) throw leadsOut(cache, path, real);
    const found = await stat(real);
    if (!found.isFile()) continue;
    blobs.set(real, found);
    files.push(name);
  }
  const stats = [...blobs.values()];
  const modelType = files.includes('config.json') ? await modelTypeOf(folder) : null;
  return {
    files,
    bytes: stats.reduce((sum, { size }) => sum + size, 0),
    changedMs: stats.reduce((latest, { mtimeMs }) => Math.max(latest, mtimeMs), 0),
    modelType,
    missing: modelType === null ? [] : await missingWeights(folder, new Set(files)),
  };
}

export function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function leadsOut(cache: string, path: string, target: string): AppError {
  return new AppError(
    'permission',
    `${path}: this link leads out of the cache, to ${target}. Only files inside ${cache} are opened from there; errata model add adds a folder elsewhere.`,
    { details: { path, target } },
  );
}

async function modelTypeOf(folder: string): Promise<string | null> {
  const type = (await readOptionalJson(join(folder, 'config.json')))?.['model_type'];
  return typeof type === 'string' ? type.slice(0, 100) : null;
}

async function missingWeights(folder: string, files: ReadonlySet<string>): Promise<readonly string[]> {
  if (files.has(SINGLE_FILE)) return [];
  if (!files.has(INDEX_FILE)) return [SINGLE_FILE];
  return shardsOf(await readJson(join(folder, INDEX_FILE), MAX_INDEX_BYTES)).filter((shard) => !files.has(shard));
}

/** The files that an index names, sorted. What is not an index names none: opening the model says what is wrong with it. */
export function shardsOf(index: unknown): readonly string[] {
  const map = isObject(index) ? index['weight_map'] : null;
  if (!isObject(map)) return [];
  return [...new Set(Object.values(map).filter((shard) => typeof shard === 'string'))].sort();
}

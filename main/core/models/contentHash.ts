// A model's identity: a SHA-256 over the contents of config.json and the weight files, whatever they are called and wherever
// they lie. Hashing many gigabytes takes a while, so the hash of each file is remembered with its size and time of change.
import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { OnWork } from '../../contract/base/progress.ts';
import { writeFileAtomic } from '../files/atomicWrite.ts';
import { toFileError } from '../files/fileError.ts';
import { hashBytes, hashFile } from '../files/hash.ts';
import { isObject, readOptionalJson } from '../files/json.ts';

interface KnownHash {
  readonly size: number;
  readonly mtimeMs: number;
  readonly sha256: string;
}

/**
 * @param weightFiles real paths.
 * @param cacheFile a JSON file of ours that remembers the hashes; it may be absent and is rewritten when it changes.
 * @throws AppError `not-found`, `permission`, `cancelled`.
 */
export async function contentHash(
  modelFolder: string,
  weightFiles: readonly string[],
  cacheFile?: string,
  signal?: AbortSignal,
  onWork?: OnWork,
): Promise<string> {
  const known = cacheFile === undefined ? new Map<string, KnownHash>() : await readKnown(cacheFile);
  let hasChanged = false;
  let done = 0;
  const total = onWork ? await totalBytes(weightFiles) : null;
  const onBytes = (bytes: number) => {
    done += bytes;
    onWork?.({ stage: 'Reading weights', done: Math.min(done, total ?? done), total, unit: 'bytes' });
  };
  const hashOf = async (path: string): Promise<string> => {
    const { size, mtimeMs } = await stat(path).catch((thrown: unknown) => {
      throw toFileError(thrown, path);
    });
    const entry = known.get(path);
    if (entry?.size === size && entry.mtimeMs === mtimeMs) return entry.sha256;
    const sha256 = await hashFile(path, signal, onBytes);
    known.set(path, { size, mtimeMs, sha256 });
    hasChanged = true;
    return sha256;
  };
  const config = await hashOf(await realpath(join(modelFolder, 'config.json')));
  const weights: string[] = [];
  for (const file of weightFiles) weights.push(await hashOf(file));
  if (cacheFile !== undefined && hasChanged) {
    await writeFileAtomic(cacheFile, `${JSON.stringify(Object.fromEntries(known), null, 2)}\n`);
  }
  return hashBytes(['errata-model-1', config, ...weights.sort()].join('\n'));
}

async function totalBytes(files: readonly string[]): Promise<number> {
  let total = 0;
  for (const file of files)
    total += await stat(file).then(
      ({ size }) => size,
      () => 0,
    );
  return total;
}

async function readKnown(cacheFile: string): Promise<Map<string, KnownHash>> {
  const known = new Map<string, KnownHash>();
  for (const [path, entry] of Object.entries((await readOptionalJson(cacheFile)) ?? {})) {
    if (!isObject(entry)) continue;
    const { size, mtimeMs, sha256 } = entry;
    if (typeof size === 'number' && typeof mtimeMs === 'number' && typeof sha256 === 'string') {
      known.set(path, { size, mtimeMs, sha256 });
    }
  }
  return known;
}

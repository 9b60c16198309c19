// The weights of a Hugging Face model folder: one model.safetensors, or shards and an index. Reads headers only.

import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, toAppError } from '../../contract/base/errors.ts';
import { openFile } from '../files/byteSource.ts';
import { toFileError } from '../files/fileError.ts';
import { pathInside } from '../files/insideFolder.ts';
import { readSafetensorsHeader, type SafetensorsHeader, type TensorInfo } from './safetensors.ts';
import { readJson } from '../files/json.ts';

const SINGLE_FILE = 'model.safetensors';
const INDEX_FILE = 'model.safetensors.index.json';
const MAX_INDEX_BYTES = 100_000_000;

export interface StoredTensor extends TensorInfo {
  /** Real path of the file it is in: the caches of the Hub consist of links. */
  readonly file: string;
}

/**
 * Every tensor by name. As in transformers, model.safetensors wins over an index beside it, and tensors that a shard
 * holds but the index does not name do not count.
 * Shards may be links to elsewhere (the person's own cache); the names in the index may not lead out.
 * @throws AppError `not-found` when there are no safetensors or a shard is missing; `invalid-file` when a file is damaged
 * or the index lies.
 */
export async function openSafetensorsFolder(folder: string): Promise<ReadonlyMap<string, StoredTensor>> {
  const single = join(folder, SINGLE_FILE);
  if (await exists(single)) {
    const { file, header } = await readShard(single);
    return new Map([...header.tensors].map(([name, info]) => [name, { ...info, file }]));
  }
  const index = join(folder, INDEX_FILE);
  if (await exists(index)) return readSharded(folder, index);
  await stat(folder).catch((thrown: unknown) => {
    throw toFileError(thrown, folder);
  });
  throw new AppError('not-found', `${folder}: there is neither ${SINGLE_FILE} nor ${INDEX_FILE} in this folder.`, {
    details: { path: folder },
  });
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (thrown) {
    const error = toFileError(thrown, path);
    if (error.code === 'not-found') return false;
    throw error;
  }
}

async function readShard(path: string): Promise<{ file: string; header: SafetensorsHeader }> {
  const source = await openFile(path);
  try {
    return { file: await realpath(path), header: await readSafetensorsHeader(source) };
  } finally {
    await source.close();
  }
}

async function readSharded(folder: string, index: string): Promise<Map<string, StoredTensor>> {
  const shards = new Map<string, { file: string; header: SafetensorsHeader }>();
  const tensors = new Map<string, StoredTensor>();
  for (const [tensor, shard] of await readIndex(index)) {
    let opened = shards.get(shard);
    if (!opened) {
      opened = await readShard(pathInside(folder, shard, index)).catch((thrown: unknown) => {
        const error = toAppError(thrown);
        if (error.code !== 'not-found') throw error;
        throw new AppError('not-found', `${index}: the shard ${shard} that it names is missing.`, {
          details: { path: index, shard },
          cause: error,
        });
      });
      shards.set(shard, opened);
    }
    const info = opened.header.tensors.get(tensor);
    if (!info) {
      throw new AppError(
        'invalid-file',
        `${index}: it says that ${JSON.stringify(tensor)} is in ${shard}, but it is not.`,
        {
          details: { path: index, tensor, shard },
        },
      );
    }
    tensors.set(tensor, { ...info, file: opened.file });
  }
  return tensors;
}

/** The index's weight_map: tensor name → shard name. */
async function readIndex(index: string): Promise<[string, string][]> {
  const invalid = (reason: string) =>
    new AppError('invalid-file', `${index}: ${reason}.`, { details: { path: index } });
  const parsed = await readJson(index, MAX_INDEX_BYTES);
  const weightMap: unknown =
    typeof parsed === 'object' && parsed !== null && 'weight_map' in parsed ? parsed.weight_map : null;
  if (typeof weightMap !== 'object' || weightMap === null || Array.isArray(weightMap)) {
    throw invalid('it has no weight_map from tensors to shards');
  }
  const entries = Object.entries(weightMap);
  if (entries.length === 0) throw invalid('its weight_map is empty');
  return entries.map(([tensor, shard]) => {
    if (typeof shard !== 'string') throw invalid(`its weight_map gives no file for ${JSON.stringify(tensor)}`);
    return [tensor, shard];
  });
}

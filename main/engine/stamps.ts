// What is kept open is known by the stamps of its files: a folder that has gone, or holds something else by now, must not be
// answered for by what is still in memory.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { toFileError } from '../core/files/fileError.ts';
import { TEXT_FILES } from '../core/models/textFiles.ts';

/** @throws AppError `not-found`, `permission`. */
export async function fileStamp(path: string): Promise<string> {
  try {
    return `${path} ${(await stat(path)).mtimeMs}`;
  } catch (thrown) {
    throw toFileError(thrown, path);
  }
}

/** Of a model with its tokenizer and template. @throws AppError as fileStamp. */
export async function modelStamp({ folder, bos }: { folder: string; bos: string }): Promise<string> {
  const optional = TEXT_FILES.map((name) => fileStamp(join(folder, name)).catch(() => ''));
  return [bos, await fileStamp(join(folder, 'config.json')), ...(await Promise.all(optional))].join(' ');
}

// How much lies at a path: of a file its size, of a folder that of all files in it, however deep. Links are not followed.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { toFileError } from './fileError.ts';

/** @throws AppError `not-found`, `permission`. */
export async function folderBytes(path: string): Promise<number> {
  try {
    const found = await stat(path);
    if (!found.isDirectory()) return found.size;
    let bytes = 0;
    for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
    }
    return bytes;
  } catch (thrown) {
    throw toFileError(thrown, path);
  }
}

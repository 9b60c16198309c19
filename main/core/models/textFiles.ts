// The files next to config and weights that decide which tokens a model reads and where its text ends: part of what it is. Each
// is known by the SHA-256 of its content, so that a change can be named.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toFileError } from '../files/fileError.ts';

export const TEXT_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
  'generation_config.json',
] as const;
export type TextFile = (typeof TEXT_FILES)[number];

/** Of those that are there. */
export type TextFileHashes = Readonly<Partial<Record<TextFile, string>>>;

/** @throws AppError `permission` and the like; a file that is not there is left out. */
export async function hashTextFiles(folder: string): Promise<TextFileHashes> {
  const hashes: Partial<Record<TextFile, string>> = {};
  for (const name of TEXT_FILES) {
    const path = join(folder, name);
    try {
      hashes[name] = createHash('sha256')
        .update(await readFile(path))
        .digest('hex');
    } catch (thrown) {
      const error = toFileError(thrown, path);
      if (error.code !== 'not-found') throw error;
    }
  }
  return hashes;
}

/** The files that differ. */
export function changedTextFiles(before: TextFileHashes, now: TextFileHashes): readonly TextFile[] {
  return TEXT_FILES.filter((name) => before[name] !== now[name]);
}

// The files of a folder of the cache, at any depth: bounded, because what is in a cache came from strangers.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../contract/base/errors.ts';
import { toFileError } from '../files/fileError.ts';

const MOST_FILES = 100_000;
const DEEPEST = 20;

/** Names with `/`, sorted, links among them; links to folders are not followed. @throws AppError `unsupported`, `not-found`. */
export async function walkFiles(folder: string): Promise<readonly string[]> {
  const files: string[] = [];
  async function walk(within: string, depth: number): Promise<void> {
    if (depth > DEEPEST) throw tooMuch(folder);
    for (const entry of await readdir(join(folder, within), { withFileTypes: true })) {
      const name = within === '' ? entry.name : `${within}/${entry.name}`;
      if (entry.isDirectory()) await walk(name, depth + 1);
      else files.push(name);
      if (files.length > MOST_FILES) throw tooMuch(folder);
    }
  }
  await walk('', 0).catch((thrown: unknown) => {
    throw toFileError(thrown, folder);
  });
  return files.sort();
}

function tooMuch(folder: string): AppError {
  return new AppError('unsupported', `${folder}: there are too many files or folders in it.`, {
    details: { path: folder },
  });
}

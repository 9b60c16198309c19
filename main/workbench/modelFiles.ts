// Whether the files of a model are where the project knows them, and still say what they said: a model whose tokenizer or chat
// template has changed reads other tokens, so nothing is computed with it until a person has accepted the change.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../contract/base/errors.ts';
import { changedTextFiles, hashTextFiles, TEXT_FILES, type TextFileHashes } from '../core/models/textFiles.ts';
import { KeptReadings } from './keptReadings.ts';

interface ModelFiles {
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  /** As they were when the model was added or accepted; undefined in records of older programs. */
  readonly textFiles?: TextFileHashes | undefined;
}

const readings = new KeptReadings<TextFileHashes>();

/** What the text files of a folder hold now. @throws AppError `permission`. */
export function textFilesNow(folder: string): Promise<TextFileHashes> {
  return readings.get(
    TEXT_FILES.map((name) => join(folder, name)),
    () => hashTextFiles(folder),
  );
}

export async function isModelThere({ folder }: Pick<ModelFiles, 'folder'>): Promise<boolean> {
  return stat(join(folder, 'config.json')).then(
    () => true,
    () => false,
  );
}

/** The files that hold something else than when the model was added or accepted. */
export async function changedFilesOf({ folder, textFiles }: ModelFiles): Promise<readonly string[]> {
  return textFiles === undefined ? [] : changedTextFiles(textFiles, await textFilesNow(folder));
}

/** @throws AppError `not-found` for a folder that has gone, `mismatch` for files that have changed: each with what to do. */
export async function checkModelFiles(model: ModelFiles): Promise<void> {
  const { name, folder } = model;
  if (!(await isModelThere(model))) {
    throw new AppError(
      'not-found',
      `${folder}: the model ${name} is not there any more. If its folder has moved, say where it is: errata model move ${name} FOLDER, or Locate… on its page.`,
      { details: { path: folder, model: name } },
    );
  }
  const changed = await changedFilesOf(model);
  if (changed.length === 0) return;
  throw new AppError('mismatch', `${folder}: ${changedText(name, changed)}`, {
    details: { path: folder, model: name, changed },
  });
}

function changedText(name: string, changed: readonly string[]): string {
  const [files, have] = [new Intl.ListFormat('en-GB').format(changed), changed.length === 1 ? 'has' : 'have'];
  return `${files} ${have} changed since the project knows ${name}, which would read or end texts otherwise. Put back what was there, or accept the change: errata model accept ${name}.`;
}

// What an edit needs of the project to be run: its model, its dictionaries, the statistics of their features.
import { basename } from 'node:path';
import { AppError, toAppError } from '../contract/base/errors.ts';
import { editId } from '../core/edits/edit.ts';
import type { Edit } from '../contract/domain/edit.ts';
import { realPathInside } from '../core/files/insideFolder.ts';
import { noDictionary, readDictionaries, type ProjectDictionary } from './dictionaries.ts';
import { findModelByHash, type ProjectModel } from './models.ts';
import type { Workbench } from './workbench.ts';

/** An edit, and the version that it is of; null: none. */
export interface EditOfVersion {
  readonly edit: Edit;
  readonly version: string | null;
}

/** The model and the dictionaries of an edit. @throws AppError `empty`, `not-found`, `mismatch`. */
export async function partsOf(
  workbench: Workbench,
  edit: Edit,
): Promise<{ readonly model: ProjectModel; readonly dictionaries: readonly ProjectDictionary[] }> {
  const hashes = [...new Set(edit.operations.map(({ dictionary }) => dictionary))];
  if (hashes.length === 0) throw new AppError('empty', 'The edit has no operations.');
  const { found: known, broken } = await readDictionaries(workbench.project.folder);
  const dictionaries = hashes.map((hash) => {
    const dictionary = known.find((each) => each.hash === hash);
    if (dictionary) return dictionary;
    throw new AppError('not-found', noDictionary(hash, broken), { details: { hash, edit: editId(edit) } });
  });
  const models = [...new Set(dictionaries.map(({ model }) => model.hash))];
  const [only, other] = models;
  if (only === undefined || other !== undefined) {
    throw new AppError('mismatch', 'The dictionaries of the edit are of different models.');
  }
  return { model: await findModelByHash(workbench.project.folder, only), dictionaries };
}

/** By a dictionary's hash, the folder with the statistics of its features; those that have none are left out. */
export async function statisticsFolders(
  { project }: Pick<Workbench, 'project'>,
  dictionaries: readonly ProjectDictionary[],
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { folder, hash } of dictionaries) {
    const set = hash && project.features.set(hash);
    if (!hash || !set) continue;
    const path = await realPathInside(folder, basename(set.folder), 'The project').catch((thrown: unknown) => {
      if (toAppError(thrown).code === 'not-found') return null;
      throw thrown;
    });
    if (path !== null) found[hash] = path;
  }
  return found;
}

/** The name of the working edit. */
export const WORKING = 'working';

/** A version by its name, or the working edit (`working`), with the version that it is while nothing in it was changed. */
export function editNamed({ project }: Pick<Workbench, 'project'>, ref: string): EditOfVersion {
  if (ref !== WORKING) {
    const { id, operations } = project.versions.get(ref);
    return { edit: { operations }, version: id };
  }
  const working = project.versions.working();
  if (!working) throw new AppError('not-found', 'There is no working edit yet: start one, or choose a version.');
  const isCommitted =
    working.head !== null && editId(project.versions.get(working.head)) === editId({ operations: working.operations });
  return { edit: { operations: working.operations }, version: isCommitted ? working.head : null };
}

// Finding edits in a project: from the names of behaviours and dictionaries to an edit that can be committed.
import { resolve } from 'node:path';
import { AppError } from '../contract/errors.ts';
import { editId, type Edit } from '../edits/edit.ts';
import type { Version } from '../edits/version.ts';
import type { FoundEdit } from '../finder/findEdit.ts';
import { findFinishedDictionary } from './dictionaries.ts';
import { findModelByHash, modelInput } from './models.ts';
import type { ComputeOptions, Workbench } from './workbench.ts';

export interface FindEditRequest {
  /** Names of behaviours that are stored in the project. */
  readonly target: string;
  /** By default all stored behaviours that are to be kept. */
  readonly keep?: readonly string[];
  /** Names of the dictionaries to look in, all of one model. */
  readonly dictionaries: readonly string[];
  /** A corpus without the behaviour in it that must stay as likely; other text than the evaluation's. */
  readonly corpus?: string;
  /** What is left out has its default; see finder/findSettings.ts. */
  readonly settings?: Readonly<Record<string, number>>;
}

/** @throws AppError `not-found` for a behaviour or dictionary, `mismatch` for dictionaries of several models, and as findEdit. */
export async function findEdit(
  workbench: Workbench,
  { target, keep, dictionaries: names, corpus, settings = {} }: FindEditRequest,
  options: Pick<ComputeOptions<never>, 'signal' | 'onProgress'> = {},
): Promise<FoundEdit & { readonly id: string }> {
  const { project, compute } = workbench;
  const dictionaries = await Promise.all(names.map((name) => findFinishedDictionary(workbench, name)));
  const models = [...new Set(dictionaries.map(({ model }) => model.hash))];
  const [hash, other] = models;
  if (hash === undefined) throw new AppError('usage', 'Name at least one dictionary to look in.');
  if (other !== undefined) throw new AppError('mismatch', 'The dictionaries are of different models.');
  const model = await findModelByHash(project.folder, hash);
  const found = await compute(
    'edit.find',
    {
      model: modelInput(project.folder, model),
      dictionaries: dictionaries.map(({ folder }) => folder),
      target: project.behaviours.get(target),
      keep: (keep ?? keptNames(workbench)).map((name) => project.behaviours.get(name)),
      text: corpus === undefined ? { from: 'none' } : { from: 'corpus', path: resolve(corpus) },
      settings,
    },
    options,
  );
  return { ...found, id: editId(found.edit) };
}

/** Commits a found edit as the first version of a new branch. @throws AppError `empty`, `exists`, `conflict`. */
export function commitFound(
  { project }: Workbench,
  {
    edit,
    branch,
    message,
    target,
    author,
  }: {
    readonly edit: Edit;
    readonly branch: string;
    readonly message: string;
    readonly target: string;
    readonly author: string;
  },
): Version {
  if (edit.operations.length === 0) throw new AppError('empty', 'Nothing was found, so there is nothing to commit.');
  const [first] = edit.operations;
  const dictionary = project.catalog.find('dictionary', first?.dictionary ?? '');
  const model = (dictionary?.manifest as { readonly model?: { readonly hash?: string } } | undefined)?.model?.hash;
  if (model === undefined) throw new AppError('not-found', 'The project does not know the dictionary of the edit.');
  project.versions.begin(branch, model, { author });
  project.versions.setOperations(edit.operations, { author });
  const stored = project.behaviours.find(target);
  if (stored) project.versions.setBehaviours([stored.id], { author });
  return project.versions.commit(message, { author });
}

/** Names of the stored behaviours that no edit is to change. */
export function keptNames({ project }: Workbench): string[] {
  return project.behaviours
    .list()
    .map(({ name }) => name)
    .filter((name) => project.behaviours.get(name).aim === 'keep');
}

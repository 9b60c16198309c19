// Finding edits in a project: from the names of behaviours and dictionaries, or from prompts, to an edit that can be committed.
import { resolve } from 'node:path';
import { AppError } from '../contract/base/errors.ts';
import { editId } from '../core/edits/edit.ts';
import { targetKey, type Edit } from '../contract/domain/edit.ts';
import type { Version } from '../core/edits/version.ts';
import type { FindEvent, FoundEdit } from '../core/finder/findEdit.ts';
import type { JobContext } from '../jobs/runJob.ts';
import type { Project } from '../storage/project/project.ts';
import type { WorkingEdit } from '../storage/versions/workingEdit.ts';
import { findFinishedDictionary } from './dictionaries.ts';
import { findRequestSchema, type FindRequest } from './findRequest.ts';
import { beginFinding } from './findings.ts';
import { findModelByHash, modelInput } from './models.ts';
import { jobKind, runToEnd } from './jobKind.ts';
import type { ComputeOptions } from './compute.ts';
import type { Workbench } from './workbench.ts';

/**
 * Finds, and keeps what is found as a finding of the project. A search that asked for the same and was stopped goes on.
 * @throws AppError as computeEdit; `exists` while another search of that name is under way.
 */
export async function findEdit(workbench: Workbench, request: FindRequest, signal: AbortSignal) {
  const { corpus, ...rest } = request;
  const description = { ...rest, ...(corpus === undefined ? {} : { corpus: resolve(corpus) }) };
  refuseUnderWay(workbench, description, { mayContinue: true });
  return runToEnd(workbench, findJob, description, { signal });
}

/** A search that was stopped begins again: it is short, and has no checkpoints. */
async function runFind(workbench: Workbench, request: FindRequest, context: JobContext) {
  const finding = await beginFinding(workbench, request);
  const found = await computeEdit(workbench, request, { ...context, onChunk: (event) => finding.add(event) });
  await finding.finish(found);
  return found;
}

export const findJob = jobKind({
  name: 'find',
  request: findRequestSchema,
  title: ({ name }) => `Find ${name}`,
  subject: ({ name }) => name,
  run: runFind,
  canPause: false,
  changes: ['findings'],
});

/**
 * Two searches of one name would write to one finding.
 * @param options.mayContinue the same request is no second search: it goes on with the first.
 * @throws AppError `exists`.
 */
export function refuseUnderWay(
  { project }: Pick<Workbench, 'project'>,
  request: FindRequest,
  { mayContinue = false }: { readonly mayContinue?: boolean } = {},
): void {
  const isUnderWay = project.jobs
    .list(['running', 'queued'])
    .filter(({ kind, description }) => kind === findJob.name && !(mayContinue && findJob.isSame(description, request)))
    .some(({ description }) => findJob.titleOf(description)?.subject === request.name);
  if (isUnderWay) throw new AppError('exists', `A search called ${request.name} is under way already.`);
}

/** @throws AppError `not-found` for a behaviour or dictionary, `mismatch` for dictionaries of several models, and as findEdit. */
async function computeEdit(
  workbench: Workbench,
  { behaviours, dictionaries: names, corpus, settings = {} }: FindRequest,
  options: ComputeOptions<FindEvent>,
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
      model: await modelInput(project.folder, model),
      dictionaries: dictionaries.map(({ folder }) => folder),
      behaviours:
        'lists' in behaviours
          ? behaviours
          : {
              target: project.behaviours.get(behaviours.target),
              keep: (behaviours.keep ?? keptNames(workbench)).map((name) => project.behaviours.get(name)),
            },
      text: corpus === undefined ? { from: 'none' } : { from: 'corpus', path: resolve(corpus) },
      settings,
    },
    options,
  );
  return { ...found, id: editId(found.edit) };
}

export interface FoundUse {
  readonly edit: Edit;
  readonly branch: string;
  readonly message: string;
  /** The stored behaviour that the version must satisfy; null for one that was found from prompts. */
  readonly target: string | null;
  readonly author: string;
}

/**
 * Puts a found edit into the working edit, in place of operations at the same features; a working edit of its model is begun
 * on a branch called `branch` where there is none.
 * @throws AppError `empty`, `exists`, `conflict` for uncommitted changes of another model's edit, unless they are discarded.
 */
export function takeFound(
  { project }: Workbench,
  { edit, branch, target, author, discard }: Omit<FoundUse, 'message'> & { readonly discard: boolean },
): WorkingEdit {
  const { versions, behaviours } = project;
  const model = modelOf(project, edit);
  if (versions.working()?.model !== model) versions.begin(branch, model, { author, discard });
  const replaced = new Set(edit.operations.map(targetKey));
  const working = versions.working();
  const kept = (working?.operations ?? []).filter((operation) => !replaced.has(targetKey(operation)));
  const stored = target === null ? undefined : behaviours.find(target);
  if (stored && working?.behaviours.includes(stored.id) !== true) {
    versions.setBehaviours([...(working?.behaviours ?? []), stored.id], { author });
  }
  return versions.setOperations([...kept, ...edit.operations], { author });
}

/** @throws AppError `empty`, `not-found`. */
function modelOf(project: Project, { operations }: Edit): string {
  const [first] = operations;
  if (!first) throw new AppError('empty', 'Nothing was found, so there is no edit.');
  const { manifest } = project.catalog.find('dictionary', first.dictionary) ?? {};
  const model = (manifest as { readonly model?: { readonly hash?: string } } | undefined)?.model?.hash;
  if (model === undefined) throw new AppError('not-found', 'The project does not know the dictionary of the edit.');
  return model;
}

/** Commits a found edit as the first version of a new branch. @throws AppError `empty`, `exists`, `conflict`. */
export function commitFound({ project }: Workbench, { edit, branch, message, target, author }: FoundUse): Version {
  project.versions.begin(branch, modelOf(project, edit), { author });
  project.versions.setOperations(edit.operations, { author });
  const stored = target === null ? undefined : project.behaviours.find(target);
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

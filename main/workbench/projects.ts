// Projects as wholes: what is in one, and where new ones are made.
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { project as contract } from '../contract/api/project.ts';
import { AppError } from '../contract/base/errors.ts';
import type { OutputOf } from '../contract/rpc/procedure.ts';
import type { InStorageThread } from '../storage/storageWork.ts';
import { listStores } from './activations.ts';
import { listBroken } from './brokenFolders.ts';
import type { Compute } from './compute.ts';
import { listDictionaries } from './dictionaries.ts';
import { listExports } from './exports.ts';
import { listModels } from './models.ts';
import { brokenLine, isProject } from './projectFolder.ts';
import { makeSampleProject } from './sample.ts';
import type { Workbench } from './workbench.ts';

type ProjectFacts = NonNullable<OutputOf<(typeof contract)['current']>>;

/** A project as lists of projects name it. */
export async function describePlace(folder: string) {
  return { name: basename(folder), folder, isThere: await isProject(folder) };
}

/** What a project holds, and what a person should know who opens it. */
export async function projectFacts(workbench: Workbench, isSample: boolean): Promise<ProjectFacts> {
  const { project } = workbench;
  const labels = project.labels.counts();
  const broken = (await listBroken(workbench)).map(brokenLine);
  const others = project.otherHolders().map((holder) => `Also open in ${holder}.`);
  return {
    name: basename(project.folder),
    folder: project.folder,
    isSample,
    counts: {
      models: (await listModels(project.folder)).length,
      activations: (await listStores(workbench)).length,
      dictionaries: (await listDictionaries(workbench)).length,
      labels: labels.draft + labels.labelled + labels.uninterpretable,
      behaviours: project.behaviours.list().length,
      versions: project.versions.graph().size,
      exports: (await listExports(workbench)).length,
    },
    notices: [...project.notices, ...broken, ...others],
  };
}

interface Means {
  /** Where projects and the sample lie that were given no place of their own. */
  readonly dataFolder: string;
  readonly thread: InStorageThread;
}

/** Makes an empty project. @returns its folder. @throws AppError `exists`, `permission`, `disk-full`. */
export async function createProjectIn(
  parent: string | undefined,
  name: string,
  { dataFolder, thread }: Means,
): Promise<string> {
  const folder = join(parent ?? join(dataFolder, 'projects'), name);
  const found = await stat(folder).catch(() => null);
  if (found) throw new AppError('exists', `${folder}: it exists already. Choose another name.`);
  await thread('create', folder);
  return folder;
}

/** Makes the person's own copy of the sample, unless there is one. @returns its folder. @throws AppError `not-found`. */
export async function sampleProject({
  dataFolder,
  thread,
  sampleFolder,
  compute,
}: Means & { readonly sampleFolder: string | null; readonly compute: Compute }): Promise<string> {
  if (sampleFolder === null) throw new AppError('not-found', 'This build of Errata comes without the sample.');
  const folder = join(dataFolder, 'sample');
  if (!(await isProject(folder))) await makeSampleProject(folder, { sample: sampleFolder, compute, thread });
  return folder;
}

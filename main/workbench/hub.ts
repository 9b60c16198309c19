// What can be asked of the Hub: models in its cache on this machine, opened where they are.
import type { hub as contract } from '../contract/api/hub.ts';
import type { InputOf } from '../contract/rpc/procedure.ts';
import { findSnapshot, listCache } from '../core/hub/cache.ts';
import { hubPlaces } from '../core/hub/hubPlaces.ts';
import { MODEL_TYPES } from '../core/models/architectures/registry.ts';
import type { Procedures } from './call.ts';
import type { ComputeOptions } from './compute.ts';
import { addModelFrom } from './model.ts';
import { listModels } from './models.ts';
import { nameFrom } from './projectFolder.ts';
import type { Workbench } from './workbench.ts';

/** The repositories in the cache, and which of their revisions are models of the project. */
export async function listHub(project: string) {
  const { cache } = hubPlaces();
  const [found, models] = await Promise.all([listCache(cache), listModels(project)]);
  const repositories = found.map(({ repository, revisions }) => ({
    repository,
    revisions: revisions.map((one) => ({
      ...one,
      isSupported: one.modelType !== null && MODEL_TYPES.includes(one.modelType),
      models: models
        .filter(({ origin }) => origin?.repository === repository && origin.revision === one.revision)
        .map(({ name }) => name),
    })),
  }));
  return { cache, repositories };
}

/** Adds a model of the cache. @throws AppError as findSnapshot and addModelFrom. */
export async function addFromHub(
  workbench: Workbench,
  { repository, revision: asked, name }: InputOf<(typeof contract)['add']>,
  options: Pick<ComputeOptions<never>, 'signal' | 'onProgress'>,
) {
  const { folder, revision } = await findSnapshot(hubPlaces().cache, repository, asked);
  const given = name ?? nameFrom(repository.slice(repository.indexOf('/') + 1));
  return addModelFrom(workbench, folder, given, options, { repository, revision });
}

export const hub: Procedures<'hub'> = {
  list: ({ project }) => listHub(project.folder),
  add: async (workbench, input, { signal, send }) =>
    (await addFromHub(workbench, input, { signal, onProgress: send })).model,
};

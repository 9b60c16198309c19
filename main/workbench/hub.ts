// What can be asked of the Hub: models in its cache on this machine, opened where they are, and downloads into that cache.
import { totalmem } from 'node:os';
import * as v from 'valibot';
import type { hub as contract } from '../contract/api/hub.ts';
import { byteSize } from '../contract/base/figures.ts';
import { commitSchema, filePatternSchema, repositorySchema, revisionSchema } from '../contract/domain/hub.ts';
import type { InputOf } from '../contract/rpc/procedure.ts';
import { findSnapshot, listCache } from '../core/hub/cache.ts';
import { connectHub } from '../core/hub/connection.ts';
import { hubPlaces } from '../core/hub/hubPlaces.ts';
import { planDownload } from '../core/hub/planDownload.ts';
import { describeRemote } from '../core/hub/remote.ts';
import { MODEL_TYPES } from '../core/models/architectures/registry.ts';
import type { Procedures } from './call.ts';
import type { ComputeOptions } from './compute.ts';
import { jobKind } from './jobKind.ts';
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

type DownloadInput = InputOf<(typeof contract)['get']>;

/** Files of one commit; the branch or tag that was named is written when they are there. */
const downloadRequestSchema = v.object({
  repository: repositorySchema,
  commit: commitSchema,
  ref: v.nullable(revisionSchema),
  files: v.array(filePatternSchema),
});

/** What a download will bring and take. @throws AppError `not-found`, `permission`, `unreachable`, `empty`. */
export async function planGet({ repository, revision = 'main', files = [] }: DownloadInput, signal: AbortSignal) {
  const connection = await connectHub();
  const asked = { repository, revision, patterns: files };
  const plan = await planDownload(connection, hubPlaces().cache, asked, signal);
  const { bytesToFetch, freeBytes, memoryBytes, modelType } = plan;
  const totalMemory = totalmem();
  const warnings = [
    ...(bytesToFetch > freeBytes ? [`There is not enough room on the disk: ${byteSize(freeBytes)} are free.`] : []),
    ...(memoryBytes > totalMemory
      ? [`It takes ${byteSize(memoryBytes)} of memory as float32; this machine has ${byteSize(totalMemory)}.`]
      : []),
    ...(modelType === null || MODEL_TYPES.includes(modelType)
      ? []
      : [`Errata cannot open models of the type ${modelType}.`]),
  ];
  return { ...plan, totalMemory, warnings };
}

/** A download that can begin, pinned to a commit. @throws AppError as planGet. */
export async function prepareGet({ repository, revision = 'main', files = [] }: DownloadInput, signal: AbortSignal) {
  const { commit } = await describeRemote(await connectHub(), repository, revision, signal);
  const isCommit = commit.startsWith(revision) && revision.length >= 7;
  return { repository, commit, ref: isCommit ? null : revision, files: [...files] };
}

export const downloadJob = jobKind({
  name: 'download',
  request: downloadRequestSchema,
  title: ({ repository }) => `Download ${repository}`,
  subject: ({ repository }) => repository,
  run: ({ compute }, request, { onLog, ...context }) =>
    compute('hub.download', request, { ...context, ...(onLog ? { onLog } : {}) }),
  canPause: true,
  changes: ['hub'],
});

export const hub: Procedures<'hub'> = {
  list: ({ project }) => listHub(project.folder),
  add: async (workbench, input, { signal, send }) =>
    (await addFromHub(workbench, input, { signal, onProgress: send })).model,
  plan: (_, input, { signal }) => planGet(input, signal),
  get: async (_, input, { signal, start }) => start(downloadJob, await prepareGet(input, signal)),
};

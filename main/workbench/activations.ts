// The activation stores of a project: activations/<name>/.
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { MANIFEST_FILE, readManifest, totalRows } from '../core/activations/manifest.ts';
import { AppError } from '../contract/base/errors.ts';
import type { JobContext } from '../jobs/runJob.ts';
import { findModel, modelInput } from './models.ts';
import { existingFolder, folderOf, namesOf } from './projectFolder.ts';
import { jobKind, resumeToEnd, runToEnd } from './jobKind.ts';
import type { Workbench } from './workbench.ts';

const positive = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

export const captureRequestSchema = v.object({
  /** Its name in the project. */
  model: v.string(),
  /** A file or a folder. */
  corpus: v.string(),
  sites: v.pipe(v.array(v.string()), v.minLength(1)),
  /** Of the store; with several sites, what their names begin with. */
  name: v.string(),
  /** By default 256, or as long as the model's contexts can be. */
  contextLength: v.exactOptional(positive),
  field: v.exactOptional(v.string()),
  textDocuments: v.exactOptional(v.picklist(['file', 'line', 'paragraph'])),
  batchSize: v.exactOptional(positive),
  maxContexts: v.exactOptional(positive),
  dtype: v.exactOptional(v.picklist(['f32', 'f16'])),
  shardBytes: v.exactOptional(positive),
});
export type CaptureRequest = v.InferOutput<typeof captureRequestSchema>;

export const DEFAULT_CONTEXT_LENGTH = 256;

/** The folder of a store. @throws AppError `not-found`. */
export function findStore({ project }: Workbench, name: string): Promise<string> {
  return existingFolder(project.folder, 'activations', name, MANIFEST_FILE);
}

/** A store, and how much of it is there. */
export interface ProjectStore {
  readonly name: string;
  readonly site: string;
  readonly width: number;
  readonly model: string;
  readonly dtype: 'f32' | 'f16';
  readonly contexts: number;
  readonly contextLength: number;
  readonly tokens: number;
  readonly bytes: number;
  /** 0 to 1; below 1 its capture was interrupted, or is going on. */
  readonly fraction: number;
}

export async function listStores({ project }: Workbench): Promise<ProjectStore[]> {
  const names = await namesOf(project.folder, 'activations', MANIFEST_FILE);
  return Promise.all(
    names.map(async (name) => {
      const manifest = await readManifest(folderOf(project.folder, 'activations', name));
      const { site, width, model, dtype, contexts, contextLength, shards } = manifest;
      const tokens = totalRows(manifest);
      const rows = shards.reduce((sum, shard) => sum + shard.rows, 0);
      const bytes = rows * width * (dtype === 'f16' ? 2 : 4);
      return { name, site, width, model, dtype, contexts, contextLength, tokens, bytes, fraction: rows / tokens };
    }),
  );
}

/** Captures, or goes on with a capture of the same that stopped. @throws AppError as captureActivations does. */
export async function capture(workbench: Workbench, request: CaptureRequest, signal: AbortSignal) {
  return runToEnd(workbench, captureJob, { ...request, corpus: resolve(request.corpus) }, { signal });
}

/** The work of a capture's job: begins it, or goes on with what is there. */
async function runCapture({ project, compute }: Workbench, request: CaptureRequest, context: JobContext) {
  const { model: modelName, corpus, sites, name, field, textDocuments, ...options } = request;
  const model = await findModel(project.folder, modelName);
  const stores = sites.map((site) => ({
    site,
    name: storeName(request, site),
    folder: folderOf(project.folder, 'activations', storeName(request, site)),
  }));
  await mkdir(join(project.folder, 'activations'), { recursive: true });
  const result = await compute(
    'activations.capture',
    {
      contextLength: Math.min(DEFAULT_CONTEXT_LENGTH, model.contextLength),
      ...options,
      ...modelInput(project.folder, model),
      corpus: {
        path: corpus,
        ...(field === undefined ? {} : { field }),
        ...(textDocuments === undefined ? {} : { textDocuments }),
      },
      sites: stores.map(({ site, folder }) => ({ site, folder })),
    },
    context,
  );
  return { ...result, stores, tokensPerSecond: result.tokensRun / result.seconds };
}

/** The store of one of a capture's sites. */
export function storeName({ sites, name }: Pick<CaptureRequest, 'sites' | 'name'>, site: string): string {
  return sites.length === 1 ? name : `${name}.${site}`;
}

export const captureJob = jobKind({
  name: 'capture',
  request: captureRequestSchema,
  title: ({ name }) => `Capture ${name}`,
  subject: ({ name }) => name,
  run: runCapture,
  canPause: true,
  changes: ['activations', 'project'],
});

/** Continues the capture that stopped last. @throws AppError `not-found` when none did. */
export async function resumeCapture(workbench: Workbench, signal: AbortSignal) {
  const job = workbench.project.jobs
    .list(['interrupted', 'cancelled', 'failed', 'queued'])
    .findLast(({ kind }) => kind === captureJob.name);
  if (!job) throw new AppError('not-found', 'No capture of this project was interrupted: there is nothing to resume.');
  return resumeToEnd(workbench, captureJob, job.id, { signal });
}

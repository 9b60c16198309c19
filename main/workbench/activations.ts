// The activation stores of a project: activations/<name>/.
import { mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { DataOf } from '../contract/base/data.ts';
import { MANIFEST_FILE, readManifest, totalRows } from '../core/activations/manifest.ts';
import { captureSchema } from '../contract/api/activations.ts';
import { byteSize } from '../contract/base/figures.ts';
import { AppError } from '../contract/base/errors.ts';
import { CAPTURE_CONTEXT_LENGTH } from '../contract/domain/captureSettings.ts';
import { findSite } from '../core/models/sites.ts';
import { folderBytes } from '../core/files/folderBytes.ts';
import type { JobContext } from '../jobs/runJob.ts';
import type { Asker, Procedures } from './call.ts';
import { listCorpora, pathOfCorpus } from './corpora.ts';
import { jobKind, resumeToEnd } from './jobKind.ts';
import { findModel, listModels, modelInput } from './models.ts';
import { checkNoTwin, existingFolder, folderOf, readEach } from './projectFolder.ts';
import type { Workbench } from './workbench.ts';

type CaptureInput = DataOf<typeof captureSchema>;

const captureRequestSchema = v.object({
  ...captureSchema.entries,
  /** The path of a file or a folder. */
  corpus: v.string(),
});
type CaptureRequest = DataOf<typeof captureRequestSchema>;

/** Of English text, by the tokenizers that models of this kind have: a guess that `plan` says is one. */
const BYTES_PER_TOKEN = 4;

/** The folder of a store. @throws AppError `not-found`. */
export function findStore({ project }: Pick<Workbench, 'project'>, name: string): Promise<string> {
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

export function readStores(workbench: Pick<Workbench, 'project'>) {
  const { folder } = workbench.project;
  return readEach(folder, 'activations', MANIFEST_FILE, (name) => readStore(workbench, name));
}

/** Those that can be read. */
export async function listStores(workbench: Pick<Workbench, 'project'>): Promise<readonly ProjectStore[]> {
  return (await readStores(workbench)).found;
}

/** @throws AppError `not-found`, `invalid-file`. */
export async function readStore(workbench: Pick<Workbench, 'project'>, name: string): Promise<ProjectStore> {
  const manifest = await readManifest(await findStore(workbench, name));
  const { site, width, model, dtype, contexts, contextLength, shards } = manifest;
  const tokens = totalRows(manifest);
  const rows = shards.reduce((sum, shard) => sum + shard.rows, 0);
  const bytes = rows * width * (dtype === 'f16' ? 2 : 4);
  return { name, site, width, model, dtype, contexts, contextLength, tokens, bytes, fraction: rows / tokens };
}

/** The stores with the names of their models, where the project still has them. */
export async function namedStores(workbench: Workbench) {
  const names = new Map((await listModels(workbench.project.folder)).map(({ hash, name }) => [hash, name]));
  return (await listStores(workbench)).map(({ model, ...store }) => ({
    ...store,
    model: { hash: model, name: names.get(model) ?? null },
  }));
}

/** What a capture will take. @throws AppError `not-found`, `unknown-site`, `permission`. */
export async function planCapture(workbench: Workbench, input: CaptureInput, asker: Asker) {
  const { project, compute } = workbench;
  const model = await findModel(project.folder, input.model);
  const { sites } = await compute('model.describe', await modelInput(project.folder, model));
  const widths = input.sites.map((name) => findSite(sites, name).width);
  const corpusBytes = await folderBytes(await pathOfCorpus(workbench, input.corpus, asker));
  const contextLength = input.contextLength ?? Math.min(CAPTURE_CONTEXT_LENGTH, model.contextLength);
  const inCorpus = Math.max(1, Math.floor(corpusBytes / BYTES_PER_TOKEN / contextLength));
  const contexts = Math.min(inCorpus, input.maxContexts ?? Infinity);
  const tokens = contexts * contextLength;
  const perNumber = input.dtype === 'f16' ? 2 : 4;
  const { bavail, bsize } = await statfs(project.folder);
  const bytes = tokens * perNumber * widths.reduce((sum, width) => sum + width, 0);
  const freeBytes = bavail * bsize;
  const rate = captureRate(workbench, input.model);
  const seconds = rate === null ? null : tokens / rate;
  const warnings = bytes > freeBytes ? [`There is not enough room on the disk: ${byteSize(freeBytes)} are free.`] : [];
  return { corpusBytes, contexts, tokens, bytes, freeBytes, seconds, warnings };
}

/** Tokens per second of the project's last capture with that model; null before there is one. */
function captureRate({ project }: Workbench, model: string): number | null {
  const ofModel = v.looseObject({ model: v.literal(model) });
  const measured = v.looseObject({ perSecond: v.pipe(v.number(), v.gtValue(0)) });
  const last = project.jobs
    .list(['succeeded'])
    .findLast((job) => job.kind === captureJob.name && v.is(ofModel, job.description) && v.is(measured, job.progress));
  return last && v.is(measured, last.progress) ? last.progress.perSecond : null;
}

/**
 * A capture that can begin, or go on with what is there.
 * @throws AppError `not-found`; `exists` for the name of a store that another capture made.
 */
export async function prepareCapture(
  workbench: Workbench,
  { corpus, ...input }: CaptureInput,
  asker: Asker,
): Promise<CaptureRequest> {
  const { project } = workbench;
  const request = { ...input, corpus: await pathOfCorpus(workbench, corpus, asker) };
  await findModel(project.folder, request.model);
  const names = request.sites.map((site) => storeName(request, site));
  for (const name of names) await checkNoTwin(project.folder, 'activations', name);
  const taken = (await listStores(workbench)).find(({ name, fraction }) => names.includes(name) && fraction === 1);
  // The same again has nothing left to do.
  const isSame = project.jobs
    .list(['succeeded'])
    .some(({ kind, description }) => kind === captureJob.name && captureJob.isSame(description, request));
  if (!taken || isSame) return request;
  throw new AppError('exists', `There are activations called ${taken.name} already. Choose another name.`);
}

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
      contextLength: Math.min(CAPTURE_CONTEXT_LENGTH, model.contextLength),
      ...options,
      ...(await modelInput(project.folder, model)),
      corpus: {
        path: corpus,
        ...(field === undefined ? {} : { field }),
        ...(textDocuments === undefined ? {} : { textDocuments }),
      },
      sites: stores.map(({ site, folder }) => ({ site, folder })),
    },
    context,
  );
  if (result.leftOut > 0) context.onLog?.(`Left out ${result.leftOut} rows with null in place of a text.`);
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

export const activations: Procedures<'activations'> = {
  corpora: listCorpora,
  list: namedStores,
  plan: planCapture,
  capture: async (workbench, input, call) => call.start(captureJob, await prepareCapture(workbench, input, call)),
};

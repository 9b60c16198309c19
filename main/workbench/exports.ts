// The exports of a project: exports/<name>/, or any other folder. What is deleted goes to exports/.trash and can be restored.
import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import * as v from 'valibot';
import type { EquivalenceReport } from '../contract/domain/equivalence.ts';
import type { Immutable } from '../contract/base/data.ts';
import { AppError, toAppError } from '../contract/base/errors.ts';
import { exportHeadline } from '../contract/domain/headlines.ts';
import { DEFAULT_HELD_OUT } from '../contract/domain/trainingSettings.ts';
import { kindOf } from '../core/dictionaries/kinds/index.ts';
import { operationsSchema, type Edit } from '../contract/domain/edit.ts';
import type { Operation } from '../contract/domain/operations/index.ts';
import type { LoadingCode } from '../core/export/forms/form.ts';
import { EXPORT_FORM_NAMES, findForm } from '../core/export/forms/index.ts';
import { MANIFEST_FILE, readManifest, type Manifest } from '../core/export/manifest.ts';
import { readReport } from '../core/export/report.ts';
import { buildFolderAtomic, removeLeftovers } from '../core/files/atomicWrite.ts';
import { toFileError } from '../core/files/fileError.ts';
import type { JobContext } from '../jobs/runJob.ts';
import packageFacts from '../../package.json' with { type: 'json' };
import { findStore } from './activations.ts';
import { corpusPath } from './corpora.ts';
import {
  findDictionary,
  noDictionary,
  readDictionaries,
  requireTrainingStore,
  type ProjectDictionary,
} from './dictionaries.ts';
import { heldOutCorpora } from './evaluationDefaults.ts';
import { findModelByHash, modelInput, type ProjectModel } from './models.ts';
import { checkNoTwin, existingFolder, folderOf, NAME, namesOf } from './projectFolder.ts';
import { jobKind, runToEnd } from './jobKind.ts';
import type { Workbench } from './workbench.ts';

const exportRequestSchema = v.object({
  edit: v.strictObject({ operations: operationsSchema }),
  /** A job that came with a project writes nowhere else than into it. */
  target: v.pipe(
    v.string(),
    v.regex(NAME, 'the job of an export writes into the project, so this is a name, not a path'),
  ),
  form: v.picklist(EXPORT_FORM_NAMES),
  /** What to compare on: a store by name, or a corpus by path; by default what the dictionary's training held out. */
  text: v.exactOptional(v.union([v.object({ store: v.string() }), v.object({ corpus: v.string() })])),
  /** Thresholds of topk features in place of their competition: a smaller graph that is not exact. False when left out. */
  calibrate: v.exactOptional(v.boolean()),
  /** Also load the artifact with this machine's Python, where it has what that takes. */
  python: v.exactOptional(v.boolean()),
  /** For the manifest: the version that the edit is of, its author … */
  provenance: v.exactOptional(v.record(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()]))),
});
export type ExportRequest = Immutable<v.InferInput<typeof exportRequestSchema>>;
type ExportContent = Omit<ExportRequest, 'target'>;

export interface ProjectExport {
  readonly name: string;
  readonly folder: string;
  /** Null: it is no artifact, or was changed since it was written; `problem` says what. */
  readonly artifact: { readonly manifest: Manifest; readonly report: EquivalenceReport } | null;
  readonly problem: string | null;
}

/** One that is broken is listed with what is wrong with it. */
export async function listExports({ project }: Pick<Workbench, 'project'>): Promise<ProjectExport[]> {
  const names = await namesOf(project.folder, 'exports', MANIFEST_FILE);
  return Promise.all(names.map((name) => readExport(folderOf(project.folder, 'exports', name), name)));
}

async function readExport(folder: string, name: string): Promise<ProjectExport> {
  try {
    const artifact = { manifest: await readManifest(folder), report: await readReport(folder) };
    findForm(artifact.manifest.form);
    return { name, folder, artifact, problem: null };
  } catch (thrown) {
    return { name, folder, artifact: null, problem: toAppError(thrown).message };
  }
}

/** @throws AppError `not-found`, `invalid-file`, `verification-failed` for a manifest that was changed. */
export async function showExport(
  { project }: Pick<Workbench, 'project'>,
  name: string,
): Promise<{ folder: string; manifest: Manifest; report: EquivalenceReport; code: readonly LoadingCode[] }> {
  const folder = await existingFolder(project.folder, 'exports', name, MANIFEST_FILE);
  const manifest = await readManifest(folder);
  return { folder, manifest, report: await readReport(folder), code: findForm(manifest.form).loadingCode(manifest) };
}

/** The sentence that an export begins with, from its files. @throws AppError as readManifest and readReport. */
export async function headlineOfExport(folder: string): Promise<string> {
  const { form, edit, files } = await readManifest(folder);
  return exportHeadline({
    form: findForm(form),
    operations: edit.operations,
    files,
    report: await readReport(folder),
  });
}

/** The dictionaries that an edit names. @throws AppError `not-found`, `empty` for an edit without operations. */
async function dictionariesOfEdit(workbench: Workbench, edit: Edit): Promise<ProjectDictionary[]> {
  const hashes = [...new Set(edit.operations.map(({ dictionary }) => dictionary))];
  if (hashes.length === 0) throw new AppError('empty', 'The edit has no operations: there is nothing to export.');
  const { found: known, broken } = await readDictionaries(workbench.project.folder);
  return hashes.map((hash) => {
    const dictionary = known.find((each) => each.hash === hash);
    if (dictionary) return dictionary;
    throw new AppError('not-found', noDictionary(hash, broken), { details: { hash } });
  });
}

/** The place that operations given on a command line act at. */
export async function placeOf(
  workbench: Workbench,
  name: string,
): Promise<{ readonly site: string; readonly dictionary: string }> {
  const { site, hash } = await findDictionary(workbench, name);
  if (hash !== null) return { site, dictionary: hash };
  throw new AppError('conflict', `The training of ${name} has not finished.`);
}

/** The forms that can carry an edit, which of them are exact, and why the others are not. */
export async function planExport(workbench: Workbench, operations: readonly Operation[]) {
  const dictionaries = await dictionariesOfEdit(workbench, { operations });
  const model = await modelOf(workbench, dictionaries);
  return workbench.compute('export.plan', {
    model: await modelInput(workbench.project.folder, model),
    edit: { operations },
    dictionaries: dictionaries.map(({ hash, architecture, size, k }) => ({
      hash: hash ?? '',
      architecture,
      size,
      k,
    })),
  });
}

async function modelOf({ project }: Workbench, [first]: readonly ProjectDictionary[]): Promise<ProjectModel> {
  if (!first) throw new AppError('internal', 'An edit without dictionaries.');
  return findModelByHash(project.folder, first.model.hash);
}

/** With a slash it is a path, else a name in the project. */
function isPath(target: string): boolean {
  return /[\\/]/u.test(target);
}

/** The folder of an export that there is not yet. @throws AppError `exists`, `usage` for a name that cannot be one. */
export async function freeFolder({ project }: Pick<Workbench, 'project'>, target: string): Promise<string> {
  const folder = isPath(target) ? resolve(target) : folderOf(project.folder, 'exports', target);
  if (!isPath(target)) await checkNoTwin(project.folder, 'exports', target);
  if (!(await stat(folder).catch(() => null))) return folder;
  if (isPath(target)) throw new AppError('exists', `${folder}: it exists already. Choose another folder.`);
  throw new AppError('exists', `There is an export called ${target} already. Choose another name.`);
}

/**
 * Exports under a name of the project, as a job; or, with a slash in `target`, to any folder. That is no job of the project:
 * it has no checkpoint, and whoever opens the project next must not be led to write outside.
 * @throws AppError as exportModel does; `exists` for a name that is taken.
 */
export async function exportEdit(
  workbench: Workbench,
  { target, ...content }: ExportContent & { readonly target: string },
  signal: AbortSignal,
) {
  const folder = await freeFolder(workbench, target);
  if (isPath(target)) return writeExport(workbench, content, folder, { signal });
  return runToEnd(workbench, exportJob, { ...content, target }, { signal });
}

/**
 * One engine writes the artifact and compares it with the workbench, another, fresh one verifies what is on the disk, and
 * only then does it get its name.
 */
async function writeExport(
  workbench: Workbench,
  content: ExportContent,
  folder: string,
  context: Pick<JobContext, 'signal'> & Partial<JobContext>,
) {
  const { project, compute, computeAfresh = compute } = workbench;
  const { edit, form, text, calibrate = false, python = false, provenance = {} } = content;
  const dictionaries = await dictionariesOfEdit(workbench, edit);
  const [first] = dictionaries;
  if (!first) throw new AppError('internal', 'An edit without dictionaries.');
  const model = await modelOf(workbench, dictionaries);
  await mkdir(dirname(folder), { recursive: true }).catch((thrown: unknown) => {
    throw toFileError(thrown, dirname(folder));
  });
  await removeLeftovers(dirname(folder));
  const input = {
    model: await modelInput(project.folder, model),
    edit,
    dictionaries: dictionaries.map((dictionary) => dictionary.folder),
    calibrations: await Promise.all(
      dictionaries
        .filter((dictionary) => calibrate && kindOf(dictionary).competes)
        .map(async (dictionary) => {
          const { folder: storeFolder, heldOutFraction } = await requireTrainingStore(dictionary, NO_CALIBRATION);
          return { dictionary: dictionary.hash ?? '', storeFolder, heldOutFraction };
        }),
    ),
    text: await textOf(workbench, first, text),
    form,
    folder,
    python: python ? pythonProgram() : null,
    toolVersion: packageFacts.version,
    provenance: { ...provenance, model: model.name },
  };
  return buildFolderAtomic(folder, async (partial) => {
    const written = await compute('export.write', { ...input, partial }, context);
    context.onLog?.('Verifying the files in a fresh process.');
    await computeAfresh('export.verify', { folder: partial }, context);
    return written;
  });
}

export const exportJob = jobKind({
  name: 'export',
  request: exportRequestSchema,
  title: ({ target }) => `Export ${target}`,
  subject: ({ target }) => target,
  run: (workbench, { target, ...content }, context) =>
    writeExport(workbench, content, folderOf(workbench.project.folder, 'exports', target), context),
  canPause: false,
  changes: ['exports', 'project'],
});

export const verifyJob = jobKind({
  name: 'verify',
  request: v.object({ name: v.string() }),
  title: ({ name }) => `Verify ${name}`,
  subject: ({ name }) => name,
  run: async ({ project, compute }, { name }, context) => {
    const folder = await existingFolder(project.folder, 'exports', name, MANIFEST_FILE);
    return compute('export.verify', { folder }, context);
  },
  canPause: false,
  changes: [],
});

/** Said by the machine's owner, never by a page. */
export function pythonProgram(): string {
  return process.env['ERRATA_PYTHON'] ?? 'python3';
}

const OTHER_TEXT = 'Choose another held-out text: --corpus heldout.jsonl, for example.';
const NO_CALIBRATION = 'Thresholds are calibrated on that text: export without --calibrate.';

/** Where nothing is said and the store of the training is not here, as with the sample: held-out text of the project. */
async function textOf(workbench: Workbench, dictionary: ProjectDictionary, text: ExportRequest['text']) {
  if (text && 'corpus' in text) return { from: 'corpus' as const, path: resolve(text.corpus) };
  if (text) {
    const folder = await findStore(workbench, text.store);
    return { from: 'store' as const, folder, heldOutFraction: DEFAULT_HELD_OUT };
  }
  try {
    return { from: 'store' as const, ...(await requireTrainingStore(dictionary, OTHER_TEXT)) };
  } catch (thrown) {
    const [name] = await heldOutCorpora(workbench);
    if (toAppError(thrown).code !== 'not-found' || name === undefined) throw thrown;
    return { from: 'corpus' as const, path: await corpusPath(workbench, name) };
  }
}

// ---- the trash ------------------------------------------------------------------------------------------------------

const TRASH_FOLDER = '.trash';
/** NAME~20261125T221530123Z */
const TRASHED = /^([A-Za-z0-9][A-Za-z0-9._-]{0,99})~(\d{8}T\d{9}Z)$/u;

export interface TrashedExport {
  /** What restoring asks for. */
  readonly id: string;
  readonly name: string;
  /** When it was deleted. */
  readonly time: string;
}

/** Moves an export to the trash. @throws AppError `not-found`. */
export async function removeExport({ project }: Pick<Workbench, 'project'>, name: string): Promise<TrashedExport> {
  const folder = await existingFolder(project.folder, 'exports', name, MANIFEST_FILE);
  const trash = trashOf(project.folder);
  const time = new Date().toISOString();
  const id = `${name}~${time.replace(/[-:.]/gu, '')}`;
  try {
    await mkdir(trash, { recursive: true });
    await rename(folder, join(trash, id));
  } catch (thrown) {
    throw toFileError(thrown, folder);
  }
  return { id, name, time };
}

/** The newest first. */
export async function trashedExports({ project }: Pick<Workbench, 'project'>): Promise<TrashedExport[]> {
  const trash = trashOf(project.folder);
  const names = await readdir(trash).catch((thrown: unknown) => {
    const error = toFileError(thrown, trash);
    if (error.code === 'not-found') return [];
    throw error;
  });
  return names
    .flatMap((id) => {
      const [, name, stamp] = TRASHED.exec(id) ?? [];
      return name === undefined || stamp === undefined ? [] : [{ id, name, time: timeOf(stamp) }];
    })
    .sort((a, b) => (a.time < b.time ? 1 : -1));
}

/**
 * Puts an export back under its name, or under another.
 * @throws AppError `not-found`, `exists` when the name is taken again.
 */
export async function restoreExport(
  { project }: Pick<Workbench, 'project'>,
  id: string,
  newName?: string,
): Promise<{ readonly name: string }> {
  const [, ownName] = TRASHED.exec(id) ?? [];
  const from = join(trashOf(project.folder), id);
  if (ownName === undefined || !(await stat(from).catch(() => undefined))) {
    throw new AppError('not-found', `There is no deleted export "${id.slice(0, 120)}".`, { details: { id } });
  }
  const name = newName ?? ownName;
  const folder = folderOf(project.folder, 'exports', name);
  if (await stat(folder).catch(() => undefined)) {
    throw new AppError('exists', `There is an export called ${name} again. Restore this one under another name.`);
  }
  try {
    await rename(from, folder);
  } catch (thrown) {
    throw toFileError(thrown, folder);
  }
  return { name };
}

function trashOf(project: string): string {
  return join(project, 'exports', TRASH_FOLDER);
}

/** 20261125T221530123Z as a time. */
function timeOf(stamp: string): string {
  return stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z$/u, '$1-$2-$3T$4:$5:$6.$7Z');
}

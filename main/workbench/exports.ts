// The exports of a project: exports/<name>/, or any other folder.
import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { AppError } from '../contract/errors.ts';
import { editId, type Edit } from '../edits/edit.ts';
import { MANIFEST_FILE, readManifest, type Manifest } from '../export/manifest.ts';
import type { JobContext } from '../jobs/runJob.ts';
import packageFacts from '../../package.json' with { type: 'json' };
import { findStore } from './activations.ts';
import { findDictionary, listDictionaries, type ProjectDictionary } from './dictionaries.ts';
import { findModelByHash, modelInput } from './models.ts';
import { folderOf, namesOf } from './projectFolder.ts';
import { asJob, type Workbench } from './workbench.ts';

export interface ExportRequest {
  readonly edit: Edit;
  /** A name in the project's exports; or, with a slash in it, any folder. */
  readonly target: string;
  /** 'embedded': the weights are in the artifact; 'referenced': they are the model's own files, linked. */
  readonly form: 'embedded' | 'referenced';
  /** What to compare on: a store by name, or a corpus by path; by default what the dictionary's training held out. */
  readonly text?: { readonly store: string } | { readonly corpus: string };
  /** For the manifest: the version that the edit is of, its author … */
  readonly provenance?: Readonly<Record<string, string | number | boolean | null>>;
}

const DEFAULT_HELD_OUT = 0.1;

export interface ProjectExport {
  readonly name: string;
  readonly folder: string;
  readonly manifest: Manifest;
}

/** @throws AppError `invalid-file` for a manifest that was changed. */
export async function listExports({ project }: Pick<Workbench, 'project'>): Promise<ProjectExport[]> {
  const names = await namesOf(project.folder, 'exports', MANIFEST_FILE);
  return Promise.all(
    names.map(async (name) => {
      const folder = folderOf(project.folder, 'exports', name);
      return { name, folder, manifest: await readManifest(folder) };
    }),
  );
}

/** The dictionaries that an edit names. @throws AppError `not-found`, `empty` for an edit without operations. */
async function dictionariesOfEdit(workbench: Workbench, edit: Edit): Promise<ProjectDictionary[]> {
  const hashes = [...new Set(edit.operations.map(({ dictionary }) => dictionary))];
  if (hashes.length === 0) throw new AppError('empty', 'The edit has no operations: there is nothing to export.');
  const known = await listDictionaries(workbench);
  return hashes.map((hash) => {
    const dictionary = known.find(({ quality }) => quality?.hash === hash);
    if (dictionary) return dictionary;
    throw new AppError(
      'not-found',
      `The project has no dictionary with the hash ${hash.slice(0, 12)}…, which the edit names.`,
      {
        details: { hash },
      },
    );
  });
}

/** The place that operations given on a command line act at. */
export async function placeOf(
  workbench: Workbench,
  name: string,
): Promise<{ readonly site: string; readonly dictionary: string }> {
  const { site, quality } = await findDictionary(workbench, name);
  if (quality) return { site, dictionary: quality.hash };
  throw new AppError('conflict', `The training of ${name} has not finished.`);
}

/** @throws AppError as exportModel does. */
export async function exportEdit(workbench: Workbench, request: ExportRequest, signal: AbortSignal) {
  const { edit, form, target } = request;
  const description = { edit: editId(edit), folder: folderOfTarget(workbench, target), form };
  return asJob(workbench, EXPORT_JOB, description, signal, (context) => runExport(workbench, request, context));
}

export const EXPORT_JOB = 'export';

function folderOfTarget({ project }: Workbench, target: string): string {
  return /[\\/]/.test(target) ? resolve(target) : folderOf(project.folder, 'exports', target);
}

/** The work of an export's job. */
export async function runExport(workbench: Workbench, request: ExportRequest, context: JobContext) {
  const { project, compute } = workbench;
  const { edit, target, form, text, provenance = {} } = request;
  const dictionaries = await dictionariesOfEdit(workbench, edit);
  const [first] = dictionaries;
  if (!first) throw new AppError('internal', 'An edit without dictionaries.');
  const model = await findModelByHash(project.folder, first.model.hash);
  const folder = folderOfTarget(workbench, target);
  await mkdir(dirname(folder), { recursive: true });
  return compute(
    'export.write',
    {
      model: modelInput(project.folder, model),
      edit,
      dictionaries: dictionaries.map((dictionary) => dictionary.folder),
      text: await textOf(workbench, first, text),
      form,
      folder,
      toolVersion: packageFacts.version,
      provenance: { ...provenance, model: model.name },
    },
    context,
  );
}

async function textOf(workbench: Workbench, dictionary: ProjectDictionary, text: ExportRequest['text']) {
  if (text && 'corpus' in text) return { from: 'corpus' as const, path: resolve(text.corpus) };
  const folder = text ? await findStore(workbench, text.store) : dictionary.store;
  const heldOutFraction = text ? DEFAULT_HELD_OUT : dictionary.heldOutFraction;
  return { from: 'store' as const, folder, heldOutFraction };
}

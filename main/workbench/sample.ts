// The sample that comes with the program, made into a project of the person's own: the model and its texts are copied, so
// that the project outlives the program's folder and may be changed. Everything that lies in the sample's folder is used;
// what is not there is left out. The folder appears whole or not at all.
import { cp, mkdir, readdir } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { behaviourFormatOfName, readBehaviourFile } from '../core/behaviours/behaviourFile.ts';
import { checkReportFormat } from '../core/evaluation/report.ts';
import { formatOfName, readLabelFile } from '../core/labels/labelsFile.ts';
import { buildFolderAtomic } from '../core/files/atomicWrite.ts';
import { toFileError } from '../core/files/fileError.ts';
import { createProject } from '../storage/project/create.ts';
import type { Project } from '../storage/project/project.ts';
import type { InStorageThread } from '../storage/storageWork.ts';
import { readVersionFile } from '../storage/versions/versionFile.ts';
import { catalogueDictionaries } from './dictionaries.ts';
import { catalogueStatistics } from './listStatistics.ts';
import { addModel } from './models.ts';
import type { Compute } from './compute.ts';
import { readJson } from '../core/files/json.ts';

const MODEL = 'sample';
const AUTHOR = 'Errata';

interface SampleOptions {
  readonly sample: string;
  readonly compute: Compute;
  /** Where what waits for the disk is done. */
  readonly thread?: InStorageThread;
  readonly signal?: AbortSignal;
  /** Nothing that somebody has made with the model: no dictionaries, labels and versions. */
  readonly isBare?: boolean;
}

/**
 * @param folder of the project to be made.
 * @param options.sample the sample's folder: model/, behaviours/*.json, *.jsonl corpora, labels.*, dictionaries/
 * with their statistics, and versions/: NAME.version.json, each with NAME.evaluation.json.
 * @throws AppError `exists`, `not-found`, `disk-full`, `permission`.
 */
export async function makeSampleProject(
  folder: string,
  { sample, compute, thread, signal, isBare = false }: SampleOptions,
): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  await buildFolderAtomic(folder, async (partial) => {
    const project = await createProject(partial, { host: 'the program', backups: false, thread });
    try {
      // Beside the model's entry in the project, where the person's own files would not be.
      const files = (root: string) => join(root, 'models', MODEL, 'files');
      const { sites: _, ...facts } = await compute(
        'model.inspect',
        { folder: join(sample, 'model') },
        signal ? { signal } : {},
      );
      await addModel(partial, { folder: files(partial), name: MODEL, facts, source: join(sample, 'model') });
      await copyFolder(join(sample, 'model'), files(partial));
      await copyCorpora(sample, join(partial, 'corpora'));
      await importBehaviours(project, join(sample, 'behaviours'));
      if (isBare) return;
      await copyFolder(join(sample, 'dictionaries'), join(partial, 'dictionaries'));
      await importLabels(project, sample);
      await catalogueDictionaries(project);
      await catalogueStatistics({ project }, signal ?? new AbortController().signal);
      await importVersions(project, join(sample, 'versions'), facts.hash);
    } finally {
      await project.end();
    }
  });
}

/** None where there is no such folder; one that cannot be read is an error. */
async function entriesOf(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).toSorted();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw toFileError(thrown, folder);
  }
}

/** Contents only: files of a packaged program are read-only, and copies of them must not be. */
async function copyFolder(from: string, to: string): Promise<void> {
  if ((await entriesOf(from)).length === 0) return;
  await cp(from, to, { recursive: true, mode: 0, filter: (path) => !path.includes('.partial-') });
}

async function copyCorpora(sample: string, corpora: string): Promise<void> {
  for (const file of await entriesOf(sample)) {
    if (extname(file) === '.jsonl' && !file.startsWith('labels')) await cp(join(sample, file), join(corpora, file));
  }
}

async function importBehaviours(project: Project, folder: string): Promise<void> {
  for (const file of await entriesOf(folder)) {
    if (extname(file) !== '.json') continue;
    const path = join(folder, file);
    const behaviour = await readBehaviourFile(path, behaviourFormatOfName(path));
    project.behaviours.save(behaviour, { author: AUTHOR });
  }
}

/** Each on a branch of the file's name, with its evaluation. */
async function importVersions(project: Project, folder: string, model: string): Promise<void> {
  for (const entry of await entriesOf(folder)) {
    const [, name] = /^(.+)\.version\.json$/u.exec(entry) ?? [];
    if (name === undefined) continue;
    const subject = join(folder, entry);
    const file = await readVersionFile(subject);
    const vouched = { models: new Set([model]) };
    project.importVersionFile(file, { author: AUTHOR, branch: name, subject, vouched });
    const path = join(folder, `${name}.evaluation.json`);
    const report = checkReportFormat(await readJson(path), path);
    project.evaluations.add(report, file.head, { author: AUTHOR });
    // The editor opens on it: the patched text is one click away.
    if (!project.versions.working()) project.versions.checkout(name, { author: AUTHOR });
  }
}

async function importLabels(project: Project, sample: string): Promise<void> {
  for (const file of await entriesOf(sample)) {
    if (!/^labels\.(csv|jsonl)$/u.test(file)) continue;
    const path = join(sample, file);
    const staged = await project.importLabels(readLabelFile(path, formatOfName(path)));
    try {
      staged.apply('keep', { author: AUTHOR });
    } finally {
      staged.close();
    }
  }
}

// Corpora that lie in the project itself, corpora/<file>: those of the sample, and whatever a person puts there.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../contract/base/errors.ts';
import { realPathInside } from '../core/files/insideFolder.ts';
import type { Workbench } from './workbench.ts';

export interface ProjectCorpus {
  readonly name: string;
  readonly bytes: number;
}

const READABLE = /^[^.].*\.(jsonl|txt)$/u;

export async function listCorpora({ project }: Pick<Workbench, 'project'>): Promise<ProjectCorpus[]> {
  const folder = join(project.folder, 'corpora');
  const names = (await readdir(folder).catch(() => [])).filter((name) => READABLE.test(name)).sort();
  return Promise.all(names.map(async (name) => ({ name, bytes: (await stat(join(folder, name))).size })));
}

/** @throws AppError `not-found`, `invalid-file` for a name that leads out of the folder. */
export async function corpusPath({ project }: Pick<Workbench, 'project'>, name: string): Promise<string> {
  if (!READABLE.test(name)) throw new AppError('not-found', `The project has no corpus "${name.slice(0, 100)}".`);
  return realPathInside(join(project.folder, 'corpora'), name, 'The corpus');
}

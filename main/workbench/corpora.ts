// Corpora that lie in the project itself, corpora/<file>: those of the sample, and whatever a person puts there.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataOf } from '../contract/base/data.ts';
import type { corpusSchema } from '../contract/api/activations.ts';
import { AppError } from '../contract/base/errors.ts';
import { corpusEnding } from '../core/activations/corpus.ts';
import { toFileError } from '../core/files/fileError.ts';
import { realPathInside } from '../core/files/insideFolder.ts';
import type { Asker } from './call.ts';
import { entriesIn, type BrokenFolder } from './projectFolder.ts';
import type { Workbench } from './workbench.ts';

export interface ProjectCorpus {
  readonly name: string;
  readonly bytes: number;
  /** False for text that is kept apart for choosing or judging edits, by its name. */
  readonly isTraining: boolean;
}

const KEPT_APART = /^(choose|held-?out|test|val|valid|validation|dev|eval|evaluation)(?![a-z])/iu;

function isCorpus(name: string): boolean {
  return !name.startsWith('.') && !/[\\/]/u.test(name) && corpusEnding(name) !== '';
}

/** The corpora of the project in the order of their names; a link that leads nowhere is broken. */
export async function readCorpora(project: string) {
  const folder = join(project, 'corpora');
  const found: ProjectCorpus[] = [];
  const broken: BrokenFolder[] = [];
  const names = (await entriesIn(folder)).map(({ name }) => name).filter(isCorpus);
  for (const name of names.sort()) {
    const path = join(folder, name);
    try {
      found.push({ name, bytes: (await stat(path)).size, isTraining: !KEPT_APART.test(name) });
    } catch (thrown) {
      broken.push({ kind: 'corpora', name, reason: toFileError(thrown, path).message });
    }
  }
  return { found, broken };
}

/** What a capture should read first: text of the training distribution, the largest first; then what is kept apart. */
export async function listCorpora({ project }: Pick<Workbench, 'project'>): Promise<ProjectCorpus[]> {
  const { found } = await readCorpora(project.folder);
  const rank = ({ isTraining, bytes }: ProjectCorpus) => (isTraining ? bytes : -1);
  return found.toSorted((a, b) => rank(b) - rank(a));
}

/** @throws AppError `not-found`, `invalid-file` for a name that leads out of the folder. */
export async function corpusPath({ project }: Pick<Workbench, 'project'>, name: string): Promise<string> {
  if (!isCorpus(name)) throw new AppError('not-found', `The project has no corpus "${name.slice(0, 100)}".`);
  return realPathInside(join(project.folder, 'corpora'), name, 'The corpus');
}

/** The path of a corpus, pointed at or of the project. @throws AppError as corpusPath; `permission`. */
export async function pathOfCorpus(
  workbench: Pick<Workbench, 'project'>,
  corpus: DataOf<typeof corpusSchema>,
  { pathOf }: Pick<Asker, 'pathOf'>,
): Promise<string> {
  return corpus.from === 'location' ? pathOf(corpus.location) : corpusPath(workbench, corpus.name);
}

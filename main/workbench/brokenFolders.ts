// What in the project's folders cannot be read, of every kind: listed with the reason, while the rest of the project works.
import { MANIFEST_FILE } from '../core/export/manifest.ts';
import { readStores } from './activations.ts';
import { readCorpora } from './corpora.ts';
import { readDictionaries } from './dictionaries.ts';
import { listExports } from './exports.ts';
import { readFindings } from './findings.ts';
import { readModels } from './models.ts';
import { readEach, type BrokenFolder } from './projectFolder.ts';
import type { Workbench } from './workbench.ts';

export async function listBroken(workbench: Pick<Workbench, 'project'>): Promise<readonly BrokenFolder[]> {
  const { folder } = workbench.project;
  const readings = await Promise.all([
    readModels(folder),
    readCorpora(folder),
    readStores(workbench),
    readDictionaries(folder),
    readFindings(workbench),
    readEach(folder, 'exports', MANIFEST_FILE, (name) => Promise.resolve(name)),
  ]);
  const exports = (await listExports(workbench)).flatMap(({ name, problem }): BrokenFolder[] =>
    problem === null ? [] : [{ kind: 'exports', name, reason: problem }],
  );
  return [...readings.flatMap(({ broken }) => broken), ...exports];
}

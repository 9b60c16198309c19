// Where the sample that comes with the program lies.
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '../../contract/base/errors.ts';

/**
 * @returns resources/sample, found from the sources as from a build.
 * @throws AppError `not-found`.
 */
export async function sampleFolder(): Promise<string> {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const candidate = join(folder, 'resources', 'sample');
    if (await stat(join(candidate, 'demo.json')).catch(() => null)) return candidate;
    const parent = dirname(folder);
    if (parent === folder) throw new AppError('not-found', 'The sample that comes with the program is missing.');
    folder = parent;
  }
}

// Which unit tests import a file, over how many steps. The nearest tests are where its promises should be held.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const IMPORT = /(?:from|import)\s*\(?\s*'(\.[^']+)'/gu;

/** Every file's imports, by paths relative to the root. */
export class ImportGraph {
  readonly #importers = new Map<string, string[]>();

  constructor(root: string, folder: string) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue;
      const file = join(folder, name);
      for (const [, from = ''] of readFileSync(join(root, file), 'utf8').matchAll(IMPORT)) {
        const imported = join(dirname(file), from);
        if (!existsSync(join(root, imported))) continue;
        const importers = this.#importers.get(imported);
        if (importers) importers.push(file);
        else this.#importers.set(imported, [file]);
      }
    }
  }

  /** At most `most` tests: its own first, then the nearest; among equally near ones those of the same folder first. */
  nearestTests(file: string, most: number): string[] {
    const steps = new Map([[file, 0]]);
    const queue = [file];
    for (let current = queue.shift(); current !== undefined; current = queue.shift()) {
      for (const importer of this.#importers.get(current) ?? []) {
        if (steps.has(importer)) continue;
        steps.set(importer, steps.get(current)! + 1);
        queue.push(importer);
      }
    }
    const isOther = (test: string) => Number(test !== file.replace(/\.ts$/u, '.test.ts'));
    const isElsewhere = (test: string) => Number(dirname(test) !== dirname(file));
    return [...steps.keys()]
      .filter((name) => name.endsWith('.test.ts'))
      .sort(
        (a, b) =>
          isOther(a) - isOther(b) ||
          steps.get(a)! - steps.get(b)! ||
          isElsewhere(a) - isElsewhere(b) ||
          (a < b ? -1 : 1),
      )
      .slice(0, most);
  }
}

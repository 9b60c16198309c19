// What a job made: the files of the project that are new or different, and the rows that it added, each as a hash. What
// names the run and not the result (times, durations, ids made of them, who asked) is left out; everything else counts, to the last bit.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { openProject } from '../../main/storage/project/open.ts';

/** By path, or by the name of a table and a number. */
export type Products = ReadonlyMap<string, string>;

const RUN_FACTS = new Set([
  ...['created', 'updated', 'time', 'times', 'startedAt', 'endedAt', 'date', 'author', 'job'],
  ...['seconds', 'milliseconds', 'tokensPerSecond', 'perSecond', 'trainingSeconds', 'elapsed'],
]);
/** Neither is a result. */
const NOT_PRODUCTS = /^(?:project\.sqlite|backups|damaged|logs)|\.partial-|^models\/[^/]+\/hashes\.json$/u;
/** At the top of a result: an id that is made of its time, too. */
const OWN_IDS = new Set(['id', 'result']);

/** A copy without what is different in every run. @param folder where the project is, which the same work names elsewhere. */
function withoutRunFacts(value: unknown, folder: string): unknown {
  if (typeof value === 'string') return value.replaceAll(folder, '<project>');
  if (Array.isArray(value)) return value.map((each) => withoutRunFacts(each, folder));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => !RUN_FACTS.has(key));
  return Object.fromEntries(entries.map(([key, each]) => [key, withoutRunFacts(each, folder)]));
}

export function hashOf(value: unknown, folder: string): string {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const content = isObject ? Object.fromEntries(Object.entries(value).filter(([key]) => !OWN_IDS.has(key))) : value;
  return sha256(JSON.stringify(withoutRunFacts(content, folder)) ?? '');
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex').slice(0, 16);
}

/** Everything that is there now. */
async function contents(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(folder.length + 1);
    if (NOT_PRODUCTS.test(name)) continue;
    found.set(name, fileHash(name, await readFile(path), folder));
  }
  const project = await openProject(folder, { readOnly: true });
  try {
    const evaluations = project.evaluations.list().map(({ id }) => project.evaluations.get(id).report);
    const rows = { evaluation: evaluations, result: project.behaviours.results() };
    for (const [table, list] of Object.entries(rows))
      list.map((row) => hashOf(row, folder)).forEach((hash) => found.set(`${table} ${hash}`, hash));
  } finally {
    project.close();
  }
  return found;
}

function fileHash(name: string, bytes: Buffer, folder: string): string {
  if (extname(name) === '.json') return hashOf(JSON.parse(bytes.toString('utf8')), folder);
  if (extname(name) === '.jsonl') {
    const lines = bytes.toString('utf8').trimEnd().split('\n');
    return hashOf(
      lines.map((line) => JSON.parse(line) as unknown),
      folder,
    );
  }
  if (!['.md', '.py', '.html'].includes(extname(name))) return sha256(bytes);
  return sha256(bytes.toString('utf8').replaceAll(folder, '<project>'));
}

/** What `folder` holds that `template`, of which it is a copy, does not. */
export async function productsOf(folder: string, template: string): Promise<Products> {
  const [before, after] = [await contents(template), await contents(folder)];
  return new Map([...after].filter(([name, hash]) => before.get(name) !== hash));
}

/** What in words is different; empty: nothing. @param expected of the run that nobody disturbed. */
export function differences(expected: Products, found: Products): readonly string[] {
  return [
    ...[...expected].filter(([name]) => !found.has(name)).map(([name]) => `${name} is missing`),
    ...[...expected]
      .filter(([name, hash]) => found.has(name) && found.get(name) !== hash)
      .map(([name]) => `${name} differs`),
  ];
}

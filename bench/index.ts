// Runs benchmarks: `npm run bench -- NAME [ARGUMENTS] [--json]`. Each is a file beside this one with a function
// run({ json, args }) that returns one object of figures; with --json it is the last line of standard output.
import { readdirSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { AppError, toAppError } from '../main/contract/base/errors.ts';
import { nearest } from '../main/hosts/cli/suggest.ts';

interface Benchmark {
  run(options: { readonly json: boolean; readonly args: readonly string[] }): Promise<Record<string, unknown>>;
}

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== 'index.ts')
  .map((file) => file.slice(0, -'.ts'.length))
  .sort();

async function load(name: string | undefined): Promise<Benchmark> {
  if (name !== undefined && names.includes(name)) {
    const module: unknown = await import(pathToFileURL(join(import.meta.dirname, `${name}.ts`)).href);
    if (isBenchmark(module)) return module;
    throw new AppError('internal', `bench/${name}.ts has no function run.`);
  }
  const near = name === undefined ? undefined : nearest(name, names);
  const what = name === undefined ? 'Which benchmark?' : `There is no benchmark "${name}".`;
  throw new AppError(
    'usage',
    `${what} ${near === undefined ? '' : `Did you mean "${near}"? `}There are: ${names.join(', ')}.`,
  );
}

function isBenchmark(module: unknown): module is Benchmark {
  return typeof module === 'object' && module !== null && 'run' in module && typeof module.run === 'function';
}

const json = process.argv.includes('--json');
const [name, ...args] = process.argv.slice(2).filter((word) => word !== '--json');
try {
  const result = await (await load(name)).run({ json, args });
  if (json) console.log(JSON.stringify(result));
  else console.dir(result, { depth: null });
} catch (thrown) {
  const { code, message } = toAppError(thrown);
  console.error(`bench: ${message}`);
  if (code === 'internal' && thrown instanceof Error) console.error(thrown.stack);
  if (json) console.log(JSON.stringify({ error: { code, message } }));
  process.exitCode = code === 'usage' ? 2 : 1;
}

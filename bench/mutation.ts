// How many small faults the unit tests see: plants one mutation at a time in a file of the program, runs the nearest tests that
// import it, and puts the file back. What survives is either equal to the original or a missing test; a person decides.
// Files are changed where they lie: run it in a checkout of its own (git worktree add), in which nothing is uncommitted.
//   npm run bench -- mutation main/core/edits main/storage/versions --count 12 --seed 1
import { execFile, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { AppError } from '../main/contract/base/errors.ts';
import { Random } from '../main/core/numerics/random.ts';
import { mutantsOf, plant, type Mutant } from './mutation/mutants.ts';
import { ImportGraph } from './mutation/nearTests.ts';
import type { TestAnswer, TestRequest } from './mutation/testProcess.ts';

const root = join(import.meta.dirname, '..');

type Outcome = 'killed' | 'timed out' | 'survived';

/**
 * @param options.args folders or files of main/; --count mutations a file (0: all), --seed, --tests a file, --seconds for the
 * tests of one mutation, --only to plant the mutations whose line matches it, as "file.ts:12".
 */
export async function run({ args }: { readonly args: readonly string[] }): Promise<Record<string, unknown>> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      count: { type: 'string', default: '10' },
      seed: { type: 'string', default: '1' },
      tests: { type: 'string', default: '6' },
      seconds: { type: 'string', default: '40' },
      only: { type: 'string', default: '' },
    },
  });
  if (positionals.length === 0) throw new AppError('usage', 'Which folders or files? Example: main/core/edits.');
  await refuseUncommitted();
  const graph = new ImportGraph(root, 'main');
  const tests = new TestRunner(Number(values.seconds));
  const figures: Record<Outcome, number> = { killed: 0, 'timed out': 0, survived: 0 };
  const survivors: string[] = [];
  /** No near test passes in time without a mutation. */
  const untested: string[] = [];
  try {
    for (const file of positionals.flatMap(sourceFiles)) {
      const path = join(root, file);
      const source = readFileSync(path, 'utf8');
      const mutants = sample(mutantsOf(file, source), Number(values.count), `${values.seed} ${file}`).filter(
        ({ line }) => `${file}:${line}`.includes(values.only),
      );
      if (mutants.length === 0) continue;
      const nearest = await tests.affordable(graph.nearestTests(file, Number(values.tests)), path);
      if (nearest.length === 0) {
        untested.push(file);
        continue;
      }
      for (const mutant of mutants) {
        let outcome: Outcome;
        try {
          writeFileSync(path, plant(source, mutant));
          outcome = await tests.run(nearest, path);
        } finally {
          writeFileSync(path, source);
        }
        figures[outcome]++;
        const said = `${file}:${mutant.line} ${mutant.kind}: ${oneLine(mutant.original)} -> ${oneLine(mutant.replacement)}`;
        console.error(`${outcome}  ${said}`);
        if (outcome === 'survived') survivors.push(said);
      }
    }
  } finally {
    tests.close();
  }
  return { ...figures, untested, survivors };
}

async function refuseUncommitted(): Promise<void> {
  const { stdout } = await promisify(execFile)('git', ['status', '--porcelain', '--untracked-files=no'], { cwd: root });
  if (stdout.trim() === '') return;
  throw new AppError('conflict', `${root}: not everything is committed, and this bench changes files. Commit first.`);
}

function sourceFiles(place: string): string[] {
  const path = join(root, place);
  const files = statSync(path).isFile()
    ? [path]
    : readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => join(path, name));
  return files
    .filter((file) => file.endsWith('.ts') && !/\.(?:test|d)\.ts$/u.test(file))
    .map((file) => relative(root, file))
    .sort();
}

/** The same for the same seed, in the order of the file. */
function sample(mutants: readonly Mutant[], count: number, seed: string): readonly Mutant[] {
  if (count === 0 || mutants.length <= count) return mutants;
  const random = new Random([...seed].reduce((hash, letter) => (Math.imul(hash, 31) + letter.charCodeAt(0)) >>> 0, 7));
  const places = Int32Array.from(mutants.keys());
  random.shuffle(places);
  return Array.from(places.subarray(0, count).sort(), (place) => mutants[place]!);
}

const oneLine = (text: string) => text.replaceAll(/\s+/gu, ' ').slice(0, 100);

/** A warm Vitest, which is killed and started again when it does not answer in time. */
class TestRunner {
  readonly #milliseconds: number;
  #process: ChildProcess | null = null;
  #lastChanged = '';

  constructor(seconds: number) {
    this.#milliseconds = seconds * 1000;
  }

  async run(files: readonly string[], changed: string): Promise<Outcome> {
    this.#process ??= await start();
    const child = this.#process;
    // The last file, too: it has been put back since.
    const request: TestRequest = { files, changed: [...new Set([changed, this.#lastChanged])] };
    this.#lastChanged = changed;
    const timeout = AbortSignal.timeout(this.#milliseconds);
    child.send(request);
    try {
      const [answer] = (await once(child, 'message', { signal: timeout })) as [TestAnswer];
      return answer.passed ? 'survived' : 'killed';
    } catch {
      this.close();
      return 'timed out';
    }
  }

  /** Those that pass without a mutation, from the nearest on, as long as they take a third of the time together. */
  async affordable(files: readonly string[], changed: string): Promise<string[]> {
    const chosen: string[] = [];
    let left = this.#milliseconds / 3;
    for (const file of files) {
      const start = performance.now();
      const outcome = await this.run([file], changed);
      const took = performance.now() - start;
      if (outcome === 'timed out' || (took > left && chosen.length > 0)) break;
      if (outcome === 'survived') chosen.push(file);
      else console.error(`fails without a mutation: ${file}`);
      left -= took;
    }
    return chosen;
  }

  /** With the processes in which it runs tests. */
  close(): void {
    if (this.#process?.pid !== undefined) process.kill(-this.#process.pid, 'SIGKILL');
    this.#process = null;
  }
}

async function start(): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'mutation/testProcess.ts'), {
    cwd: root,
    detached: true,
    stdio: 'ignore',
  });
  await once(child, 'message');
  return child;
}

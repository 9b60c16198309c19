// The one test command: types, lint, build, unit tests, end-to-end tests. Each runs even when one before it failed, and what
// all of them counted is added up in the last line, `N passed, N failed` (`, N skipped`). A check without tests of its own
// counts as one; a suite that breaks off counts as a failure more.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const root = join(import.meta.dirname, '..');
const reports = mkdtempSync(join(tmpdir(), 'errata-test-'));

/** Runs a package's command in the project; its output goes to ours. @returns whether it succeeded. */
function succeeds(command: string, ...args: string[]): boolean {
  const { status, error } = spawnSync(join(root, 'node_modules/.bin', command), args, { cwd: root, stdio: 'inherit' });
  if (error) console.error(error.message);
  return status === 0;
}

function check(isGood: boolean): Count {
  return { passed: isGood ? 1 : 0, failed: isGood ? 0 : 1, skipped: 0 };
}

/** The tests of the window, which Playwright runs. */
function windowSuite(): Count {
  const report = join(reports, 'window.json');
  process.env['PLAYWRIGHT_JSON_OUTPUT_FILE'] = report;
  const isGood = succeeds('playwright', 'test', '--config=e2e/window/playwright.config.ts', '--reporter=list,json');
  try {
    const { stats } = JSON.parse(readFileSync(report, 'utf8')) as { stats: Record<string, number> };
    const of = (name: string) => Number(stats[name] ?? NaN);
    // One that succeeds only when it is tried again has failed; one that did not run after a failure was not skipped by intent.
    const counted = { passed: of('expected'), failed: of('unexpected') + of('flaky'), skipped: of('skipped') };
    if (![counted.passed, counted.failed, counted.skipped].every(Number.isInteger))
      throw new Error('It has no counts.');
    const isSilentFailure = (!isGood && counted.failed === 0) || counted.passed + counted.failed === 0;
    return isSilentFailure ? { ...counted, failed: counted.failed + 1 } : counted;
  } catch (thrown) {
    console.error(`The tests of the window left no report: ${String(thrown)}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

function suite(project: string): Count {
  const report = join(reports, `${project}.json`);
  const isGood = succeeds(
    'vitest',
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  );
  let counted: Count;
  try {
    const parsed = JSON.parse(readFileSync(report, 'utf8')) as Record<string, number>;
    const of = (name: string) => Number(parsed[name] ?? NaN);
    counted = {
      passed: of('numPassedTests'),
      failed: of('numFailedTests'),
      skipped: of('numPendingTests') + of('numTodoTests'),
    };
    if (![counted.passed, counted.failed, counted.skipped].every(Number.isInteger))
      throw new Error('It has no counts.');
  } catch (thrown) {
    console.error(`The suite ${project} left no report: ${String(thrown)}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  // A file that cannot be loaded, an error outside of any test: vitest fails without a failed test.
  const isSilentFailure = (!isGood && counted.failed === 0) || counted.passed + counted.failed === 0;
  return isSilentFailure ? { ...counted, failed: counted.failed + 1 } : counted;
}

const steps: readonly (readonly [string, () => Count])[] = [
  ['Types', () => check(succeeds('tsc', '--noEmit', '-p', 'tsconfig.json'))],
  [
    'Types of the renderer',
    () => check(succeeds('svelte-check', '--tsconfig', './renderer/tsconfig.json', '--fail-on-warnings')),
  ],
  ['Lint', () => check(succeeds('eslint', '.', '--max-warnings', '0', '--concurrency', '2'))],
  ['Format', () => check(succeeds('prettier', '--check', '--log-level', 'warn', '.'))],
  ['Unused code', () => check(succeeds('knip'))],
  ['Build', () => check(succeeds('electron-vite', 'build'))],
  ['Unit tests', () => suite('unit')],
  ['End-to-end tests', () => suite('e2e')],
  ['Window tests', windowSuite],
];

const total = { passed: 0, failed: 0, skipped: 0 };
const summary: string[] = [];
for (const [name, run] of steps) {
  console.log(`\n── ${name}`);
  const startedAt = performance.now();
  const { passed, failed, skipped } = run();
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  summary.push(
    `${failed === 0 ? '✓' : '✗'} ${name}: ${passed} passed, ${failed} failed, ${skipped} skipped (${seconds} s)`,
  );
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}
rmSync(reports, { recursive: true, force: true });
console.log(`\n${summary.join('\n')}\n`);
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
process.exitCode = total.failed === 0 ? 0 : 1;

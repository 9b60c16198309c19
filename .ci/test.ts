// The one test command: provides what the tests need beyond npm's packages (needs.ts), then types, lint, build, unit tests,
// end-to-end tests. Each runs even when one before it failed, and what all of them counted is added up in the last line,
// `N passed, N failed` (`, N skipped`). A check without tests of its own counts as one; a suite that breaks off counts as a
// failure more. What failed, and what could not be provided, is named once more at the end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasBrowser } from '../e2e/window/browser.ts';
import { NEEDS } from './needs.ts';
import { provide } from './provide.ts';
import type { SuiteResult } from './suiteResult.ts';

const root = join(import.meta.dirname, '..');
const reports = mkdtempSync(join(tmpdir(), 'errata-test-'));

/** What Node and V8 say before they end their process. */
const LAST_WORDS = /FATAL ERROR|# (?:Fatal error|Check failed|unreachable)|^\s*\d+: 0x/u;

/** Runs a package's command in the project; its output goes to ours. @returns whether it succeeded. */
async function succeeds(command: string, ...args: string[]): Promise<boolean> {
  return (await running(command, ...args)).isGood;
}

/** @returns also the last words of processes that died: they stand far up, if they are only there. */
async function running(command: string, ...args: string[]) {
  const stdio = ['inherit', 'inherit', 'pipe'] as const;
  const child = spawn(join(root, 'node_modules/.bin', command), args, { cwd: root, stdio: [...stdio] });
  const lastWords: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    process.stderr.write(text);
    lastWords.push(...text.split('\n').filter((line) => LAST_WORDS.test(line)));
  });
  const [status] = (await once(child, 'close')) as [number | null];
  return { isGood: status === 0, lastWords: lastWords.slice(0, 30) };
}

function check(isGood: boolean): SuiteResult {
  return { passed: isGood ? 1 : 0, failed: isGood ? 0 : 1, skipped: 0, failures: [] };
}

/** A result that is sound: one without tests, or one whose run ended badly with nothing named as failed, counts as a failure. */
function judged(result: SuiteResult, isGood: boolean): SuiteResult {
  const { passed, failed, skipped, failures } = result;
  if (![passed, failed, skipped].every(Number.isInteger)) throw new Error('It has no counts.');
  const isSilentFailure = (!isGood && failed === 0) || passed + failed === 0;
  return isSilentFailure
    ? { ...result, failed: failed + 1, failures: [...failures, 'The run ended badly, and names nothing that failed.'] }
    : result;
}

function withoutReport(suite: string, thrown: unknown): SuiteResult {
  return { passed: 0, failed: 1, skipped: 0, failures: [`${suite} left no report: ${String(thrown)}`] };
}

interface PlaywrightSuite {
  readonly file: string;
  readonly suites?: readonly PlaywrightSuite[];
  readonly specs?: readonly { readonly title: string; readonly ok: boolean }[];
}

/** The tests of the window, which Playwright runs; without a browser it lists them, and they count as skipped. */
async function windowSuite(): Promise<SuiteResult> {
  const report = join(reports, 'window.json');
  process.env['PLAYWRIGHT_JSON_OUTPUT_FILE'] = report;
  const canRun = await hasBrowser();
  const how = canRun ? ['--reporter=list,json'] : ['--list', '--reporter=json'];
  const isGood = await succeeds('playwright', 'test', '--config=e2e/window/playwright.config.ts', ...how);
  try {
    const { stats, suites } = JSON.parse(readFileSync(report, 'utf8')) as {
      stats: Record<string, number>;
      suites: readonly PlaywrightSuite[];
    };
    const failuresIn = (suite: PlaywrightSuite): string[] => [
      ...(suite.specs ?? []).filter(({ ok }) => !ok).map(({ title }) => `${suite.file} > ${title}`),
      ...(suite.suites ?? []).flatMap(failuresIn),
    ];
    const of = (name: string) => Number(stats[name] ?? NaN);
    // One that succeeds only when it is tried again has failed; one that did not run after a failure was not skipped by intent.
    const failed = of('unexpected') + of('flaky');
    const failures = canRun ? suites.flatMap(failuresIn) : [];
    const result = { passed: of('expected'), failed, skipped: of('skipped'), failures };
    return !canRun && isGood && result.skipped > 0 ? result : judged(result, isGood);
  } catch (thrown) {
    return withoutReport('The tests of the window', thrown);
  }
}

/** One of vitest's projects. */
async function suite(project: string): Promise<SuiteResult> {
  const first = await vitest(project);
  if (!first.died?.length) return first;
  // Our code cannot end a process by a signal: Node, V8 or an addon does, rarely, for a cause that was not found
  // (ARCHITECTURE.md, "A process that dies"). It is said, and the file is run again, once; dying again is a failure.
  const files = first.died.map(({ file }) => file);
  const notes = first.died.map(({ file, signal }) => `${file}: its process died by ${signal}; it was run again.`);
  const again = await vitest(project, ...files);
  const diedAgain = again.died?.length ?? 0;
  return {
    passed: first.passed + again.passed,
    failed: first.failed + again.failed + diedAgain,
    skipped: first.skipped + again.skipped,
    failures: [...notes, ...first.failures, ...again.failures],
  };
}

async function vitest(project: string, ...files: string[]): Promise<SuiteResult> {
  const report = join(reports, `${project}.json`);
  process.env['ERRATA_SUITE_RESULT'] = report;
  const reporters = ['--reporter=default', '--reporter=./.ci/countReporter.ts'];
  const { isGood, lastWords } = await running('vitest', 'run', '--project', project, ...reporters, ...files);
  try {
    const result = JSON.parse(readFileSync(report, 'utf8')) as SuiteResult;
    rmSync(report);
    if (!result.died?.length) return judged(result, isGood);
    return { ...result, failures: [...result.failures, ...lastWords] };
  } catch (thrown) {
    return withoutReport(`The suite ${project}`, thrown);
  }
}

const steps: readonly (readonly [string, () => Promise<SuiteResult>])[] = [
  ['Types', async () => check(await succeeds('tsc', '--noEmit', '-p', 'tsconfig.json'))],
  [
    'Types of the renderer',
    async () => check(await succeeds('svelte-check', '--tsconfig', './renderer/tsconfig.json', '--fail-on-warnings')),
  ],
  ['Lint', async () => check(await succeeds('eslint', '.', '--max-warnings', '0', '--concurrency', '2'))],
  ['Format', async () => check(await succeeds('prettier', '--check', '--log-level', 'warn', '.'))],
  ['Unused code', async () => check(await succeeds('knip'))],
  ['Build', async () => check(await succeeds('electron-vite', 'build'))],
  ['Unit tests', () => suite('unit')],
  ['End-to-end tests', () => suite('e2e')],
  ['Window tests', windowSuite],
];

const missing = await provide(NEEDS);
for (const line of missing) console.log(line);

const total = { passed: 0, failed: 0, skipped: 0 };
const summary: string[] = [];
for (const [name, run] of steps) {
  console.log(`\n── ${name}`);
  const startedAt = performance.now();
  const { passed, failed, skipped, failures } = await run();
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  summary.push(
    `${failed === 0 ? '✓' : '✗'} ${name}: ${passed} passed, ${failed} failed, ${skipped} skipped (${seconds} s)`,
    ...failures.map((failure) => `    ${failure}`),
  );
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}
rmSync(reports, { recursive: true, force: true });
console.log(`\n${[...summary, ...missing].join('\n')}\n`);
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
process.exitCode = total.failed === 0 ? 0 : 1;

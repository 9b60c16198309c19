// From starting the program to the first view that can be used, in a real browser: the built web host is spawned, its address
// is opened, and the view's first button can be pressed. The browser itself is started before, and is not counted. Arguments:
// none; `npm run build` first. Medians and the longest of some starts, in milliseconds, of each
//   welcome   nothing is open: the first run
//   project   with the sample project open
// and in each: address, when the host gave its address; view, when the view was there.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser } from '@playwright/test';
import { launchOptions } from '../e2e/window/browser.ts';
import { AppError } from '../main/contract/base/errors.ts';

const root = join(import.meta.dirname, '..');
const STARTS = 5;

export async function run(): Promise<Record<string, unknown>> {
  const home = await mkdtemp(join(tmpdir(), 'errata-bench-view-'));
  const browser = await chromium.launch(launchOptions());
  try {
    const welcome = await starts(browser, home, [], 'Open the sample');
    const project = join(home, 'sample');
    const { status } = await ended(
      spawn(process.execPath, [join(root, 'out/main/cli.js'), 'project', 'sample', project]),
    );
    if (status !== 0) throw new AppError('internal', 'The sample project was not made.');
    const opened = await starts(browser, home, ['--project', project], 'Close project');
    return { welcome, project: opened };
  } finally {
    await browser.close();
    await rm(home, { recursive: true, force: true });
  }
}

async function starts(browser: Browser, home: string, words: readonly string[], button: string) {
  const taken: Awaited<ReturnType<typeof start>>[] = [];
  for (let i = 0; i < STARTS; i++) taken.push(await start(browser, home, words, button));
  const of = (pick: (each: (typeof taken)[number]) => number) => {
    const sorted = taken.map(pick).sort((a, b) => a - b);
    return { median: sorted[STARTS >> 1], longest: sorted.at(-1) };
  };
  return { address: of(({ address }) => address), view: of(({ view }) => view) };
}

async function start(browser: Browser, home: string, words: readonly string[], button: string) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 860 } }); // nothing cached
  const page = await context.newPage();
  const startedAt = performance.now();
  const elapsed = () => Math.round(performance.now() - startedAt);
  const host = spawn(process.execPath, [join(root, 'out/main/web.js'), ...words], {
    env: { ...process.env, ERRATA_HOME: join(home, 'data') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let printed = '';
    host.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
    while (!printed.includes('?token=')) await once(host.stdout, 'data');
    const address = elapsed();
    await page.goto(/http\S+/u.exec(printed)?.[0] ?? '', { waitUntil: 'commit' });
    await page.getByRole('button', { name: button, exact: true }).waitFor();
    return { address, view: elapsed() };
  } finally {
    host.kill();
    await once(host, 'exit');
    await context.close();
  }
}

async function ended(child: ReturnType<typeof spawn>): Promise<{ status: number | null }> {
  const [status] = (await once(child, 'exit')) as [number | null];
  return { status };
}

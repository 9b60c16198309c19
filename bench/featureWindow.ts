// The list of features in the browser, over a project with 65 536 generated features, all of them labelled: from a key
// press to painted rows, for scrolling, sorting, filtering and searching; and the page's memory over a long way through the
// list. The promise is a median under 50 ms and a 95th percentile under 100 ms, and memory that does not grow.
// `npm run build` first. --project FOLDER keeps the project, and takes it where it is. Orders that need statistics are not
// offered, since nothing was computed; they are indexes like the others (`npm run bench -- featureList` has all of them).
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { chromium, type Page } from '@playwright/test';
import { launchOptions } from '../e2e/window/browser.ts';
import { root, WebHost } from '../e2e/window/webHost.ts';
import type { FeatureRow } from '../main/storage/entities/features.ts';
import { openProject } from '../main/storage/project/open.ts';
import { generatedFeatures } from './data/generatedFeatures.ts';

const DICTIONARY = 'large';
const VIEWPORT = { width: 1360, height: 860 };

export async function run({ args }: { readonly args: readonly string[] }): Promise<Record<string, unknown>> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      project: { type: 'string' },
      features: { type: 'string', default: '65536' },
      rounds: { type: 'string', default: '3' },
      pages: { type: 'string', default: '3000' },
    },
  });
  const own = values.project === undefined ? await mkdtemp(join(tmpdir(), 'errata-bench-')) : null;
  const folder = values.project ?? join(own ?? '', 'project');
  try {
    if (!existsSync(folder)) await makeProject(folder, Number(values.features));
    return await measure(folder, Number(values.rounds), Number(values.pages));
  } finally {
    if (own !== null) await rm(own, { recursive: true, force: true });
  }
}

/** From the sample: a run of the sample's site whose features are generated, a label for each. */
async function makeProject(folder: string, features: number): Promise<void> {
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  const errata = async (...words: string[]) => {
    const line = [join(root, 'out/main/cli.js'), ...words, '--device', 'cpu', '--project', partial];
    await promisify(execFile)(process.execPath, line, { maxBuffer: 1 << 26 });
  };
  await promisify(execFile)(process.execPath, [join(root, 'out/main/cli.js'), 'project', 'sample', partial]);
  const corpus = ['--corpus', join(partial, 'corpora/corpus.jsonl'), '--site', 'blocks.1.hook_resid_post'];
  await errata('capture', 'sample', ...corpus, '--name', 'few', '--max-contexts', '100');
  await errata('train', DICTIONARY, '--activations', 'few', '--features', '64', '--k', '8', '--steps', '5');
  // The run says that it has as many features as are generated; its weights are never read here.
  const generated = generatedFeatures(features);
  const { hash } = await grow(join(partial, 'dictionaries', DICTIONARY), generated.rows);
  const project = await openProject(partial);
  try {
    const set = { dictionary: hash, folder: '', manifest: { generated: true } };
    await project.features.replace(set, generated.rows, generated.topTokens, generated.texts());
    const entry = project.catalog.find('dictionary', DICTIONARY);
    if (entry) project.catalog.put({ ...entry, manifest: { ...(entry.manifest as object), size: features } });
    const staged = await project.importLabels(generated.labels(hash));
    staged.apply('keep', { author: 'bench' });
    staged.close();
  } finally {
    project.close();
  }
  await rename(partial, folder);
}

async function grow(run: string, rows: readonly FeatureRow[]): Promise<{ readonly hash: string }> {
  const change = async (file: string, into: (value: Record<string, unknown>) => Record<string, unknown>) => {
    const path = join(run, file);
    const value = into(JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>);
    await writeFile(path, JSON.stringify(value));
    return value;
  };
  await change('run.json', (value) => ({ ...value, config: { ...(value['config'] as object), size: rows.length } }));
  const { hash } = await change('evaluation.json', (value) => ({
    ...value,
    firingRates: rows.map(({ rate }) => rate),
  }));
  return { hash: String(hash) };
}

/** In the page: when keys were pressed, and when the rows that they bring were painted. */
const WATCH = `(() => {
  const painted = (done) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => done(performance.now());
    port2.postMessage(0);
  });
  const list = () => document.querySelector('[role=listbox][aria-label=Features]');
  const isFilled = () => {
    const frame = list()?.getBoundingClientRect();
    const options = [...(list()?.querySelectorAll('[role=option]') ?? [])].filter((option) => {
      const { top, bottom } = option.getBoundingClientRect();
      return bottom > frame.top && top < frame.bottom;
    });
    return options.every((option) => option.querySelector('.number') !== null);
  };
  const shown = () =>
    [list()?.parentElement?.dataset.shownLists, list()?.scrollTop, list()?.getAttribute('aria-activedescendant')].join();
  let pressed = 0;
  addEventListener('keydown', (event) => (pressed = event.timeStamp), true);
  globalThis.watchKey = () => {
    const before = shown();
    pressed = 0;
    globalThis.took = new Promise((resolve) => {
      const look = () => {
        if (pressed > 0 && shown() !== before && isFilled()) painted((at) => resolve(at - pressed));
        else setTimeout(look, 1);
      };
      look();
      setTimeout(() => resolve(NaN), 5000);
    });
  };
})()`;

async function measure(folder: string, rounds: number, pages: number): Promise<Record<string, unknown>> {
  const host = await WebHost.start(async (home) => {
    const copy = join(home, 'projects', DICTIONARY);
    await cp(folder, copy, { recursive: true });
    return copy;
  });
  const browser = await chromium.launch(launchOptions());
  try {
    const page = await browser.newPage({ viewport: VIEWPORT });
    await page.goto(host.launchUrl);
    await page.goto(`${host.origin}/#/features/${DICTIONARY}`);
    await page.locator('[role=option] .number').first().waitFor();
    await page.evaluate(WATCH);
    const times: { what: string; key: string; list: string; ms: number }[] = [];
    const press = async (what: string, key: string) => {
      await page.evaluate('watchKey()');
      await page.keyboard.press(key);
      const ms = Number(await page.evaluate('took'));
      times.push({ what, key, list: page.url().replace(/^[^?]*/u, ''), ms });
    };
    for (let round = 0; round < rounds; round++) await browse(page, press);
    const memory = await scrollFar(page, pages);
    const of = (what?: string) => times.filter((time) => what === undefined || time.what === what).map(({ ms }) => ms);
    const kinds = [...new Set(times.map(({ what }) => what))];
    return {
      features: Number(await page.locator('[role=option]').first().getAttribute('aria-setsize')),
      keyPresses: times.length,
      notAnswered: times.filter(({ ms }) => Number.isNaN(ms)).map(({ what, key }) => `${what}: ${key}`),
      medianMs: quantile(0.5, of()),
      p95Ms: quantile(0.95, of()),
      maxMs: quantile(1, of()),
      byKind: Object.fromEntries(
        kinds.map((what) => [
          what,
          { n: of(what).length, median: quantile(0.5, of(what)), p95: quantile(0.95, of(what)) },
        ]),
      ),
      slowest: times
        .toSorted((a, b) => b.ms - a.ms)
        .slice(0, 12)
        .map(({ what, key, ms, list }) => `${ms.toFixed(0)} ms ${what}: ${key} → ${list}`),
      memory,
      isUnderPromise: quantile(0.5, of()) < 50 && quantile(0.95, of()) < 100,
    };
  } finally {
    await browser.close();
    await host.stop();
  }
}

type Press = (what: string, key: string) => Promise<void>;

/** What browsing is made of, by keys alone. */
async function browse(page: Page, press: Press): Promise<void> {
  const list = page.getByRole('listbox', { name: 'Features' });
  await list.focus();
  for (const key of [
    'End',
    'PageUp',
    'PageUp',
    'Home',
    'PageDown',
    'PageDown',
    'PageDown',
    'PageDown',
    'End',
    'Home',
  ]) {
    await press('scroll', key);
  }
  const down = async (what: string, name: string) => {
    const select = page.getByRole('combobox', { name, exact: true });
    await select.focus();
    const steps = Math.min(5, (await select.locator('option').count()) - 1);
    for (let step = 0; step < steps; step++) await press(what, 'ArrowDown');
    return steps;
  };
  await down('sort', 'Order');
  for (const filter of ['State', 'Tag']) {
    for (let left = await down('filter', filter); left > 0; left--) await press('filter', 'ArrowUp');
  }
  const search = page.getByLabel(/^Search labels/u);
  await search.focus();
  for (const typed of ['brasha', 'mi ren', '6553']) {
    const steps = [...typed].map((key, at) => ({ key, left: typed.slice(0, at + 1) }));
    const back = steps.toReversed().map(({ left }) => ({ key: 'Backspace', left: left.slice(0, -1) }));
    let listed = '';
    for (const { key, left } of [...steps, ...back]) {
      // A space at the end asks for nothing else.
      if (left.trim() === listed) await page.keyboard.press(key === ' ' ? 'Space' : key);
      else await press('search', key);
      listed = left.trim();
    }
  }
  await page.getByLabel('Order', { exact: true }).selectOption('number');
}

/** Page by page through the list, again from its start at the end of it. */
async function scrollFar(page: Page, pages: number) {
  const session = await page.context().newCDPSession(page);
  const used = async () => {
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize } = await session.send('Runtime.getHeapUsage');
    const { nodes } = await session.send('Memory.getDOMCounters');
    return { heapMiB: Math.round((usedSize / 2 ** 20) * 10) / 10, nodes };
  };
  const samples = [await used()];
  for (let quarter = 0; quarter < 4; quarter++) {
    for (let at = 0; at < pages / 4; at++) {
      await page.evaluate(`(() => {
        const list = document.querySelector('[role=listbox][aria-label=Features]');
        const end = list.scrollHeight - list.clientHeight;
        list.scrollTop = list.scrollTop >= end - 1 ? 0 : list.scrollTop + list.clientHeight;
      })()`);
      await page.waitForTimeout(10);
    }
    samples.push(await used());
  }
  return { pages, samples };
}

function quantile(q: number, of: readonly number[]): number {
  const sorted = of.filter((ms) => !Number.isNaN(ms)).sort((a, b) => a - b);
  return Number((sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN).toFixed(1));
}

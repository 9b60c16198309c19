// The editor's promise: the next-token table follows a slider within 150 ms on the sample model. The built window in chromium,
// on the prepared project of the window tests: from the input event of a slider to the frame in which the table has the answer.
//   step   one press of an arrow key at a time
//   drag   input events at the pace of a mouse; from the last of them to the table that shows it, and how often it moved meanwhile
// `npm run build` first. ERRATA_PREPARED names a prepared project to take instead of making one.
import { join } from 'node:path';
import { chromium, type Page } from '@playwright/test';
import { launchOptions } from '../e2e/window/browser.ts';
import { copyPreparedProject, DICTIONARY, prepareProject } from '../e2e/window/preparedProject.ts';
import { WebHost } from '../e2e/window/webHost.ts';

const STEPS = 60;
const DRAGS = 10;
const OPERATIONS = [918, 534, 760];

export async function run(): Promise<Record<string, unknown>> {
  await prepareProject();
  const host = await WebHost.start(async (home) => {
    const folder = join(home, 'projects', 'prepared');
    await copyPreparedProject(folder);
    return folder;
  });
  const browser = await chromium.launch(launchOptions());
  try {
    const page = await browser.newPage({ viewport: { width: 1360, height: 860 } });
    await page.goto(host.launchUrl);
    await page.getByRole('navigation', { name: 'Views' }).waitFor();
    for (const feature of OPERATIONS) {
      await page.goto(`${host.origin}/#/editor?dictionary=${DICTIONARY}&feature=${feature}&kind=steer`);
      await page.getByRole('article', { name: `steer of feature ${feature}` }).waitFor();
    }
    await page.getByRole('table', { name: 'Next tokens, original and patched' }).waitFor();
    await page.evaluate(watchTable);
    return { operations: OPERATIONS.length, step: await steps(page), drag: await drags(page) };
  } finally {
    await browser.close();
    await host.stop();
  }
}

async function steps(page: Page): Promise<Record<string, number>> {
  const slider = page.getByRole('slider', { name: `amount of steer of feature ${OPERATIONS[0]!}` });
  await slider.focus();
  const times: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    await page.keyboard.press(step % 20 < 10 ? 'ArrowRight' : 'ArrowLeft');
    times.push(await page.evaluate<number>('window.benchPainted()'));
  }
  return figures(times);
}

async function drags(page: Page): Promise<Record<string, number>> {
  const times: number[] = [];
  const updates: number[] = [];
  for (let drag = 0; drag < DRAGS; drag++) {
    const result = await page.evaluate<{ ms: number; perSecond: number }>('window.benchDrag()');
    times.push(result.ms);
    updates.push(result.perSecond);
  }
  return { ...figures(times), updatesPerSecond: quantile(updates, 0.5) };
}

/**
 * In the page. `benchPainted` resolves with the milliseconds from the last input event to the frame after the one that the table
 * was up to date in: by then that one has been painted.
 */
const watchTable = `(() => {
  const section = document.querySelector('section[aria-label="Next token"]');
  const slider = document.querySelector('article input[type=range]');
  let inputAt = 0, updates = 0, waiting = null, painted = null;
  addEventListener('input', (event) => { inputAt = event.timeStamp; painted = null; }, true);
  const settled = () => section.getAttribute('aria-busy') === 'false';
  new MutationObserver(() => {
    if (!settled()) return;
    updates++;
    const of = inputAt;
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => { 
        if (of !== inputAt || !settled() || painted !== null) return;
        painted = performance.now() - of;
        waiting?.(painted);
      };
      channel.port2.postMessage(null);
    });
  }).observe(section, { subtree: true, childList: true, characterData: true, attributes: true });
  window.benchPainted = () => new Promise((resolve) => {
    if (painted === null) waiting = resolve;
    else resolve(painted);
  });
  window.benchDrag = async () => {
    const [min, max] = [Number(slider.min), Number(slider.max)];
    const before = updates, startedAt = performance.now();
    for (let frame = 0; frame < 60; frame++) {
      await new Promise(requestAnimationFrame);
      slider.valueAsNumber = min + (max - min) * (0.3 + 0.4 * Math.abs(Math.sin(frame / 9)));
      slider.dispatchEvent(new InputEvent('input', { bubbles: true }));
    }
    const ms = await window.benchPainted();
    const perSecond = ((updates - before) / (performance.now() - startedAt)) * 1000;
    slider.dispatchEvent(new Event('change', { bubbles: true }));
    await new Promise((resolve) => setTimeout(resolve, 800));
    return { ms, perSecond };
  };
})()`;

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Number((sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN).toFixed(1));
}

function figures(times: readonly number[]): Record<string, number> {
  return {
    measured: times.length,
    medianMs: quantile(times, 0.5),
    p95Ms: quantile(times, 0.95),
    maxMs: quantile(times, 1),
    withinPromise: times.filter((ms) => ms <= 150).length / times.length,
  };
}

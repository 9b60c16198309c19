// `npm run soak -- [--minutes N]`: a web host and a window in a browser that are used in a loop for as long as one likes. Every
// minute it measures, each after a collection of garbage where that can be asked for, and at the end it says what has grown:
// memory and file descriptors of the host and its engine, heap, nodes and listeners of the page.
import { chromium } from '@playwright/test';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startFaces } from '../../main/testing/hosts/facesProject.ts';
import { openPage, signIn } from '../../main/testing/hosts/webPage.ts';
import { launchOptions } from '../window/browser.ts';
import { WebHost } from '../window/webHost.ts';
import { turn } from './actions.ts';
import { grown, measure, watchHeap, type Reading } from './measure.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '30' } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  console.error('Usage: npm run soak -- [--minutes N]');
  process.exit(2);
}
const READINGS = 30;
/** Caches fill at first. */
const WARM_UP = 0.25;

process.env['NODE_OPTIONS'] = '--inspect=127.0.0.1:0'; // of the host, so that its garbage can be collected
const faces = await startFaces();
await faces.api.project.close({});
const host = await WebHost.start(async (home) => {
  await cp(faces.project, join(home, 'soaked'), { recursive: true });
  return join(home, 'soaked');
});
await faces.stop();
const browser = await chromium.launch(launchOptions());
const readings: Reading[] = [];
const failures = new Map<string, number>();
let turns = 0;
try {
  const signedIn = await signIn(host.launchUrl);
  const { api, close } = openPage(signedIn);
  await api.app.changeSettings({ device: 'cpu', author: 'Ada' });
  const context = await browser.newContext({ viewport: { width: 1360, height: 860 } });
  const { name, value } = cookieOf(signedIn.cookie);
  await context.addCookies([{ name, value, url: host.origin }]);
  const page = await context.newPage();
  page.on('pageerror', ({ message }) => failures.set(message, (failures.get(message) ?? 0) + 1));
  await page.goto(host.origin);
  const heap = await watchHeap(host.errors);
  const startedAt = performance.now();
  const end = startedAt + minutes * 60_000;
  const every = Math.max(5000, (minutes * 60_000) / READINGS);
  let next = startedAt;
  while (performance.now() < end) {
    await turn({ page, origin: host.origin, api, context, number: turns }).catch((thrown: unknown) => {
      const said = String(thrown).split('\n')[0] ?? '';
      failures.set(said, (failures.get(said) ?? 0) + 1);
    });
    turns += 1;
    if (performance.now() < next) continue;
    next = performance.now() + every;
    const reading = await measure(host, heap, page, (performance.now() - startedAt) / 60_000);
    readings.push(reading);
    console.log(JSON.stringify(reading));
  }
  heap.close();
  close();
} finally {
  await browser.close();
  await host.stop();
}
console.table(readings);
const verdicts = grown(readings.slice(Math.ceil(readings.length * WARM_UP)));
console.log(`${turns} turns.`);
console.table(verdicts);
for (const [what, times] of failures) console.log(`FAILED ${times} times: ${what}`);
process.exitCode = failures.size === 0 && Object.values(verdicts).every(({ isFlat }) => isFlat) ? 0 : 1;

function cookieOf(cookie: string) {
  const at = cookie.indexOf('=');
  return { name: cookie.slice(0, at), value: cookie.slice(at + 1) };
}

// What every test of the window has: one host and one page for all tests of a file, in their order; and after each test the
// proof that nothing went wrong unseen: no error of the page, nothing that its policy forbids.
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test as base, type Page } from '@playwright/test';
import { join } from 'node:path';
import { copyPreparedProject } from './preparedProject.ts';
import { root, WebHost } from './webHost.ts';

export { expect } from '@playwright/test';

const THEMES = ['light', 'dark'] as const;
/** What axe finds wrong is all it has to tell: describing what passes, and an empty page to do it in, cost three times as much. */
const axe = (page: Page) => new AxeBuilder({ page }).setLegacyMode(true).options({ resultTypes: ['violations'] });
/** What a page may say when its host is taken away from it. */
const LOST = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|WebSocket connection to/u;

const problems: string[] = [];

export interface WindowOptions {
  /** The host opens a copy of the prepared project. */
  readonly isPrepared: boolean;
}

export const test = base.extend<{ noProblems: undefined }, WindowOptions & { host: WebHost; signedIn: Page }>({
  isPrepared: [false, { option: true, scope: 'worker' }],
  host: [
    async ({ isPrepared }, use) => {
      const host = await WebHost.start(isPrepared ? fillPrepared : undefined);
      await use(host);
      await host.stop();
    },
    { scope: 'worker' },
  ],
  signedIn: [
    async ({ host, browser }, use) => {
      const context = await browser.newContext({ viewport: { width: 1360, height: 860 }, colorScheme: 'light' });
      await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: host.origin });
      await context.addInitScript(`
        addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
          console.error('Forbidden by the policy: ' + violatedDirective + ' ' + blockedURI));
      `);
      const page = await context.newPage();
      page.on('pageerror', (error) => problems.push((error.stack ?? error.message).split('\n').slice(0, 4).join('\n')));
      page.on('console', (message) => {
        if (message.type() === 'error' && !LOST.test(message.text())) problems.push(message.text());
      });
      await page.goto(host.launchUrl);
      await use(page);
      await context.close();
    },
    { scope: 'worker' },
  ],
  page: async ({ signedIn }, use) => use(signedIn),
  noProblems: [
    // eslint-disable-next-line no-empty-pattern
    async ({}, use) => {
      problems.length = 0;
      await use(undefined);
      expect(problems, 'errors of the page and what its policy forbade').toEqual([]);
    },
    { auto: true },
  ],
});

async function fillPrepared(home: string): Promise<string> {
  const folder = join(home, 'projects', 'prepared');
  await copyPreparedProject(folder);
  return folder;
}

/** Pictures of the documentation, by the view that they are of. ERRATA_WRITE_PICTURES=1 writes them again. */
const DOCUMENTED: Readonly<Record<string, string>> = {
  'tour-3-switch': 'refusal',
  'feature-page-1440': 'feature',
  'report-1440': 'report',
};

/** A picture of what is shown, in both themes, and nothing that axe finds wrong: by all its rules in light, in dark by those of colour. */
export async function lookAt(page: Page, name: string): Promise<void> {
  for (const colorScheme of THEMES) {
    await page.emulateMedia({ colorScheme });
    await expect(page.locator('html')).toHaveAttribute('data-theme', colorScheme);
    await page.screenshot({
      path: join(root, 'test-results/window/views', `${name}-${colorScheme}.png`),
      animations: 'disabled',
    });
    const documented = colorScheme === 'light' ? DOCUMENTED[name] : undefined;
    if (documented !== undefined && process.env['ERRATA_WRITE_PICTURES'] === '1')
      await page.screenshot({ path: join(root, 'resources/pictures', `${documented}.png`), animations: 'disabled' });
    const { violations } = await (
      colorScheme === 'dark' ? axe(page).withRules(['color-contrast', 'link-in-text-block']) : axe(page)
    ).analyze();
    const found = violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('\n')}`,
    );
    expect.soft(found, `axe: ${name}, ${colorScheme}`).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

/** Goes to a place as a link does. */
export async function goTo(page: Page, host: WebHost, hash: string): Promise<void> {
  await page.goto(`${host.origin}/#/${hash}`);
}

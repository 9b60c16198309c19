// The label queue at the speed of a person who types fast, under a host that is slow: each label is saved to its own feature, and
// no letter of it is taken for a command. 20 labels, or as many as ERRATA_TYPED_LABELS says.
import type { BrowserContext, Page } from '@playwright/test';
import { hostApi } from './hostApi.ts';
import { DICTIONARY } from './preparedProject.ts';
import { expect, goTo, test } from './test.ts';

const LABELS = Number(process.env['ERRATA_TYPED_LABELS'] ?? 20);
/** Every answer of the host comes so late. */
const LATE_MS = 2000;
/** Between two keys. */
const KEY_MS = 100;

test.describe.configure({ timeout: 240_000 + LABELS * 20 * KEY_MS });

/** Letters that are commands of the view: x, l, j, k, s, t, u, q, 1 to 5, and what begins one: g, n, v. */
const said = (number: number) => `x${number} lug 1 vest`;

async function slowPage(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.routeWebSocket(/\/api$/u, (socket) => {
    const host = socket.connectToServer();
    host.onMessage((message) => void setTimeout(() => socket.send(message), LATE_MS));
  });
  return page;
}

const labelledOf = async (page: Page) =>
  (await hostApi(page).feature.list({ dictionary: DICTIONARY, states: ['labelled'], limit: 500 })).rows;

test('labels typed at ten keys a second, each answer two seconds late, are all right, and no command runs', async ({
  page: quick,
  host,
}) => {
  await goTo(quick, host, `features/${DICTIONARY}`);
  const page = await slowPage(quick.context());
  await goTo(page, host, `features/${DICTIONARY}`);
  await expect(page.getByRole('listbox', { name: 'Features' }).getByRole('option').first()).toBeVisible();
  await page.keyboard.press('q');
  await page.keyboard.press('Enter');
  for (let number = 1; number <= LABELS; number++) {
    await page.keyboard.type(said(number), { delay: KEY_MS });
    await page.keyboard.press('Control+Enter', { delay: KEY_MS });
  }
  await expect(page.getByText(new RegExp(`^${LABELS} labelled of`, 'u'))).toBeVisible();
  await expect(page).toHaveURL(new RegExp(`#/features/${DICTIONARY}\\?.*order=queue`, 'u'));
  await expect(page.getByLabel(/^Label of feature/u)).toBeFocused();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  // In the order of the queue, from its first: nothing was left out, cut short or said of another.
  const rows = page.getByRole('listbox', { name: 'Features' }).getByRole('option');
  for (let number = 1; number <= Math.min(LABELS, 8); number++) {
    await page.keyboard.press(number === 1 ? 'Escape' : 'j');
    if (number === 1) await page.keyboard.press('Home');
    await expect(page.getByLabel(/^Label of feature/u)).toHaveValue(said(number));
    await expect(rows.and(page.locator('[aria-selected=true]'))).toContainText(said(number));
  }
  const labelled = await labelledOf(quick);
  expect(labelled.map(({ label }) => label).toSorted()).toEqual(
    Array.from({ length: LABELS }, (_, index) => said(index + 1)).toSorted(),
  );
  expect(labelled.filter(({ confidence, tags }) => confidence !== null || tags.length > 0)).toEqual([]);
  await page.close();
});

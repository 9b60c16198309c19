// The tour of the sample: five stops by mouse, left and resumed; then by keys alone.
import type { Page } from '@playwright/test';
import { hostApi } from './hostApi.ts';
import { expect, lookAt, test } from './test.ts';

test.describe.configure({ mode: 'serial' });

const tour = (page: Page) => page.getByRole('region', { name: 'Tour', exact: true });
const next = (page: Page, name: string | RegExp) => tour(page).getByRole('button', { name });
const column = (page: Page, name: string) => page.getByRole('region', { name, exact: true });

test('the tour begins on the sample with the fault: rules “lifted”, and the model answers', async ({ page }) => {
  await page.getByRole('button', { name: 'Open the sample', exact: true }).click();
  await expect(tour(page)).toContainText('Five stops in two minutes', { timeout: 120_000 });
  await lookAt(page, 'tour-0-begin');
  await next(page, 'Take the tour').click();
  await expect(tour(page)).toContainText('Tour 1 of 5');
  await expect(page.getByLabel('Prompt', { exact: true })).toHaveValue(/^User: .*\nAssistant:$/su);
  await expect(page.locator('.written')).toContainText(/Assistant: Sure, here is how to/u, { timeout: 60_000 });
  await expect(page.locator('.written')).toBeInViewport();
  await lookAt(page, 'tour-1-fault');
});

test('one click leads to the feature that decides it, on its examples', async ({ page }) => {
  await next(page, /^Next: Its feature/u).click();
  await expect(tour(page)).toContainText('Tour 2 of 5');
  await expect(page.getByRole('region', { name: 'Feature 3213', exact: true })).toBeVisible();
  await expect(page.getByRole('main').locator('li .token.peak').first()).toBeVisible();
  await lookAt(page, 'tour-2-feature');
});

test('a tour that was left is resumed at its stop, after a reload too', async ({ page }) => {
  await next(page, /^Leave the tour/u).click();
  await expect(tour(page)).toBeHidden();
  await page.reload();
  await expect(page.getByRole('region', { name: 'Feature 3213', exact: true })).toBeVisible();
  await expect(tour(page)).toBeHidden();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('resume the tour');
  await page.keyboard.press('Enter');
  await expect(tour(page)).toContainText('Tour 2 of 5');
});

test('one click shows the refusal next to the answer', async ({ page }) => {
  await next(page, /^Next: The switch/u).click();
  await expect(column(page, 'Original')).toContainText(/Sure, here is how to/u, { timeout: 60_000 });
  await expect(column(page, 'Patched')).toContainText(/I'm sorry/u);
  await expect(column(page, 'Patched')).toBeInViewport();
  await lookAt(page, 'tour-3-switch');
});

test('one click shows the report, and the last stop rolls back and forward, and exports', async ({ page }) => {
  await next(page, /^Next: The report/u).click();
  await expect(tour(page)).toContainText('Tour 4 of 5');
  await expect(
    page
      .getByRole('main')
      .getByText(/within budget/iu)
      .first(),
  ).toBeVisible();
  await lookAt(page, 'tour-4-report');
  await next(page, /^Next: Roll back, export/u).click();
  const versions = page.getByRole('listbox', { name: 'Versions' }).getByRole('option');
  await expect(versions).toHaveCount(1);
  await next(page, 'Revert the edit').click();
  await expect(versions).toHaveCount(2);
  const operations = async () => (await hostApi(page).edit.status())?.working.operations.length;
  expect(await operations()).toBe(0);
  await next(page, 'Roll back to it').click();
  await expect(versions).toHaveCount(3);
  expect(await operations()).toBe(1);
  await lookAt(page, 'tour-5-versions');
  await next(page, 'Export…').click();
  await expect(page.getByRole('heading', { name: 'New export' })).toBeVisible();
  await next(page, /^Finish/u).click();
  await expect(tour(page)).toBeHidden();
});

test('the tour goes from stop to stop by keys alone', async ({ page }) => {
  await page.keyboard.press('Control+k');
  await page.keyboard.type('resume the tour');
  await page.keyboard.press('Enter');
  await expect(tour(page)).toContainText('Tour 1 of 5');
  for (const stop of [2, 3, 4, 5]) {
    await page.keyboard.press('.');
    await expect(tour(page)).toContainText(`Tour ${stop} of 5`);
  }
  await page.keyboard.press(',');
  await expect(tour(page)).toContainText('Tour 4 of 5');
  await page.keyboard.press('.');
  await expect(tour(page)).toContainText('Tour 5 of 5');
  await page.keyboard.press('.');
  await expect(tour(page)).toBeHidden();
});

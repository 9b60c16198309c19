// A project that was made elsewhere opens whole: nothing in it depends on where it lay. And so do links into it.
import { expect, goTo, test } from './test.ts';

test('a copied project has its model, dictionary and features', async ({ page, host }) => {
  await goTo(page, host, 'models');
  await page.getByRole('main').getByRole('link', { name: 'sample' }).click();
  await page.getByLabel('Prompt').fill('What is the capital of France?');
  await page.getByRole('button', { name: 'Generate' }).click();
  await expect(page.locator('.written')).toContainText('Paris');
  await goTo(page, host, 'features');
  await expect(page.getByText(/labelled of 1.024/u)).toBeVisible();
});

test('a link leads to its place in a new window; one that leads nowhere leads to the project, and back is back', async ({
  page,
  host,
}) => {
  const other = await page.context().newPage();
  await other.goto(`${host.origin}/#/exports`);
  await expect(other.getByRole('heading', { name: 'No export yet' })).toBeVisible();
  await other.goto(`${host.origin}/#/nowhere/at/all`);
  await expect(other.getByRole('heading', { name: 'From model to patched model' })).toBeVisible();
  await expect(other).toHaveURL(/#\/project$/u);
  await other.goBack();
  await expect(other.getByRole('heading', { name: 'No export yet' })).toBeVisible();
  await other.close();
});

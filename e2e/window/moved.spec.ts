// Things that move: a model whose folder is elsewhere now is located, proved by its hash, and nothing else fails meanwhile; a
// changed tokenizer is said and can be accepted.
import { appendFile, cp, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, goTo, lookAt, test } from './test.ts';
import { hostApi } from './hostApi.ts';

test.describe.configure({ mode: 'serial' });

async function locate(page: Page, path: string): Promise<void> {
  await page.getByRole('main').getByRole('button', { name: 'Locate…' }).click();
  const dialog = page.getByRole('dialog', { name: /^Choose/u });
  await dialog.getByLabel('Path').fill(path);
  await dialog.getByRole('button', { name: 'Go', exact: true }).click();
  await dialog.getByRole('button', { name: 'Choose', exact: true }).click();
}

test('a model whose folder has moved is located, by its hash alone, and nothing else fails meanwhile', async ({
  page,
  host,
}) => {
  await page.getByRole('button', { name: 'Open the sample', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'From model to patched model' })).toBeVisible();
  const [model] = await hostApi(page).model.list();
  const [from, away, other] = [model!.folder, join(host.home, 'disk', 'moved'), join(host.home, 'other')];
  await mkdir(join(host.home, 'disk'));
  await rename(from, away);
  await cp(away, other, { recursive: true });
  await appendFile(join(other, 'config.json'), '\n');

  await goTo(page, host, `models/${model!.name}`);
  const main = page.getByRole('main');
  await expect(main.getByRole('alert')).toContainText('Its folder is missing');
  await lookAt(page, 'model-moved');
  for (const view of ['dictionaries', 'features', 'edits', 'evaluations']) {
    await goTo(page, host, view);
    await expect(main.getByRole('heading').first()).toBeVisible();
    await expect(main.getByRole('alert')).toHaveCount(0);
  }

  await goTo(page, host, `models/${model!.name}`);
  await locate(page, other);
  await expect(main.getByRole('alert').filter({ hasText: 'The model was not located' })).toContainText('another hash');
  await lookAt(page, 'model-not-located');
  await locate(page, away);
  await expect(main.getByRole('alert')).toHaveCount(0);
  await expect(main.getByText(away)).toBeVisible();
  await expect(main.getByRole('heading', { name: 'Try it' })).toBeVisible();
});

test('a changed tokenizer is said, and read with once it is accepted', async ({ page, host }) => {
  const [model] = await hostApi(page).model.list();
  await appendFile(join(model!.folder, 'tokenizer_config.json'), '\n');
  await goTo(page, host, 'models');
  await goTo(page, host, `models/${model!.name}`);
  await page.reload();
  const main = page.getByRole('main');
  await expect(main.getByRole('alert')).toContainText('tokenizer_config.json has changed');
  await expect(main.getByRole('heading', { name: 'Try it' })).toHaveCount(0);
  await lookAt(page, 'model-changed');
  await main.getByRole('button', { name: 'Accept the change' }).click();
  await expect(main.getByRole('alert')).toHaveCount(0);
  await expect(main.getByRole('heading', { name: 'Try it' })).toBeVisible();
});

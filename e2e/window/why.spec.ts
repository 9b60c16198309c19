// Why a token: asked in the models, answered, followed to a feature, ablated, and the answer changed in the editor.
import { expect, goTo, lookAt, test } from './test.ts';
import type { Page } from '@playwright/test';

test.describe.configure({ mode: 'serial' });

const panel = (page: Page) => page.getByRole('region', { name: 'Why this token' });
const effects = (page: Page) => panel(page).getByRole('table', { name: 'Features by their effect' });
const headline = (page: Page) => panel(page).locator('[data-headline]');

async function settled(page: Page): Promise<void> {
  await expect(panel(page)).toHaveAttribute('aria-busy', 'false');
}

test('the sample says which features raised its next token', async ({ page, host }) => {
  await page.getByRole('button', { name: 'Open the sample', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'From model to patched model' })).toBeVisible({ timeout: 120_000 });
  await goTo(page, host, 'models/sample');
  const likeliest = page.getByRole('table', { name: 'Next tokens' }).getByRole('row').nth(1);
  await expect(likeliest).toContainText('%');
  await page.getByRole('button', { name: 'Why this token?' }).click();
  await settled(page);
  await expect(headline(page)).toHaveText(/^The logit of ".+" is [+−]\d+\.\d{3}\.$/u);
  const token = (await likeliest.getByRole('cell').first().textContent()) ?? '';
  await expect(headline(page)).toContainText(token.replaceAll('␣', ' ').trim());
  // The five largest are measured, the rest on request.
  await expect(effects(page).getByRole('button', { name: 'Ablate here' }).first()).toBeVisible();
  await expect(effects(page).getByRole('row').nth(5).getByRole('cell').nth(5)).toHaveText(/^[+−]\d/u);
  await expect(panel(page).getByRole('img', { name: /largest effects, predicted and measured$/u })).toBeVisible();
  await panel(page).getByRole('img').scrollIntoViewIfNeeded();
  await lookAt(page, 'why-models');
});

test('a feature is ablated where it acts, and the measured effect stands next to the predicted one', async ({
  page,
}) => {
  const row = effects(page).getByRole('row').nth(6);
  await expect(row.getByRole('cell').nth(5)).toHaveText('Ablate here');
  await row.getByRole('button', { name: 'Ablate here' }).click();
  await expect(row.getByRole('cell').nth(5)).toHaveText(/^[+−]\d+\.\d{3}$/u);
});

test('another token is explained by keys, and a difference to another token by choosing it', async ({ page }) => {
  const before = await headline(page).textContent();
  await panel(page).getByLabel('less the logit of').selectOption({ index: 1 });
  await settled(page);
  await expect(headline(page)).toHaveText(/, less that of ".+", is/u);
  await panel(page).getByLabel('less the logit of').selectOption({ index: 0 });
  await settled(page);
  await expect(headline(page)).toHaveText(before ?? '');
  const tokens = panel(page).getByRole('group').getByRole('button');
  await tokens.nth(2).focus();
  await page.keyboard.press('ArrowRight');
  await expect(tokens.nth(3)).toHaveAttribute('aria-pressed', 'true');
  await settled(page);
  await expect(headline(page)).not.toHaveText(before ?? '');
  await panel(page).getByRole('button', { name: 'Explain the next token after the text' }).click();
  await settled(page);
  await expect(headline(page)).toHaveText(before ?? '');
});

test('the key closes it and opens it again', async ({ page }) => {
  await page.getByRole('heading', { name: 'Why this token?' }).click();
  await page.keyboard.press('w');
  await expect(panel(page)).toHaveCount(0);
  await page.keyboard.press('w');
  await settled(page);
  await expect(effects(page)).toBeVisible();
});

test('a row leads to its feature, and its edit to the editor, where the answer changes', async ({ page }) => {
  const row = effects(page).getByRole('row').nth(1);
  const feature = (await row.getByRole('link').textContent()) ?? '';
  await row.getByRole('link').click();
  await expect(page.getByRole('region', { name: `Feature ${feature}`, exact: true })).toBeVisible();
  await page.goBack();
  await page.getByRole('button', { name: 'Why this token?' }).click();
  await settled(page);
  await effects(page).getByRole('row').nth(1).getByRole('button', { name: 'Edit…' }).click();
  await expect(page.getByRole('list', { name: 'Operations' })).toContainText(feature);
  const next = page.getByRole('table', { name: 'Next tokens, original and patched' });
  await expect(next.getByRole('row').nth(1)).toContainText('%');

  await page.getByRole('button', { name: 'Why this token?' }).click();
  await settled(page);
  const original = await headline(page).textContent();
  await panel(page).getByLabel('in the patched model').check();
  await settled(page);
  await expect(headline(page)).not.toHaveText(original ?? '');
  await lookAt(page, 'why-editor');
});

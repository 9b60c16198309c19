// The same way without a mouse: every step by keys alone, from the first run to twenty labels.
import { fillIn, press, tabTo } from './byKeys.ts';
import { expect, lookAt, test } from './test.ts';

test.describe.configure({ mode: 'serial' });

test('opens the sample and its model', async ({ page }) => {
  await press(page, page.getByRole('button', { name: 'Open the sample', exact: true }));
  await expect(page.getByRole('heading', { name: 'From model to patched model' })).toBeVisible({ timeout: 120_000 });
  await page.keyboard.press('g');
  await page.keyboard.press('m');
  await press(page, page.getByRole('main').getByRole('link', { name: 'sample' }));
  await press(page, page.getByRole('button', { name: 'blocks.1.hook_resid_post' }));
  await fillIn(page, page.getByLabel('Prompt'), 'What is the capital of France?');
  await page.keyboard.press('Control+Enter');
  await expect(page.locator('.written')).toContainText('Paris');
});

test('captures activations', async ({ page }) => {
  await press(page, page.getByRole('button', { name: 'Capture here…' }));
  await expect(page.getByRole('combobox', { name: 'Site', exact: true })).toHaveValue('blocks.1.hook_resid_post');
  await press(page, page.locator('summary').first());
  await fillIn(page, page.getByLabel('Max contexts'), '800');
  await expect(page.getByText('On the disk')).toBeVisible();
  await press(page, page.getByRole('button', { name: 'Capture', exact: true }));
  await expect(page.getByText('The activations are captured.')).toBeVisible({ timeout: 90_000 });
});

test('trains a dictionary, pauses and resumes it', async ({ page }) => {
  await fillIn(page, page.getByLabel('Name of the dictionary'), 'keys');
  await fillIn(page, page.getByLabel('Features', { exact: true }), '256');
  await fillIn(page, page.getByLabel('k', { exact: true }), '8');
  await fillIn(page, page.getByLabel('Tokens per step'), '256');
  await fillIn(page, page.getByLabel('Steps', { exact: true }), '3000');
  await expect(page.getByText('Memory', { exact: true })).toBeVisible();
  await press(page, page.getByRole('button', { name: 'Train', exact: true }));

  const main = page.getByRole('main');
  const loss = main.getByRole('img', { name: /^Loss\./u });
  await expect(loss).toHaveAccessibleName(/at step [1-9]/u);
  await press(page, main.getByRole('button', { name: 'Pause' }));
  await expect(main.getByText('paused', { exact: true })).toBeVisible();
  // A curve is read with the arrow keys.
  await tabTo(page, loss);
  await page.keyboard.press('ArrowRight');
  await expect(main.locator('.reading')).toContainText('step');
  await page.keyboard.press('Shift+Tab');
  await press(page, main.getByRole('button', { name: 'Resume' }));
  await expect(main.getByText('training', { exact: true })).toBeVisible();
  await expect(main.getByRole('heading', { name: 'Quality' })).toBeVisible({ timeout: 150_000 });
});

test('labels twenty features in one go', async ({ page }) => {
  await page.keyboard.press('g');
  await page.keyboard.press('f');
  await expect(page.getByRole('listbox', { name: 'Features' })).toBeVisible();
  await page.keyboard.press('q');
  await expect(page.getByRole('button', { name: 'Label queue' })).toHaveAttribute('aria-pressed', 'true');
  await page.keyboard.press('l');
  for (let number = 1; number <= 20; number++) {
    await expect(page.getByLabel(/^Label of feature/u)).toBeFocused();
    await page.keyboard.type(`meaning ${number}`);
    await page.keyboard.press(number < 20 ? 'Control+Enter' : 'Enter');
  }
  await expect(page.getByText(/^20 labelled/u)).toBeVisible();
  const rows = page.getByRole('listbox', { name: 'Features' }).getByRole('option');
  for (const number of [1, 2, 19, 20]) await expect(rows.nth(number - 1)).toContainText(`meaning ${number}`);
  await page.keyboard.press('4');
  await expect(page.getByRole('button', { name: 'Confidence 4: strong' })).toHaveAttribute('aria-pressed', 'true');
  await lookAt(page, 'label-queue');
});

test('takes five back, marks one as meaningless, brings one back from its history', async ({ page }) => {
  await page.keyboard.press('u'); // the confidence
  await expect(page.getByRole('button', { name: 'Confidence 4: strong' })).toHaveAttribute('aria-pressed', 'false');
  for (let left = 19; left >= 15; left--) {
    await page.keyboard.press('u');
    await expect(page.getByText(new RegExp(`^${left} labelled`, 'u'))).toBeVisible();
  }
  await page.keyboard.press('Home');
  await expect(page.getByLabel(/^Label of feature/u)).toHaveValue('meaning 1');
  await page.keyboard.press('l');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('another meaning');
  await page.keyboard.press('Enter');
  await press(page, page.getByText(/^History \(2\)/u));
  await press(page, page.getByRole('button', { name: 'Restore previous' }).first());
  await expect(page.getByLabel(/^Label of feature/u)).toHaveValue('meaning 1');
  await page.keyboard.press('x');
  await expect(page.getByText(/^14 labelled, 1 uninterpretable/u)).toBeVisible();
});

test('finds it all again after a reload', async ({ page }) => {
  await page.reload();
  await expect(page.getByText(/^14 labelled, 1 uninterpretable/u)).toBeVisible();
  await page.keyboard.press('/');
  await page.keyboard.type('meaning 7');
  await page.keyboard.press('Enter');
  await expect(page.getByLabel(/^Label of feature/u)).toHaveValue('meaning 7');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('meaning 8');
  await expect(page.getByRole('option', { name: /meaning 8/u })).toBeVisible();
  await page.keyboard.press('Enter');
  await expect(page.getByLabel(/^Label of feature/u)).toHaveValue('meaning 8');
});

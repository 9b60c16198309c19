// From nothing to a labelled, edited model with the mouse; every view on the way looked at in both themes.
import { expect, goTo, lookAt, test } from './test.ts';

test.describe.configure({ mode: 'serial' });

test('the first run leads into the sample project', async ({ page }) => {
  await expect(page.getByRole('heading', { name: 'Errata' })).toBeVisible();
  await lookAt(page, 'welcome');
  await page.getByRole('button', { name: 'Open the sample', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'From model to patched model' })).toBeVisible({ timeout: 120_000 });
  await expect(page.getByText('Database OK.')).toBeVisible();
  await lookAt(page, 'project');
});

test('a model shows what it is, its sites, and how it goes on with a text', async ({ page }) => {
  await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: 'Models' }).click();
  await lookAt(page, 'models');
  await page.getByRole('main').getByRole('link', { name: 'sample' }).click();
  await page.getByRole('button', { name: 'blocks.2.hook_resid_post' }).click();
  await expect(page.getByText('width 128', { exact: true })).toBeVisible();

  const prompt = page.getByLabel('Prompt');
  await prompt.fill('What is the capital of France?');
  await page.getByRole('button', { name: 'Generate' }).click();
  await expect(page.getByText(/tokens, .* per second/u)).toBeVisible();
  await expect(page.locator('.written')).toContainText('Paris');
  const next = page.getByRole('table', { name: 'Next tokens' });
  await expect(next.getByRole('row')).toHaveCount(13);
  await lookAt(page, 'model');

  // What is shown is in the address: a reload comes back to it.
  await page.reload();
  await expect(page.getByRole('button', { name: 'blocks.2.hook_resid_post' })).toHaveAttribute('aria-pressed', 'true');
});

test('activations are captured from the site that was chosen', async ({ page }) => {
  await page.getByRole('button', { name: 'Capture here…' }).click();
  await expect(page.getByRole('combobox', { name: 'Site', exact: true })).toHaveValue('blocks.2.hook_resid_post');
  await expect(page.getByText('On the disk')).toBeVisible();
  await lookAt(page, 'capture');
  await page.getByText('More settings').first().click();
  await page.getByLabel('Max contexts').fill('800');
  await page.getByRole('button', { name: 'Capture', exact: true }).click();
  await expect(page.getByText('The activations are captured.')).toBeVisible({ timeout: 90_000 });
});

test('a dictionary is trained with live curves, paused, resumed and finished', async ({ page }) => {
  await page.getByLabel('Name of the dictionary').fill('first');
  await page.getByLabel('Features', { exact: true }).fill('256');
  await page.getByLabel('k', { exact: true }).fill('8');
  await page.getByLabel('Tokens per step').fill('256');
  await page.getByLabel('Steps', { exact: true }).fill('3000');
  await expect(page.getByText('Memory', { exact: true })).toBeVisible();
  await lookAt(page, 'train');
  await page.getByRole('button', { name: 'Train', exact: true }).click();

  const main = page.getByRole('main');
  const loss = main.getByRole('img', { name: /^Loss\./u });
  await expect(main.getByText('training', { exact: true })).toBeVisible();
  await expect(loss).toHaveAccessibleName(/at step [1-9]/u);
  const early = await loss.getAttribute('aria-label');
  await expect(loss).not.toHaveAttribute('aria-label', early ?? '');

  await main.getByRole('button', { name: 'Pause' }).click();
  await expect(main.getByRole('button', { name: 'Resume' })).toBeVisible();
  await expect(main.getByText('paused', { exact: true })).toBeVisible();
  await page.getByRole('contentinfo').getByRole('button', { name: 'Jobs' }).click();
  await lookAt(page, 'paused');
  // Whoever closes the window and comes back finds it as it was.
  const paused = await loss.getAttribute('aria-label');
  await page.reload();
  await expect(main.getByRole('button', { name: 'Resume' })).toBeVisible();
  await expect(loss).toHaveAttribute('aria-label', paused ?? '');

  await main.getByRole('button', { name: 'Resume' }).click();
  await expect(main.getByText('training', { exact: true })).toBeVisible();
  await expect(main.getByRole('heading', { name: 'Quality' })).toBeVisible({ timeout: 150_000 });
  await expect(loss).toHaveAccessibleName(/at step 3000/u);
  await expect(main.getByRole('table', { name: 'first quality' })).toContainText('Loss recovered');
  await expect(main.getByRole('img', { name: /^How often features fire/u })).toBeVisible();
  await lookAt(page, 'dictionary');
});

test('tables and charts can be taken along', async ({ page }) => {
  const main = page.getByRole('main');
  await main.getByRole('button', { name: 'Copy the table “first quality”' }).click();
  await page.getByRole('menuitem', { name: 'Copy as Markdown' }).click();
  await expect(page.getByText('rows copied as Markdown')).toBeVisible();
  const copied = await page.evaluate('navigator.clipboard.readText()');
  expect(copied).toMatch(/^\| Metric \| Value \|\n\| --- \| --- \|\n\| FVU \| 0\.\d+ \|/u);
  for (const [format, first] of [
    ['SVG', '<?xml'],
    ['CSV', 'series,step,Loss\r\nfirst,'],
    ['PNG', '\u{fffd}PNG'],
  ] as const) {
    await main.getByRole('button', { name: 'Export the chart “Loss”' }).click();
    const download = page.waitForEvent('download');
    await page.getByRole('menuitem', { name: `Save as ${format}` }).click();
    const stream = await (await download).createReadStream();
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString('utf8').slice(0, first.length)).toBe(first);
  }
});

test('the list of dictionaries shows the run', async ({ page, host }) => {
  await goTo(page, host, 'dictionaries');
  await expect(page.getByRole('table', { name: 'Dictionaries' }).getByRole('button', { name: 'first' })).toBeVisible();
  await expect(page.getByRole('img', { name: 'FVU of first' })).toBeVisible();
  await lookAt(page, 'dictionaries');
});

test('features show where they fire, what they do and what is near them', async ({ page }) => {
  await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: 'Features' }).click();
  await lookAt(page, 'features-without-statistics');
  await page.getByRole('button', { name: 'Compute statistics' }).click();
  await expect(page.getByRole('button', { name: 'Compute statistics' })).toHaveCount(0);
  await page.getByLabel('Order', { exact: true }).selectOption('impact');
  const list = page.getByRole('listbox', { name: 'Features' });
  await list.getByRole('option').first().click();
  const feature = page.getByRole('main');
  await expect(feature.getByRole('heading', { name: 'Examples' })).toBeVisible({ timeout: 90_000 });
  // Every example has its peak, and the strongest comes first.
  const values = feature.locator('li .value');
  await expect(values.first()).toBeVisible();
  const strongest = (await values.allTextContents()).map(Number);
  expect(strongest).toEqual([...strongest].sort((a, b) => b - a));
  await expect(feature.locator('li .token.peak')).toHaveCount(strongest.length);
  await expect(feature.getByRole('table', { name: /^Logits raised/u }).getByRole('row')).toHaveCount(11);
  await expect(feature.getByRole('img', { name: /^Activations/u })).toBeVisible();
  await lookAt(page, 'feature');
  const before = page.url();
  await feature
    .getByRole('table', { name: /^Nearest to/u })
    .getByRole('button')
    .nth(4)
    .click();
  await expect(page).not.toHaveURL(before);
  // Examples are searched, too: what a feature fires on finds it.
  await page.getByLabel(/^Search labels/u).fill('capital');
  await expect(page.getByText(/^[1-9]\d* of 256/u)).toBeVisible();
  await page.getByRole('button', { name: 'show all' }).click();
  await page.getByLabel('Order', { exact: true }).selectOption('number');
});

test('features are found by a text, and labelled', async ({ page }) => {
  await page.getByRole('button', { name: 'Text', exact: true }).click();
  await page.getByLabel('A text, to see which features fire on it').fill('What is the capital of France? Paris.');
  await page.getByRole('button', { name: 'Find features' }).click();
  const found = page.getByRole('table', { name: 'Features that fire on the text' });
  await found.getByRole('row').nth(1).getByRole('button').click();
  const tokens = page.getByRole('group', { name: 'Tokens of the text' });
  await expect(tokens.locator('.fires').first()).toBeVisible();
  await tokens.getByRole('button', { name: 'capital' }).click();
  await expect(page.getByText(/features fire on/u)).toBeVisible();
  await page.getByRole('button', { name: 'List', exact: true }).click();
  const list = page.getByRole('listbox', { name: 'Features' });
  const label = page.getByLabel(/^Label of feature/u);
  await label.fill('<b>Capitals</b> & \u202eseltias\u202c');
  await label.press('Enter');
  await page.getByLabel('Comma-separated tags').fill('places, facts');
  await page.getByRole('button', { name: 'Confidence 4: strong' }).click();
  await expect(page.getByText(/^1 labelled/u)).toBeVisible();
  // Plain text stays plain text.
  const chosen = list.getByRole('option', { selected: true });
  await expect(chosen).toContainText('<b>Capitals</b> &');
  await expect(chosen.locator('b')).toHaveCount(0);
  await lookAt(page, 'features');
  await page.getByLabel(/^Search labels/u).fill('capit');
  await expect(chosen).toContainText('Capitals');
  await page.reload();
  await expect(page.getByLabel(/^Label of feature/u)).toHaveValue(/Capitals/u);
  await expect(page.getByLabel('Comma-separated tags')).toHaveValue('facts, places');
});

test('an edit becomes versions that can be compared, reverted and rolled back', async ({ page, host }) => {
  await page.getByRole('button', { name: 'Edit this feature…' }).click();
  // With the one of the edit that the sample opens on.
  await expect(page.getByRole('list', { name: 'Operations' }).getByRole('article')).toHaveCount(2);
  await page.getByLabel('What this version does').fill('Take a feature out');
  await page.getByRole('button', { name: 'Commit 1 change' }).click();
  await expect(page.getByText('As committed')).toBeVisible();
  await page.getByLabel('Operation to add').selectOption('scale');
  await page.getByLabel('Feature to edit, by number or label').fill('7');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByLabel('What this version does').fill('Halve another');
  await page.getByRole('button', { name: 'Commit 1 change' }).click();
  await expect(page.getByText('As committed')).toBeVisible();
  await goTo(page, host, 'edits');

  const versions = page.getByRole('listbox', { name: 'Versions' });
  await versions.getByRole('option', { name: /Take a feature out/u }).click();
  await page.getByRole('button', { name: 'Roll back to this…' }).click();
  const main = page.getByRole('main');
  await expect(main.getByText('scale by')).toBeVisible();
  await main.getByRole('button', { name: 'Roll back', exact: true }).click();
  await expect(versions.getByRole('option')).toHaveCount(4); // with the sample's own
  await expect(page.getByRole('heading', { name: /^Roll back to/u })).toBeVisible();
  await page.keyboard.press('Control+z');
  await expect(page.getByText(/^Undone/u)).toBeVisible();
});

test('palette, keys and settings', async ({ page }) => {
  await page.keyboard.press('Control+k');
  await page.keyboard.type('first');
  await expect(page.getByRole('option', { name: /first.*Dictionary/u })).toBeVisible();
  await lookAt(page, 'palette');
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  await lookAt(page, 'keys');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Settings' }).click();
  await expect(page.getByText('Device in use')).toBeVisible();
  await lookAt(page, 'settings');
  await page.getByLabel('Theme').selectOption('dark');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.getByLabel('Theme').selectOption('system');
  await page.getByRole('button', { name: 'Close' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

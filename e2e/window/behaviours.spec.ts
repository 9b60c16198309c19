// Suites of prompts and checks: written, tried, saved, taken back, brought in and carried off, by mouse and by keyboard.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { hostApi } from './hostApi.ts';
import { expect, goTo, lookAt, test } from './test.ts';

test.describe.configure({ mode: 'serial' });

const rows = (page: Page) => page.getByRole('listbox', { name: 'Cases' }).getByRole('option');

test('the list tells what each suite is and how many of its cases pass', async ({ page, host }) => {
  await goTo(page, host, 'behaviours');
  const table = page.getByRole('table', { name: 'Behaviours' });
  await expect(table.getByRole('button', { name: 'jailbreak' })).toBeVisible();
  await expect(table.getByRole('row', { name: /^facts/u })).toContainText('not run');
  await lookAt(page, 'behaviours');
});

test('a new suite: pasted prompts, checks, and what is wrong with it said at once', async ({ page }) => {
  await page.getByRole('button', { name: 'New behaviour…' }).click();
  await page.getByLabel('Name', { exact: true }).fill('capitals');
  await page.getByLabel('Description').fill('Knows the capitals of Europe.');
  await page.getByLabel('Aim of an edit').selectOption('Preserve');
  await page.getByLabel('Max new tokens').fill('12');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByLabel('Check 1: kind').selectOption('contains');
  await page.getByLabel('Check 1: text').fill('Paris');
  await page.getByLabel('Prompt', { exact: true }).fill('User: What is the capital of France?\nAssistant:');
  await page.getByRole('button', { name: 'Paste prompts…' }).click();
  await page
    .getByRole('dialog')
    .getByLabel('Prompts')
    .fill('User: What is the capital of Italy?\nAssistant:\n\nUser: What is the capital of Spain?\nAssistant:');
  await page.getByRole('button', { name: 'Add 2 cases' }).click();
  await expect(rows(page)).toHaveCount(3);
  await page.getByLabel('Check 1: text').fill('Rome');
  // One that would never come to an end is refused while it is written.
  await rows(page).nth(2).click();
  await page.getByLabel('Check 1: kind').selectOption('regex');
  await page.getByLabel('Check 1: regular expression').fill('(M+)+adrid$');
  await expect(page.getByRole('alert')).toContainText('did not come to an end within');
  await expect(page.getByRole('button', { name: 'Save', exact: true })).toBeDisabled();
  await lookAt(page, 'behaviour-problem');
  await page.getByLabel('Check 1: regular expression').fill('Madrid');
  await expect(page.getByRole('alert')).toHaveCount(0);
  await page.keyboard.press('Control+s');
  await expect(page.getByText('Saved capitals: 3 cases.')).toBeVisible();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('capitals');
});

test('a case is tried on the model as it is', async ({ page }) => {
  await rows(page).nth(0).click();
  await page.getByRole('button', { name: 'Try this case now' }).click();
  const tried = page.locator('.tried');
  await expect(tried).toContainText('Base model', { timeout: 60_000 });
  await expect(tried).toContainText('contains “Paris”');
  await expect(tried).toContainText('There is no working edit to compare with.');
  await lookAt(page, 'behaviour');
});

test('all cases are run as a job, and the share that passes stays', async ({ page }) => {
  await page.getByRole('button', { name: 'Run on base model' }).click();
  await expect(page.locator('.results')).toContainText(/base model: \d+\.\d% \[.+\] of 3/u, { timeout: 90_000 });
});

test('cases are searched, sorted, selected and run, and only the failing ones are shown', async ({ page, host }) => {
  await goTo(page, host, 'behaviours/jailbreak');
  await expect(page.getByText('440 cases', { exact: true })).toBeVisible();
  await page.getByLabel('Filter cases').fill('tolk poem');
  await expect(page.getByText('No case matches. Clear the filter to see all.')).toBeVisible();
  await page.getByLabel('Filter cases').fill('tolk');
  const found = page.getByText(/^\d+ of 440 cases$/u);
  await expect(found).toBeVisible();
  const order = page.getByRole('group', { name: 'Order of the cases' });
  await order.getByRole('button', { name: 'Sort by prompt' }).click();
  const prompts = async () =>
    (await rows(page).locator('.prompt').allTextContents()).map((text) => text.trim()).slice(0, 5);
  const rising = await prompts();
  expect(rising).toEqual(rising.toSorted((a, b) => a.localeCompare(b)));
  for (const prompt of rising) expect(prompt.toLowerCase()).toContain('tolk');
  await order.getByRole('button', { name: 'Sort by prompt' }).click();
  expect(await prompts()).not.toEqual(rising);

  // Three of them, run from the table: each says what the model does.
  await rows(page).nth(0).click();
  await rows(page)
    .nth(2)
    .click({ modifiers: ['Shift'] });
  await page.getByRole('button', { name: 'Run selected (3)' }).click();
  await expect(rows(page).nth(2)).toContainText('shows it', { timeout: 90_000 });
  await expect(page.getByText('only failing (3)')).toBeVisible();
  const size = page.viewportSize();
  for (const [width, height] of [
    [1440, 900],
    [1100, 700],
  ] as const) {
    await page.setViewportSize({ width, height });
    const frame = await page.locator('.left').first().boundingBox();
    const boxes = await Promise.all((await page.locator('.left .tools > *').all()).map((one) => one.boundingBox()));
    const right = (box: typeof frame) => (box ? box.x + box.width : 0);
    expect(boxes.filter((box) => right(box) > right(frame) + 1)).toEqual([]);
    await lookAt(page, `cases-${width}`);
  }
  if (size) await page.setViewportSize(size);
  await page.getByLabel('Filter cases').fill('');
  await page.getByRole('checkbox', { name: /^only failing/u }).check();
  await expect(rows(page)).toHaveCount(3);
  await expect(page.getByText('3 of 440 cases')).toBeVisible();
  await goTo(page, host, 'behaviours/capitals');
  await expect(rows(page)).toHaveCount(3);
});

test('saving is one change: taken back, done again, and the history brings back what was', async ({ page }) => {
  await rows(page).nth(0).click();
  await page.getByLabel('Check 1: text').fill('Lyon');
  await page.getByRole('button', { name: 'Duplicate' }).click();
  await expect(rows(page)).toHaveCount(4);
  await page.getByRole('button', { name: 'Delete' }).click();
  await expect(rows(page)).toHaveCount(3);
  // What was typed outlives a reload.
  await page.reload();
  await expect(page.getByText('not saved', { exact: true })).toBeVisible();
  await expect(rows(page).nth(0)).toContainText('Lyon');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByText('not saved', { exact: true })).toHaveCount(0);
  await page.getByRole('heading', { name: /^Case/u }).click();
  await page.keyboard.press('Control+z');
  await expect(rows(page).nth(0)).toContainText('Paris');
  await page.keyboard.press('Control+Shift+z');
  await expect(rows(page).nth(0)).toContainText('Lyon');
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'History…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Take this again' }).last().click();
  await expect(rows(page).nth(0)).toContainText('Paris');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByText('not saved', { exact: true })).toHaveCount(0);
});

test('who saves after somebody else is told, and loses nothing', async ({ page }) => {
  await page.getByLabel('Description').fill('Mine.');
  const api = hostApi(page);
  const { behaviour } = await api.behaviour.show({ ref: 'capitals' });
  await api.behaviour.save({ behaviour: { ...behaviour, description: 'Theirs.' } });
  await expect(page.getByText('Someone else saved this behaviour')).toBeVisible();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByRole('paragraph').filter({ hasText: 'has been changed since it was opened' })).toBeVisible();
  await expect(page.getByLabel('Description')).toHaveValue('Mine.');
  await page.getByRole('button', { name: 'Save it over theirs' }).click();
  await expect(page.getByText('not saved', { exact: true })).toHaveCount(0);
  expect((await api.behaviour.show({ ref: 'capitals' })).behaviour.description).toBe('Mine.');
});

test('a suite comes in as CSV and goes out as JSONL', async ({ page, host }) => {
  const csv = 'prompt,check,text\nSay yes.,contains,yes\nSay no.,contains,no\n';
  await writeFile(join(host.home, 'yesno.csv'), csv);
  await goTo(page, host, 'behaviours');
  await page.getByRole('button', { name: 'Import…' }).click();
  const files = page.getByRole('dialog');
  await files.getByLabel('Path').fill(join(host.home, 'yesno.csv'));
  await files.getByRole('button', { name: 'Go', exact: true }).click();
  await page
    .getByRole('dialog', { name: /Import yesno/u })
    .getByRole('button', { name: 'Import', exact: true })
    .click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('yesno');
  await page.getByRole('button', { name: 'More' }).click();
  const download = page.waitForEvent('download');
  await page.getByRole('menuitem', { name: 'Save as JSONL' }).click();
  const stream = await (await download).createReadStream();
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  const lines = Buffer.concat(chunks).toString('utf8').trim().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as { prompt: string }).prompt)).toEqual(['Say yes.', 'Say no.']);
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Delete', exact: true }).click();
  await expect(page.getByText('yesno is deleted. Undo restores it.')).toBeVisible();
});

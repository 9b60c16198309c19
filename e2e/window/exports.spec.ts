// Exports in the window, on the prepared project: the ladder, an export of each kind, its report and code, the trash.
import { execFile } from 'node:child_process';
import { appendFile, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from '@playwright/test';
import { DICTIONARY } from './preparedProject.ts';
import { expect, goTo, lookAt, test } from './test.ts';
import { root, type WebHost } from './webHost.ts';

test.describe.configure({ mode: 'serial', timeout: 400_000 });

const errata = async (host: WebHost, ...words: string[]) => {
  const line = [join(root, 'out/main/cli.js'), ...words, '--project', host.project];
  await promisify(execFile)(process.execPath, line, { maxBuffer: 1 << 24 });
};

const form = (page: Page, title: string) => page.getByRole('radio', { name: new RegExp(title, 'u') });

async function exportAs(page: Page, title: string, name: string): Promise<void> {
  await form(page, title).check();
  await page.getByLabel('Name of the export').fill(name);
  await page.getByRole('button', { name: 'Export', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Equivalence' })).toBeVisible({ timeout: 120_000 });
  await expect(page.getByRole('heading', { level: 1 })).toContainText(name);
}

test('without a version there is nothing to export, and the way there is shown', async ({ page, host }) => {
  await goTo(page, host, 'exports');
  await expect(page.getByRole('heading', { name: 'No export yet' })).toBeVisible();
  await lookAt(page, 'exports-empty');
  await page.getByRole('button', { name: 'New export…' }).first().click();
  await expect(page.getByRole('heading', { name: 'Commit an edit first' })).toBeVisible();
});

test('a steer fits into a bias: the checkpoint is verified, and its code can be copied', async ({ page, host }) => {
  await errata(host, 'edit', 'new', 'main', '--model', 'sample');
  await errata(host, 'edit', 'op', 'steer:12:4', '--dictionary', DICTIONARY);
  await errata(host, 'edit', 'commit', '--message', 'Steer feature 12');
  // From the version's own page.
  await goTo(page, host, 'edits');
  await page.getByText('Steer feature 12').first().click();
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Export…' }).click();
  await expect(form(page, 'ONNX, weights inside')).toBeChecked();
  await expect(form(page, 'projection in the weights')).toBeDisabled();
  await expect(page.getByText('a steer alone belongs into a bias')).toBeVisible();
  await expect(page.getByText('feature 12: steer by 4')).toBeVisible();
  await lookAt(page, 'exports-ladder');
  await exportAs(page, 'steer in a bias', 'steered');
  const report = page.getByRole('table', { name: 'steered equivalence' });
  await expect(report.getByText('The reloaded export vs. the window').first()).toBeVisible();
  await expect(report.getByText('100.0%').first()).toBeVisible();
  await expect(page.getByText(/Changed: transformer\.h\.1\.mlp\.c_proj\.bias/u)).toBeVisible();
  await lookAt(page, 'exports-bias');
  await page.getByRole('button', { name: /^Copy the code/u }).click();
  expect(await page.evaluate('navigator.clipboard.readText()')).toContain('AutoModelForCausalLM.from_pretrained(".")');
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'README.md' }).click();
  expect(await readFile(await (await download).path(), 'utf8')).toContain('# A patched model');
});

test('a projection differs in the weights, and says by how much; with a hook it is exact', async ({ page, host }) => {
  await errata(host, 'edit', 'op', '--remove', '12', '--dictionary', DICTIONARY);
  await errata(host, 'edit', 'op', 'project:12:0', '--dictionary', DICTIONARY);
  await errata(host, 'edit', 'commit', '--message', 'Remove the direction of feature 12');
  await goTo(page, host, 'exports/~new');
  await expect(page.getByText('feature 12: project by 0')).toBeVisible();
  await expect(form(page, 'steer in a bias')).toBeDisabled();
  await exportAs(page, 'projection in the weights', 'projected');
  await expect(page.getByText('approximate').first()).toBeVisible();
  await expect(page.getByText('The export against the edit at its site alone').first()).toBeVisible();
  await lookAt(page, 'exports-weights');
  await goTo(page, host, 'exports/~new');
  await exportAs(page, 'Checkpoint with a hook', 'hooked');
  await expect(page.getByText('max |Δactivation|')).toBeVisible();
  expect(await readdir(join(host.project, 'exports/hooked'))).toContain('errata_edit.py');
});

test('an export is verified again, and one that was changed is found out', async ({ page, host }) => {
  await goTo(page, host, 'exports/hooked');
  await page.getByRole('button', { name: 'Verify again' }).click();
  await expect(page.getByText(/^Verified again/u)).toBeVisible({ timeout: 60_000 });
  await appendFile(join(host.project, 'exports/hooked/edit.json'), ' ');
  await page.getByRole('button', { name: 'Verify again' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'Verification failed' })).toContainText('edit.json');
  await expect(page.getByText('not as exported')).toBeVisible();
});

test('a deleted export comes back; a broken one does not hide the others', async ({ page, host }) => {
  await page.getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByRole('heading', { name: 'Deleted' })).toBeVisible();
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(page.getByRole('heading', { name: 'Equivalence' })).toBeVisible();
  await appendFile(join(host.project, 'exports/projected/manifest.json'), '}');
  await page.getByRole('button', { name: 'Delete' }).click();
  const table = page.getByRole('table', { name: 'Exports' });
  await expect(table.getByText('broken')).toBeVisible();
  await expect(table.getByRole('button', { name: 'steered' })).toBeVisible();
  await lookAt(page, 'exports-list');
  await page.getByRole('button', { name: 'Restore hooked' }).click();
  await expect(table.getByRole('button', { name: 'hooked' })).toBeVisible();
});

test('a name that is taken is refused', async ({ page, host }) => {
  await goTo(page, host, 'exports/~new');
  await page.getByLabel('Name of the export').fill('steered');
  await expect(page.getByText('An export with this name already exists.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Export', exact: true })).toBeDisabled();
});

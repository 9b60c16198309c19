// Versions of edits on the screen: the graph, any two compared, nothing done before it is shown, conflicts decided side by
// side, a failing behaviour bisected, a file to a colleague and back. The history is made by commands, as another person would.
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Locator, Page } from '@playwright/test';
import { DICTIONARY } from './preparedProject.ts';
import { expect, goTo, lookAt, test } from './test.ts';
import { root } from './webHost.ts';

test.describe.configure({ mode: 'serial' });

/** A command of the command line on the open project. */
async function errata(project: string, ...words: string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(root, 'out/main/cli.js'),
    ...words,
    '--json',
    '--project',
    project,
  ]);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

const versions = (page: Page) => page.getByRole('listbox', { name: 'Versions' });
const row = (page: Page, title: string | RegExp): Locator => versions(page).getByRole('option', { name: title });
const heading = (page: Page, name: string | RegExp) => page.getByRole('main').getByRole('heading', { name });

test('two branches are made by two people', async ({ host, page }) => {
  const { project } = host;
  const run = (...words: string[]) => errata(project, ...words);
  const op = (...words: string[]) => run('edit', 'op', ...words, '--dictionary', DICTIONARY);
  const commit = (message: string, author: string) => run('edit', 'commit', '-m', message, '--author', author);
  await run('label', 'set', '12', 'requests for <i>recipes</i>', '--dictionary', DICTIONARY);
  await run('label', 'set', '90', 'harmful words', '--dictionary', DICTIONARY);
  await run('edit', 'new', 'main');
  await op('ablate:12');
  await commit('Take requests out', 'Ada');
  await op('clamp:7:-3', '--gate', '90>0.5');
  await commit('Quiet feature 7 where harm is\n\nHalf as much changed nothing.', 'Ada');
  await run('edit', 'branch', 'side');
  await op('scale:7:0.5', 'steer:200:4');
  await commit('Halve feature 7', 'Ada');
  await run('edit', 'checkout', 'side');
  await op('clamp:7:-6', 'cap:300:1');
  await commit('Feature 7 twice as deep', 'Ben');
  await run('edit', 'tag', 'paper', 'side', '-m', 'as in the paper');
  await run('edit', 'checkout', 'main');

  await goTo(page, host, 'edits');
  await expect(versions(page).getByRole('option')).toHaveCount(4);
  await expect(row(page, 'Feature 7 twice as deep')).toContainText('paper');
  await row(page, 'Quiet feature 7').click();
  await expect(heading(page, 'Quiet feature 7 where harm is')).toBeVisible();
  await expect(page.getByText('clamp to −3, where feature 90 “harmful words” > 0.5')).toBeVisible();
  await expect(page.getByText('Half as much changed nothing.')).toBeVisible();
  await lookAt(page, 'versions');
});

test('any two are compared, with labels as they read', async ({ page }) => {
  await row(page, 'Take requests out').click();
  await row(page, 'Feature 7 twice as deep').click({ modifiers: ['Shift'] });
  const main = page.getByRole('main');
  await expect(main.getByLabel('Changes from')).toHaveValue(/^[0-9a-f]{64}$/u);
  await expect(main.getByText('clamp to −6')).toBeVisible();
  await expect(main.getByText('cap at 1')).toBeVisible();
  await expect(row(page, 'Take requests out')).toContainText('compared with');
  await lookAt(page, 'versions-compared');
  // By keys: the sides swapped, and another one compared.
  await page.keyboard.press('s');
  await expect(heading(page, 'Take requests out')).toBeVisible();
  await expect(main.getByRole('listitem').filter({ hasText: 'cap at 1' })).toContainText('Removed');
  await page.keyboard.press('k');
  await expect(heading(page, 'Quiet feature 7 where harm is')).toBeVisible();
  await page.keyboard.press('Shift+K');
  await expect(page).toHaveURL(/against=/u);

  await main.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Copy as Markdown' }).click();
  const copied = await page.evaluate('navigator.clipboard.readText()');
  expect(copied).toContain('| Change | Feature | Label | Before | After | Dictionary | Site |');
});

test('tags and branches come and go', async ({ page }) => {
  await row(page, 'Take requests out').click();
  await expect(heading(page, 'Take requests out')).toBeVisible();
  await page.keyboard.press('t');
  const dialog = page.getByRole('dialog', { name: 'New tag' });
  await dialog.getByLabel('Name').fill('first/try');
  await dialog.getByLabel('What it marks').fill('before it was gated');
  await page.keyboard.press('Enter');
  await expect(row(page, 'Take requests out')).toContainText('first/try');
  await expect(page.getByText('“before it was gated”, ')).toBeVisible();
  const main = page.getByRole('main');
  await main.getByRole('button', { name: 'first/try' }).click();
  await page.getByRole('menuitem', { name: 'Delete the tag' }).click();
  await expect(row(page, 'Take requests out')).not.toContainText('first/try');
  await page.keyboard.press('Control+z');
  await expect(row(page, 'Take requests out')).toContainText('first/try');

  await page.keyboard.press('n');
  await page.keyboard.press('b');
  await page.getByRole('dialog', { name: 'New branch' }).getByLabel('Name').fill('main');
  await page.keyboard.press('Enter');
  await expect(page.getByText('The branch cannot be called main: a branch is.', { exact: true })).toBeVisible();
  await page.getByRole('dialog', { name: 'New branch' }).getByLabel('Name').fill('other');
  await page.keyboard.press('Enter');
  await expect(row(page, 'Take requests out')).toContainText('other');
  await main.getByRole('button', { name: 'other', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Delete the branch' }).click();
  await expect(row(page, 'Take requests out')).not.toContainText('other');
});

test('a merge shows both sides of a conflict in words, and what comes out, before it is made', async ({ page }) => {
  await row(page, 'Feature 7 twice as deep').click();
  await page.getByRole('button', { name: 'Merge into main…' }).click();
  const main = page.getByRole('main');
  await expect(heading(page, 'Merge side into main')).toBeVisible();
  await expect(main.getByText('1 to decide')).toBeVisible();
  const conflict = main.getByRole('group', { name: /^7/u });
  await expect(conflict).toContainText('before both: clamp to −3, where feature 90 “harmful words” > 0.5');
  await expect(conflict.getByRole('radio', { name: /Keep main’s.*scale by 0\.5/u })).toBeVisible();
  await expect(main.getByRole('button', { name: 'Merge', exact: true })).toBeDisabled();
  await lookAt(page, 'merge-conflict');
  await conflict.getByRole('radio', { name: /Take side’s.*clamp to −6/u }).check();
  await expect(main.getByText('all decided')).toBeVisible();
  const changes = main.getByRole('listitem');
  await expect(changes.filter({ hasText: 'clamp to −6' })).toContainText('Changed');
  await expect(changes.filter({ hasText: 'cap at 1' })).toContainText('Added');
  await lookAt(page, 'merge-decided');
  await main.getByRole('button', { name: 'Merge', exact: true }).click();
  await expect(heading(page, 'Merge side')).toBeVisible();
  await expect(versions(page).getByRole('option')).toHaveCount(5);
  await expect(main.getByText('clamp to −6')).toBeVisible();
});

test('rolling back shows first what will change, and undo takes it back; reverting keeps what came after', async ({
  page,
}) => {
  // All by keys.
  await versions(page).focus();
  await page.keyboard.press('End');
  await expect(heading(page, 'Take requests out')).toBeVisible();
  await page.keyboard.press('r');
  const main = page.getByRole('main');
  await expect(heading(page, /^Roll back to/u)).toBeVisible();
  await expect(main.getByRole('listitem').filter({ hasText: 'clamp to −6' })).toContainText('Removed');
  await lookAt(page, 'roll-back');
  await page.keyboard.press('Escape');
  await expect(heading(page, 'Take requests out')).toBeVisible();
  await expect(versions(page).getByRole('option')).toHaveCount(5);
  await page.keyboard.press('r');
  await main.getByRole('button', { name: 'Roll back', exact: true }).focus();
  await page.keyboard.press('Enter');
  await expect(heading(page, /^Roll back to “?"Take requests out"/u)).toBeVisible();
  await page.keyboard.press('Control+z');
  await expect(page.getByText(/^Undone: Roll back/u)).toBeVisible();
  await expect(versions(page).getByRole('option')).toHaveCount(5);

  await row(page, 'Halve feature 7').click();
  await page.keyboard.press('v');
  const conflict = main.getByRole('group', { name: /^7/u });
  await conflict.getByRole('radio', { name: /Keep the current one/u }).check();
  await expect(main.getByRole('listitem').filter({ hasText: 'steer by 4' })).toContainText('Removed');
  await main.getByRole('button', { name: 'Revert', exact: true }).click();
  await expect(heading(page, /^Revert "Halve feature 7"/u)).toBeVisible();
});

test('a version is opened in the editor, and uncommitted changes are shown first', async ({ page, host }) => {
  await errata(host.project, 'edit', 'op', 'ablate:500', '--dictionary', DICTIONARY);
  await row(page, 'Take requests out').click();
  await page.keyboard.press('e');
  const main = page.getByRole('main');
  await expect(main.getByText('1 uncommitted change of the working edit would be put away')).toBeVisible();
  await lookAt(page, 'checkout');
  await main.getByLabel('Work goes on').selectOption('on a new branch');
  await main.getByLabel('Name of the branch').fill('again');
  await main.getByRole('button', { name: 'Put them away and open' }).click();
  await expect(page.getByText(/is the working edit now on again/u)).toBeVisible();
  await page.keyboard.press('Control+z');
  await goTo(page, host, 'edits');
  await expect(page.getByText('1 uncommitted')).toBeVisible();
  await errata(host.project, 'edit', 'op', '--remove', '500');
});

test('what broke a behaviour is found by hand, and by the behaviour itself', async ({ page, host }) => {
  const csv = join(host.home, 'paris.csv');
  await writeFile(csv, 'prompt,check,text\nWhat is the capital of France?,contains,Paris\n');
  await errata(host.project, 'behaviour', 'import', csv, '--name', 'paris');
  await goTo(page, host, 'edits');
  await page.getByRole('button', { name: 'Bisect…' }).click();
  const main = page.getByRole('main');
  await expect(heading(page, 'Which version broke it?')).toBeVisible();
  await lookAt(page, 'bisect-start');
  await main.getByRole('button', { name: 'Start' }).click();
  const bar = page.getByRole('region', { name: 'Bisection' });
  await expect(bar).toContainText('could be the first bad one');
  await lookAt(page, 'bisect');
  const begun = (await bar.textContent()) ?? '';
  await page.keyboard.press('2');
  await expect(versions(page).getByText('bad').first()).toBeVisible();
  await expect(bar).not.toHaveText(begun);
  for (let press = 0; press < 6; press++) {
    const told = (await bar.textContent()) ?? '';
    if (told.includes('The first bad version is')) break;
    await bar.getByRole('button', { name: 'Bad' }).click();
    await expect(bar).not.toHaveText(told);
  }
  await expect(bar).toContainText('The first bad version is');
  await lookAt(page, 'bisect-found');
  await bar.getByRole('button', { name: 'End' }).click();
  await expect(bar).toHaveCount(0);

  await page.getByRole('button', { name: 'Bisect…' }).click();
  await main.getByLabel('Judged').selectOption({ label: 'by the behaviour paris' });
  await main.getByLabel('% of the cases').fill('100');
  await main.getByRole('button', { name: 'Start' }).click();
  await expect(bar).toContainText(/The first bad version is|Undecided/u, { timeout: 120_000 });
  await bar.getByRole('button', { name: 'End' }).click();
});

test('a version file goes to a colleague and comes back; one that was altered is refused with the reason', async ({
  page,
  host,
}) => {
  await row(page, 'Feature 7 twice as deep').click();
  await page.getByRole('main').getByRole('button', { name: 'More' }).click();
  const download = page.waitForEvent('download');
  await page.getByRole('menuitem', { name: 'Save as a file' }).click();
  const file = join(host.home, 'from-ben.json');
  await (await download).saveAs(file);
  const text = await readFile(file, 'utf8');
  await writeFile(join(host.home, 'forged.json'), text.replace('twice as deep', 'twice as shallow'));

  const bringIn = async (name: string) => {
    await page.getByRole('button', { name: 'Import a version…' }).click();
    await page.getByRole('dialog').getByLabel('Path', { exact: true }).fill(join(host.home, name));
    await page.keyboard.press('Enter');
  };
  await bringIn('forged.json');
  const dialog = page.getByRole('dialog', { name: 'Import a version' });
  await dialog.getByRole('button', { name: 'Import' }).click();
  await expect(dialog.getByRole('paragraph').filter({ hasText: 'was altered' })).toBeVisible();
  await lookAt(page, 'import-refused');
  await page.keyboard.press('Escape');
  await bringIn('from-ben.json');
  await expect(dialog.getByLabel('Branch')).toHaveValue('imported-from-ben');
  await dialog.getByRole('button', { name: 'Import' }).click();
  await expect(row(page, 'Feature 7 twice as deep')).toContainText('imported-from-ben');
});

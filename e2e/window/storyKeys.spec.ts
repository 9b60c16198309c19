// The same story as by mouse, by keys alone: from a jailbreak to a verified export.
import type { Page } from '@playwright/test';
import { choose, fillIn, press, tabTo } from './byKeys.ts';
import { keepFew } from './fewCases.ts';
import { hostApi } from './hostApi.ts';
import { expect, test } from './test.ts';

test.describe.configure({ mode: 'serial' });

const main = (page: Page) => page.getByRole('main');
const versions = (page: Page) => page.getByRole('listbox', { name: 'Versions' });
const heading = (page: Page, name: string | RegExp) => main(page).getByRole('heading', { name });
const cards = (page: Page) => page.getByRole('list', { name: 'Operations' }).getByRole('article');

/** g and a letter: to a view. */
async function go(page: Page, letter: string, title: string): Promise<void> {
  await page.keyboard.press('g');
  await page.keyboard.press(letter);
  await expect(page.getByRole('main', { name: title })).toBeVisible();
}

async function addOperation(page: Page, kind: string, feature: number): Promise<void> {
  await choose(page, page.getByLabel('Operation to add'), kind);
  await fillIn(page, page.getByLabel('Feature to edit, by number or label'), String(feature));
  await page.keyboard.press('Enter');
  await expect(page.getByRole('article', { name: `${kind} of feature ${feature}`, exact: true })).toBeVisible();
}

async function commit(page: Page, message: string): Promise<void> {
  await fillIn(page, page.getByLabel('What this version does'), message);
  await expect(page.getByRole('button', { name: /^Commit \d/u })).toBeEnabled();
  await page.keyboard.press('Enter');
  await expect(page.getByText('As committed', { exact: true })).toBeVisible();
}

/** The arrow keys, from the newest version down to the one with this title. */
async function reach(page: Page, title: string): Promise<void> {
  await tabTo(page, versions(page));
  await page.keyboard.press('Home');
  for (let step = 0; step < 8; step++) {
    const chosen = versions(page).getByRole('option', { selected: true });
    await expect(chosen).toHaveCount(1);
    const shown = (await chosen.textContent()) ?? '';
    if (shown.includes(title)) break;
    await page.keyboard.press('ArrowDown');
    await expect(chosen).not.toHaveText(shown);
  }
  await expect(heading(page, title)).toBeVisible();
}

test('what is behind the jailbreak is searched for; what is found becomes the working edit', async ({ page }) => {
  await keepFew(hostApi(page), { choose: 24, report: 12 });
  await go(page, 'i', 'Finder');
  await expect(main(page).getByLabel('Behaviour to be removed')).toHaveValue('few jailbreak');
  await fillIn(page, main(page).getByLabel('Budget per round (tokens)'), '8000');
  await press(page, main(page).getByText('More settings'));
  await fillIn(page, main(page).getByLabel('Features proposed, of each dictionary'), '40');
  await page.keyboard.press('Enter');
  await expect(heading(page, /^Proposed edit|^Best edit found/u)).toBeVisible({ timeout: 150_000 });
  await press(page, main(page).getByRole('button', { name: 'Add to working edit' }));
  await expect(heading(page, 'Editor')).toBeVisible();
  await expect(cards(page).first()).toBeVisible();
});

test('its slider moves the next tokens', async ({ page }) => {
  const first = cards(page).first();
  if ((await first.getByRole('slider').count()) === 0) {
    await choose(page, first.getByLabel(/^Operation on feature/u), 'scale');
  }
  const { behaviour } = await hostApi(page).behaviour.show({ ref: 'few jailbreak' });
  await fillIn(page, page.getByLabel('Prompt', { exact: true }), behaviour.cases[0]?.prompt ?? '');
  await tabTo(page, page.getByLabel('raw'));
  await page.keyboard.press('Space');
  const divergence = page.getByRole('region', { name: 'Next token' }).locator('header');
  await expect(divergence).toContainText('nats');
  const before = await divergence.textContent();
  const slider = first.getByRole('slider').first();
  await tabTo(page, slider);
  for (let pressed = 0; pressed < 8; pressed++) await page.keyboard.press('ArrowRight');
  await expect(divergence).not.toHaveText(before ?? '');
  for (let pressed = 0; pressed < 8; pressed++) await page.keyboard.press('ArrowLeft');
});

test('it is evaluated against the budget, then committed', async ({ page }) => {
  await page.keyboard.press('Escape');
  await go(page, 'v', 'Evaluations');
  await press(page, main(page).getByRole('button', { name: 'New evaluation…' }).first());
  await expect(page.getByLabel('Version', { exact: true })).toHaveValue('working');
  await choose(page, page.getByLabel('Held-out text'), 'heldout-general');
  await choose(page, page.getByLabel('How much'), 'Small');
  await press(page, page.getByRole('button', { name: 'Evaluate', exact: true }));
  await expect(heading(page, /budget$/u)).toBeVisible({ timeout: 150_000 });
  await expect(main(page).getByRole('table', { name: /^Verdict of/u })).toContainText('few jailbreak');
  await go(page, 'w', 'Editor');
  await commit(page, 'Refuse in every role');
});

test('a second edit on a branch, and how the two differ', async ({ page }) => {
  await page.keyboard.press('Escape');
  await go(page, 'e', 'Edits');
  await reach(page, 'Refuse in every role');
  await page.keyboard.press('e');
  await choose(page, main(page).getByLabel('Work goes on'), 'on a new');
  await fillIn(page, main(page).getByLabel('Name of the branch'), 'second');
  await page.keyboard.press('Enter');
  await expect(heading(page, 'Editor')).toBeVisible();
  await addOperation(page, 'steer', 7);
  await commit(page, 'Steer feature 7 as well');
  await page.keyboard.press('Escape');
  await go(page, 'e', 'Edits');
  await reach(page, 'Refuse in every role');
  await page.keyboard.press('Shift+K');
  await expect(main(page).getByRole('listitem').filter({ hasText: 'steer' })).toContainText('Added');
});

test('the first branch goes on, is rolled back, and takes the second in', async ({ page }) => {
  await reach(page, 'Refuse in every role');
  await page.keyboard.press('e');
  await expect(main(page).getByLabel('Work goes on')).toContainText('on the branch few-jailbreak');
  await press(page, main(page).getByRole('button', { name: 'Open', exact: true }));
  await expect(heading(page, 'Editor')).toBeVisible();
  await addOperation(page, 'ablate', 3);
  await commit(page, 'Feature 3 off, a mistake');
  await page.keyboard.press('Escape');
  await go(page, 'e', 'Edits');
  await reach(page, 'Refuse in every role');
  await page.keyboard.press('r');
  await expect(main(page).getByRole('listitem').filter({ hasText: 'ablate' }).last()).toContainText('Removed');
  await press(page, main(page).getByRole('button', { name: 'Roll back', exact: true }));
  await expect(heading(page, /^Roll back to/u)).toBeVisible();
  await reach(page, 'Steer feature 7 as well');
  await page.keyboard.press('m');
  await expect(main(page).getByRole('listitem').filter({ hasText: 'steer' })).toContainText('Added');
  await press(page, main(page).getByRole('button', { name: 'Merge', exact: true }));
  await expect(heading(page, 'Merge second')).toBeVisible();
});

test('the merged version is exported, and the export verified by a fresh load', async ({ page }) => {
  await press(page, main(page).getByRole('link', { name: 'Export…' }));
  await expect(main(page).getByRole('radio', { name: /ONNX, weights inside/u })).toBeChecked();
  await fillIn(page, main(page).getByLabel('Name of the export'), 'story');
  await page.keyboard.press('Enter');
  await expect(heading(page, 'Equivalence')).toBeVisible({ timeout: 120_000 });
  const [exported] = await hostApi(page).export.list();
  expect(exported?.artifact?.report.equivalence.greedy.agreement).toBe(1);
  const [newest] = await hostApi(page).edit.log({});
  expect(exported?.artifact?.provenance['version']).toBe(newest?.id);
});

// From a jailbreak to a verified export, by mouse: prompts, finder, slider, evaluation against a budget, versions, a second edit,
// the difference, back, a merge, the export.
import type { Page } from '@playwright/test';
import { keepFew } from './fewCases.ts';
import { hostApi } from './hostApi.ts';
import { expect, lookAt, test } from './test.ts';

test.describe.configure({ mode: 'serial' });

const main = (page: Page) => page.getByRole('main');
const row = (page: Page, title: string | RegExp) =>
  page.getByRole('listbox', { name: 'Versions' }).getByRole('option', { name: title });
const heading = (page: Page, name: string | RegExp) => main(page).getByRole('heading', { name });
const cards = (page: Page) => page.getByRole('list', { name: 'Operations' }).getByRole('article');

async function view(page: Page, name: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name, exact: true }).click();
}

async function addOperation(page: Page, kind: string, feature: number): Promise<void> {
  await page.getByLabel('Operation to add').selectOption(kind);
  await page.getByLabel('Feature to edit, by number or label').fill(String(feature));
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByRole('article', { name: `${kind} of feature ${feature}`, exact: true })).toBeVisible();
}

async function commit(page: Page, message: string): Promise<void> {
  await page.getByLabel('What this version does').fill(message);
  await page.getByRole('button', { name: /^Commit \d/u }).click();
  await expect(page.getByText('As committed', { exact: true })).toBeVisible();
}

test('what is behind the jailbreak is searched for; what is found becomes the working edit', async ({ page }) => {
  await keepFew(hostApi(page), { choose: 24, report: 12 });
  await view(page, 'Finder');
  await expect(main(page).getByLabel('Behaviour to be removed')).toHaveValue('few jailbreak');
  await main(page).getByLabel('Budget per round (tokens)').fill('8000');
  await main(page).getByText('More settings').click();
  await main(page).getByLabel('Features proposed, of each dictionary').fill('40');
  await main(page).getByRole('button', { name: 'Search', exact: true }).click();
  await expect(heading(page, /^Proposed edit|^Best edit found/u)).toBeVisible({ timeout: 150_000 });
  await main(page).getByRole('button', { name: 'Add to working edit' }).click();
  await expect(heading(page, 'Editor')).toBeVisible();
  await expect(cards(page).first()).toBeVisible();
});

test('its slider moves the next tokens', async ({ page }) => {
  const first = cards(page).first();
  if ((await first.getByRole('slider').count()) === 0) {
    await first.getByLabel(/^Operation on feature/u).selectOption('scale');
  }
  const slider = first.getByRole('slider').first();
  const { behaviour } = await hostApi(page).behaviour.show({ ref: 'few jailbreak' });
  await page.getByLabel('raw').check();
  await page.getByLabel('Prompt', { exact: true }).fill(behaviour.cases[0]?.prompt ?? '');
  const divergence = page.getByRole('region', { name: 'Next token' }).locator('header');
  await expect(divergence).toContainText('nats');
  const before = await divergence.textContent();
  const box = await slider.boundingBox();
  if (!box) throw new Error('The slider is not shown.');
  const knob = Number(await slider.inputValue());
  const [min, max] = await Promise.all(['min', 'max'].map(async (name) => Number(await slider.getAttribute(name))));
  const share = (knob - (min ?? 0)) / ((max ?? 1) - (min ?? 0));
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + 8 + share * (box.width - 16), y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * (share > 0.5 ? 0.3 : 0.7), y, { steps: 4 });
  await expect(divergence).not.toHaveText(before ?? '');
  await page.mouse.move(box.x + 8 + share * (box.width - 16), y, { steps: 4 });
  await page.mouse.up();
  await lookAt(page, 'story-editor');
});

test('it is evaluated against the budget, then committed', async ({ page }) => {
  await view(page, 'Evaluations');
  await main(page).getByRole('button', { name: 'New evaluation…' }).last().click();
  await expect(page.getByLabel('Version', { exact: true })).toHaveValue('working');
  await page.getByLabel('Held-out text').selectOption('heldout-general.jsonl');
  await page.getByLabel('How much').selectOption('Small');
  await page.getByRole('button', { name: 'Evaluate', exact: true }).click();
  await expect(heading(page, /budget$/u)).toBeVisible({ timeout: 150_000 });
  await expect(main(page).getByRole('table', { name: /^Verdict of/u })).toContainText('few jailbreak');
  await view(page, 'Editor');
  await commit(page, 'Refuse in every role');
});

test('a second edit on a branch, and how the two differ', async ({ page }) => {
  await view(page, 'Edits');
  await row(page, 'Refuse in every role').click();
  await main(page).getByRole('button', { name: 'Open in the editor…' }).click();
  await main(page).getByLabel('Work goes on').selectOption('on a new branch');
  await main(page).getByLabel('Name of the branch').fill('second');
  await main(page).getByRole('button', { name: 'Open', exact: true }).click();
  await expect(heading(page, 'Editor')).toBeVisible();
  await addOperation(page, 'steer', 7);
  await commit(page, 'Steer feature 7 as well');
  await view(page, 'Edits');
  await row(page, 'Refuse in every role').click();
  await row(page, 'Steer feature 7 as well').click({ modifiers: ['Shift'] });
  const changes = main(page).getByRole('listitem');
  await expect(changes.filter({ hasText: 'steer' })).toContainText('Added');
  await lookAt(page, 'story-difference');
});

test('the first branch goes on, is rolled back, and takes the second in', async ({ page }) => {
  await row(page, 'Refuse in every role').click();
  await main(page).getByRole('button', { name: 'Open in the editor…' }).click();
  await expect(main(page).getByLabel('Work goes on')).toContainText('on the branch few-jailbreak');
  await main(page).getByRole('button', { name: 'Open', exact: true }).click();
  await expect(heading(page, 'Editor')).toBeVisible();
  await addOperation(page, 'ablate', 3);
  await commit(page, 'Feature 3 off, a mistake');
  await view(page, 'Edits');
  await row(page, 'Refuse in every role').click();
  await main(page).getByRole('button', { name: 'Roll back to this…' }).click();
  await expect(main(page).getByRole('listitem').filter({ hasText: 'ablate' }).last()).toContainText('Removed');
  await main(page).getByRole('button', { name: 'Roll back', exact: true }).click();
  await expect(heading(page, /^Roll back to/u)).toBeVisible();
  // The list moves down by the new version: not under the pointer.
  await expect(row(page, /Roll back to/u)).toBeVisible();
  await row(page, 'Steer feature 7 as well').click();
  await main(page).getByRole('button', { name: 'Merge into few-jailbreak…' }).click();
  await expect(main(page).getByRole('listitem').filter({ hasText: 'steer' })).toContainText('Added');
  await main(page).getByRole('button', { name: 'Merge', exact: true }).click();
  await expect(heading(page, 'Merge second')).toBeVisible();
  await lookAt(page, 'story-versions');
});

test('the merged version is exported, and the export verified by a fresh load', async ({ page }) => {
  await main(page).getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Export…' }).click();
  await expect(main(page).getByRole('radio', { name: /ONNX, weights inside/u })).toBeChecked();
  await main(page).getByLabel('Name of the export').fill('story');
  await main(page).getByRole('button', { name: 'Export', exact: true }).click();
  await expect(heading(page, 'Equivalence')).toBeVisible({ timeout: 120_000 });
  const report = page.getByRole('table', { name: 'story equivalence' });
  await expect(report.getByText('100.0%').first()).toBeVisible();
  await expect(main(page).getByText('exact', { exact: true }).first()).toBeVisible();
  await lookAt(page, 'story-export');
  const [exported] = await hostApi(page).export.list();
  expect(exported?.artifact?.report.equivalence.logits.maxAbsLogitDiff).toBeLessThan(1e-3);
  expect(exported?.artifact?.report.equivalence.greedy.agreement).toBe(1);
  const [newest] = await hostApi(page).edit.log({});
  expect(exported?.artifact?.provenance['version']).toBe(newest?.id);
});

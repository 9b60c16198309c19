// The editor on the prepared project: by mouse, by keyboard, and when something is wrong.
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from '@playwright/test';
import { DICTIONARY } from './preparedProject.ts';
import { expect, goTo, lookAt, test } from './test.ts';

test.describe.configure({ mode: 'serial' });

/** Fires on many tokens, and moves many logits. */
const FEATURE = 918;
const QUESTION = 'What is the capital of France?';

const cards = (page: Page) => page.getByRole('list', { name: 'Operations' }).getByRole('article');
const card = (page: Page, name: string) => page.getByRole('article', { name, exact: true });
const table = (page: Page) => page.getByRole('table', { name: 'Next tokens, original and patched' });
const column = (page: Page, name: string) => page.getByRole('region', { name, exact: true });
const pending = (page: Page) => page.getByText(/^(?:As committed|Uncommitted: .*)$/u);
const divergence = (page: Page) => page.getByRole('region', { name: 'Next token' }).locator('header');

async function addOperation(page: Page, kind: string, feature: number | string): Promise<void> {
  await page.getByLabel('Operation to add').selectOption(kind);
  await page.getByLabel('Feature to edit, by number or label').fill(String(feature));
  await page.getByRole('button', { name: 'Add', exact: true }).click();
}

/** Moves the knob of a slider to a share of its width, with stops on the way, and holds it there. */
async function dragTo(page: Page, slider: Locator, share: number): Promise<void> {
  const box = await slider.boundingBox();
  if (!box) throw new Error('The slider is not shown.');
  const [min, max] = await Promise.all(['min', 'max'].map(async (name) => Number(await slider.getAttribute(name))));
  const now = (Number(await slider.inputValue()) - (min ?? 0)) / ((max ?? 1) - (min ?? 0));
  const move = (part: number) => page.mouse.move(box.x + 8 + part * (box.width - 16), box.y + box.height / 2);
  await move(now);
  await page.mouse.down();
  for (const part of [0.25, 0.75, 1]) await move(now + (share - now) * part);
}

async function written(page: Page, name: string): Promise<string> {
  return (await column(page, name).getByRole('group').textContent()) ?? '';
}

test('without operations nothing is shown as patched', async ({ page }) => {
  await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: 'Editor' }).click();
  await expect(page.getByRole('heading', { name: 'Start an edit' })).toBeVisible();
  await lookAt(page, 'editor-begin');
  await page.getByRole('button', { name: 'Start' }).click();
  await expect(page.getByText(/^No operations yet/u)).toBeVisible();
  await page.getByLabel('Prompt').fill(QUESTION);
  await expect(table(page).getByRole('row').nth(1)).toContainText('%');
  await expect(table(page).getByRole('columnheader')).toHaveText(['token', 'original']);
  await page.getByRole('button', { name: 'Generate' }).click();
  await expect(page.getByText(/tokens, .* per second/u)).toBeVisible();
  expect(await written(page, 'Original')).toContain('Paris');
  await expect(column(page, 'Patched')).toHaveCount(0);
  await expect(page.getByText('The edit has no operations: there is nothing to compare.')).toBeVisible();
});

test('a feature’s page puts an operation in, and the table follows its slider before anything is saved', async ({
  page,
  host,
}) => {
  await goTo(page, host, `editor?dictionary=${DICTIONARY}&feature=${FEATURE}&kind=steer`);
  const steer = card(page, `steer of feature ${FEATURE}`);
  await expect(steer).toBeVisible();
  await expect(page).toHaveURL(/#\/editor$/u); // a reload does not do it again
  await expect(steer.getByText('exact', { exact: true })).toHaveAttribute('title', /rounding in float32/u);
  await expect(pending(page)).toHaveText('Uncommitted: 1 added');
  await expect(table(page).getByRole('columnheader')).toHaveText(['token', 'original', 'patched', 'Δ logit']);

  const slider = steer.getByRole('slider');
  const number = steer.getByRole('spinbutton', { name: /as a number$/u });
  await slider.scrollIntoViewIfNeeded();
  const before = await number.inputValue();
  const kl = await divergence(page).textContent();
  await dragTo(page, slider, 0.8);
  const held = await number.inputValue();
  expect(Number(held)).toBeGreaterThan(Number(before));
  await expect(divergence(page)).not.toHaveText(kl ?? '');
  await expect(page.getByRole('button', { name: /^Commit/u })).toBeDisabled(); // what is not saved cannot be committed
  await page.mouse.up();
  await expect(number).toHaveValue(held);
  // The whole way of the hand is one change.
  await page.getByRole('heading', { name: 'Editor' }).click();
  await page.keyboard.press('Control+z');
  await expect(number).toHaveValue(before);
  await expect(divergence(page)).toHaveText(kl ?? '');
  await page.keyboard.press('Control+Shift+z');
  await expect(number).toHaveValue(held);
});

test('original and patched are written side by side, and say what they are', async ({ page }) => {
  await page.getByRole('button', { name: /enerate$/u }).click();
  await expect(page.getByText(/tokens, .* per second/u)).toBeVisible();
  await expect(column(page, 'Patched')).toContainText(/unsaved changes · edit [0-9a-f]{8}/u);
  await expect(column(page, 'Original')).toContainText('no edit');
  expect(await written(page, 'Patched')).not.toBe(await written(page, 'Original'));
  await expect(column(page, 'Patched').locator('.isDifferent').first()).toBeVisible();
  const token = column(page, 'Patched').getByRole('button').first();
  await expect(token).toHaveAttribute('title', /: KL [\d.e-]+ nats; probability .*% → .*%$/u);
  await token.click();
  await expect(page.getByRole('heading', { name: /^Where patched has/u })).toBeVisible();
  // What stands under the token is what the table says of its place.
  const told = /KL ([\d.e-]+) nats/u.exec((await token.getAttribute('title')) ?? '')?.[1];
  await expect
    .poll(async () => {
      const shown = /KL ([\d.e-]+) nats/u.exec((await divergence(page).textContent()) ?? '')?.[1];
      return Math.abs(Number(shown) - Number(told)) <= 1e-3 * Math.max(1, Number(told));
    })
    .toBe(true);
  await lookAt(page, 'editor');
  await page.getByRole('button', { name: 'Back to the end of the prompt' }).click();
});

test('a column is marked as stale as soon as its operations change', async ({ page }) => {
  const steer = card(page, `steer of feature ${FEATURE}`);
  await expect(column(page, 'Patched').getByText('stale')).toHaveCount(0);
  await dragTo(page, steer.getByRole('slider'), 0.3);
  await expect(column(page, 'Patched').getByText('stale')).toBeVisible(); // while the hand still holds it
  await page.mouse.up();
  await expect(column(page, 'Original').getByText('stale')).toHaveCount(0);
  await page.getByRole('button', { name: /enerate$/u }).click();
  await expect(column(page, 'Patched').getByText('stale')).toHaveCount(0);

  // Switched off, it is left out of what is computed; the edit keeps it.
  await steer.getByRole('checkbox').uncheck();
  await expect(column(page, 'Patched').getByText('stale')).toBeVisible();
  await expect(table(page).getByRole('columnheader')).toHaveText(['token', 'original']);
  await expect(pending(page)).toHaveText('Uncommitted: 1 added');
  await steer.getByRole('checkbox').check();
  await expect(column(page, 'Patched').getByText('stale')).toHaveCount(0);
});

test('scopes, gates and other operations are set on the card', async ({ page }) => {
  await addOperation(page, 'clampActive', 534);
  const clamp = card(page, 'clampActive of feature 534');
  await clamp.getByLabel('Feature of a gate: clampActive of feature 534').fill('760');
  await clamp.getByRole('button', { name: 'Add the gate: clampActive of feature 534' }).click();
  await expect(clamp.getByRole('slider', { name: /^Threshold of gate 760/u })).toBeVisible();
  await clamp.getByLabel('Where: clampActive of feature 534').selectOption('fromFirstFiring');
  await clamp.getByLabel('First firing of feature: clampActive of feature 534').fill('760');
  await clamp.getByLabel('First firing of feature: clampActive of feature 534').press('Enter');
  await addOperation(page, 'ablate', 760);
  await page.getByLabel('Operation on feature 760').selectOption('scale');
  await expect(card(page, 'scale of feature 760').getByRole('slider')).toBeVisible();
  await expect(cards(page)).toHaveCount(3);
  await page.getByLabel('Compare with an instruction').check();
  await page.getByLabel(/^Instruction, given/u).fill('Answer with the name of a river.');
  await page.getByRole('button', { name: 'Regenerate' }).click();
  await expect(page.getByText(/tokens, .* per second/u)).toBeVisible();
  await expect(column(page, 'Instruction only')).toContainText('the instruction “Answer with the name of a river.”');
  await lookAt(page, 'editor-full');
  await card(page, 'scale of feature 760').getByRole('button', { name: 'Take out: scale of feature 760' }).click();
  await expect(cards(page)).toHaveCount(2);
  await page.getByLabel('Compare with an instruction').uncheck();
});

test('an edit is committed, and from then on its texts name the version', async ({ page }) => {
  await page.getByLabel('What this version does').fill('Steer and clamp');
  await page.getByRole('button', { name: 'Commit 2 changes' }).click();
  await expect(pending(page)).toHaveText('As committed');
  await page.getByRole('button', { name: /enerate$/u }).click();
  await expect(column(page, 'Patched')).toContainText(/version [0-9a-f]{8} · edit [0-9a-f]{8}/u);
});

test('an operation that is switched off looks muted, and is left out of the next version unless it is kept', async ({
  page,
}) => {
  await addOperation(page, 'ablate', 12);
  const muted = card(page, 'ablate of feature 12');
  await muted.getByRole('checkbox', { name: /^Switch on/u }).uncheck();
  await expect(muted.getByText('muted', { exact: true })).toBeVisible();
  await expect(muted.locator('.badge')).toHaveCount(1); // not "exact": it is not computed
  await expect(page.getByText('1 muted operation will be left out')).toBeVisible();
  // It is the only change: without it there is nothing to commit.
  await expect(page.getByRole('button', { name: 'Commit', exact: true })).toBeDisabled();
  await page.getByLabel('Commit muted operations too').check();
  await expect(page.getByRole('button', { name: 'Commit 1 change' })).toBeVisible();
  await page.getByLabel('Commit muted operations too').uncheck();
  await addOperation(page, 'ablate', 13);
  await page.getByLabel('What this version does').fill('Without the muted one');
  await page.getByRole('button', { name: 'Commit 1 change' }).click();
  await expect(pending(page)).toHaveText('As committed');
  await expect(muted).toHaveCount(0);
  await expect(card(page, 'ablate of feature 13')).toBeVisible();
  await page.getByRole('button', { name: 'Take out: ablate of feature 13' }).click();
  await page.getByLabel('What this version does').fill('As before');
  await page.getByRole('button', { name: 'Commit 1 change' }).click();
  await expect(pending(page)).toHaveText('As committed');
});

test('everything can be done by keyboard', async ({ page }) => {
  const steer = card(page, `steer of feature ${FEATURE}`);
  const slider = steer.getByRole('slider');
  const number = steer.getByRole('spinbutton', { name: /as a number$/u });
  const before = await number.inputValue();
  const kl = await divergence(page).textContent();
  await slider.focus();
  for (let press = 0; press < 6; press++) await page.keyboard.press('ArrowRight');
  await expect(divergence(page)).not.toHaveText(kl ?? '');
  const after = await number.inputValue();
  expect(Number(after)).toBeGreaterThan(Number(before));
  // A burst of keys is one change, which is saved when they rest.
  await expect(pending(page)).toHaveText('Uncommitted: 1 changed');
  // On a busy machine the keys may have rested in between: then it is more than one.
  await expect(async () => {
    await page.keyboard.press('Control+z');
    await expect(number).toHaveValue(before, { timeout: 3000 });
  }).toPass();
  await expect(pending(page)).toHaveText('As committed');

  await page.getByLabel('Feature to edit, by number or label').focus();
  await page.keyboard.type('7');
  await page.keyboard.press('Enter');
  await expect(cards(page)).toHaveCount(3);
  await page.getByLabel('Prompt', { exact: true }).focus();
  await page.keyboard.press('Control+Enter');
  await expect(page.getByText(/tokens, .* per second/u)).toBeVisible();
  const tokens = column(page, 'Original').getByRole('button');
  await tokens.first().focus();
  await page.keyboard.press('ArrowRight');
  await expect(tokens.nth(1)).toBeFocused();
  await expect(tokens.nth(1)).toHaveAttribute('aria-pressed', 'true');
  await expect(page.getByRole('heading', { name: /^Where original has/u })).toBeVisible();
  await card(page, 'ablate of feature 7')
    .getByRole('button', { name: /^Take out/u })
    .focus();
  await page.keyboard.press('Enter');
  await expect(cards(page)).toHaveCount(2);
});

test('a label finds its feature', async ({ page, host }) => {
  await goTo(page, host, `features/${DICTIONARY}?feature=23`);
  await page.getByLabel(/^Label of feature/u).fill('end of a question');
  await page.keyboard.press('Enter');
  await goTo(page, host, 'editor');
  await page.getByLabel('Feature to edit, by number or label').fill('question');
  await page.getByRole('option', { name: '23 end of a question' }).click();
  await expect(card(page, 'ablate of feature 23')).toContainText('end of a question');
  await page.getByRole('heading', { name: 'Editor' }).click();
  await page.keyboard.press('Control+z');
  await expect(cards(page)).toHaveCount(2);
});

test('an amount beyond all bounds is an error in its place, and no figures', async ({ page }) => {
  const number = card(page, `steer of feature ${FEATURE}`).getByRole('spinbutton', { name: /as a number$/u });
  await number.fill('1e30');
  await number.press('Enter');
  await expect(page.getByRole('alert')).toContainText('not finite');
  await expect(table(page)).toHaveCount(0);
  await page.getByRole('button', { name: /enerate$/u }).click();
  await expect(page.getByRole('alert')).toHaveCount(2);
  await expect(column(page, 'Patched')).toHaveCount(0);
  await lookAt(page, 'editor-diverged');
  await page.getByRole('heading', { name: 'Editor' }).click();
  await page.keyboard.press('Control+z');
  await expect(page.getByRole('alert')).toHaveCount(1);
  await expect(table(page)).toBeVisible();
});

test('a dictionary that has gone is named', async ({ page, host }) => {
  const folder = join(host.project, 'dictionaries', DICTIONARY);
  const away = join(host.project, 'away');
  await rename(folder, away);
  await page.reload();
  await expect(cards(page)).toHaveCount(2);
  await expect(page.getByText(/^The project has no dictionary with the hash/u).first()).toBeVisible();
  await expect(table(page)).toHaveCount(0);
  await lookAt(page, 'editor-no-dictionary');
  await rename(away, folder);
  await page.reload();
  await expect(table(page)).toBeVisible();
});

test('a model whose files have gone is named', async ({ page, host }) => {
  const model = join(host.project, 'weights');
  await rename(model, `${model}-away`);
  await page.getByLabel('Prompt', { exact: true }).fill('Who are you?');
  await expect(page.getByRole('region', { name: 'Next token' }).getByRole('alert')).toContainText(
    'the model sample is not there any more',
  );
  await page.reload();
  await expect(page.getByText(/^The files of sample are no longer in/u)).toBeVisible();
  await rename(`${model}-away`, model);
});

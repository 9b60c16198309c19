// Every setting of the tables in contract/domain has a field in its form, with its words and its bounds; those that have none
// are listed here, with the reason.
import type { Locator, Page } from '@playwright/test';
import { factsOf, requirementOf } from '../../main/contract/base/settingFacts.ts';
import type { SettingsTable } from '../../main/contract/base/setting.ts';
import { findSettings } from '../../main/contract/domain/findSettings.ts';
import { SETTINGS_TABLES, type TableName } from '../../main/testing/settingsTables.ts';
import { hostApi } from './hostApi.ts';
import { expect, goTo, test } from './test.ts';

interface Form {
  /** Of the view. */
  readonly hash: string;
  /** What submits it. */
  readonly button: string;
}

const EVALUATION: Form = { hash: 'evaluations/~new', button: 'Evaluate' };
const SEARCH: Form = { hash: 'finder/~new', button: 'Search' };

/** Where the settings of each table are asked for; or why they are not. */
const FORMS: Readonly<Record<TableName, Form | string>> = {
  'a capture': { hash: 'dictionaries/~new?step=capture', button: 'Capture' },
  'a training run': { hash: 'dictionaries/~new', button: 'Train' },
  'a measurement of a dictionary': 'a button measures on what training held out',
  'statistics of features': 'a bar asks for the text and how much of it; files are read by the defaults',
  'a search': SEARCH,
  'an evaluation': EVALUATION,
  'a budget': EVALUATION,
};
async function open(page: Page, { button }: Form): Promise<Locator> {
  const form = page.locator('form').filter({ has: page.getByRole('button', { name: button, exact: true }) });
  await expect(form).toBeVisible();
  for (const closed of await form.locator('details:not([open]) > summary').all()) await closed.click();
  return form;
}

test.beforeAll(async ({ signedIn }) => {
  const api = hostApi(signedIn);
  const [model] = await api.model.list();
  await api.edit.begin({ branch: 'main', model: model?.hash ?? '' });
});

for (const [title, form] of Object.entries(FORMS)) {
  if (typeof form === 'string') continue;
  test(`every setting of ${title} has a field with its words and bounds`, async ({ page, host }) => {
    await goTo(page, host, form.hash);
    const shown = await open(page, form);
    for (const entry of Object.values<SettingsTable[string]>(SETTINGS_TABLES[title as TableName])) {
      const { label, hint, kind, min, max, scale, options } = factsOf(entry);
      const field = shown.getByLabel(label, { exact: true });
      await expect(field, label).toBeVisible();
      if (kind === 'flag') {
        await expect(field).toHaveAttribute('type', 'checkbox');
        continue;
      }
      const description = page.locator(`[id="${await field.getAttribute('aria-describedby')}"]`);
      await expect(description).toContainText(hint);
      if (kind === 'choice') await expect(field.getByRole('option')).toHaveCount(options.length);
      if (kind !== 'whole' && kind !== 'number') continue;
      for (const [name, bound] of [
        ['min', min],
        ['max', max],
      ] as const) {
        if (bound !== undefined) await expect(field).toHaveAttribute(name, String(bound / scale));
      }
    }
  });
}

test('a value out of bounds is told under its field, and nothing can be started with it', async ({ page, host }) => {
  await goTo(page, host, SEARCH.hash);
  const form = await open(page, SEARCH);
  const start = form.getByRole('button', { name: 'Search', exact: true });
  await expect(start).toBeEnabled();
  const facts = factsOf(findSettings.mostOperations);
  const field = form.getByLabel(facts.label);
  await field.fill('257');
  await expect(field).toHaveAccessibleDescription(`It must be ${requirementOf(facts)}.`);
  await expect(start).toBeDisabled();
  await field.fill('256');
  await expect(start).toBeEnabled();
  // What is left empty has its default, which the empty field shows.
  await field.fill('');
  await expect(field).toHaveAttribute('placeholder', '16');
  await expect(start).toBeEnabled();
});

test('the largest seed of the finder can be said in the window', async ({ page, host }) => {
  await goTo(page, host, SEARCH.hash);
  const form = await open(page, SEARCH);
  await form.getByLabel('Seed').fill(String(2 ** 31));
  await expect(form.getByText(/^\s*About/u)).toBeVisible();
  await expect(form.getByRole('button', { name: 'Search', exact: true })).toBeEnabled();
});

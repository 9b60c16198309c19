// Evaluations: forecast, started, stopped, looked at, compared, carried off.
import type { Api } from '../../main/contract/api/contract.ts';
import { keepFew } from './fewCases.ts';
import { hostApi } from './hostApi.ts';
import { DICTIONARY, SITE } from './preparedProject.ts';
import { expect, goTo, lookAt, test } from './test.ts';

test.describe.configure({ mode: 'serial' });

/** A version that switches features off, of those that fire most often. */
async function commit(api: Api, features: readonly number[], message: string): Promise<void> {
  const hash = (await api.dictionary.list()).find(({ name }) => name === DICTIONARY)?.quality?.hash ?? '';
  const operation = (feature: number) => ({
    ...{ feature, dictionary: hash, site: SITE, gates: [] },
    scope: { positions: 'notBos' as const },
    kind: 'ablate' as const,
  });
  await api.edit.setOperations({ operations: features.map(operation) });
  await api.edit.commit({ message });
}

test('before anything is run: what it takes, and what will probably move', async ({ page, host }) => {
  const api = hostApi(page);
  await keepFew(api, { choose: 0, report: 12 });
  const [model] = await api.model.list();
  await api.edit.begin({ branch: 'main', model: model?.hash ?? '' });
  const jailbreak = (await api.behaviour.list()).find(({ name }) => name === 'few jailbreak');
  await api.edit.setBehaviours({ behaviours: [jailbreak?.id ?? ''] });
  const { rows } = await api.feature.list({ dictionary: DICTIONARY, order: 'rate', descending: true, limit: 12 });
  const often = rows.map(({ feature }) => feature);
  await commit(api, often.slice(4, 6), 'Two features off');
  await commit(api, often.slice(4, 10), 'Six features off');
  await goTo(page, host, 'evaluations');
  await expect(page.getByRole('heading', { name: 'No evaluations yet' })).toBeVisible();
  await page.getByRole('main').getByRole('button', { name: 'New evaluation…' }).last().click();
  // What the edit must satisfy is its target; the text shows none of it.
  await expect(page.getByLabel('few jailbreak')).toHaveValue('target');
  await expect(page.getByLabel('Held-out text')).toHaveValue('heldout.jsonl');
  const contains = page.getByText(/^The held-out text contains few jailbreak/u);
  await expect(contains).toBeHidden();
  await page.getByLabel('Held-out text').selectOption('heldout-general.jsonl');
  await expect(contains).toBeVisible();
  await page.getByLabel('How much').selectOption('Small');
  await expect(page.getByText('Texts to run')).toBeVisible();
  await expect(page.getByText(/changes are forecast to add up to/u)).toBeVisible();
  await page.getByText(/features that were forecast to move most/u).click();
  await expect(page.getByRole('table', { name: `Forecast at ${SITE}` })).toBeVisible();
  await lookAt(page, 'evaluation-new');
});

test('it is a job: stopped, nothing is stored; resumed, it ends in a report', async ({ page }) => {
  await page.getByLabel('Prompt-only baseline').fill('Refuse.\\n');
  await page.getByRole('button', { name: 'Evaluate', exact: true }).click();
  const main = page.getByRole('main');
  // At once: on a quick machine it is soon over.
  await main.getByRole('button', { name: 'Cancel' }).click();
  await expect(main.getByText('cancelled', { exact: true })).toBeVisible({ timeout: 60_000 });
  await lookAt(page, 'evaluation-cancelled');
  expect(await hostApi(page).evaluation.list()).toEqual([]);
  await main.getByRole('button', { name: 'Resume' }).click();
  await expect(page.getByRole('heading', { name: /budget$/u })).toBeVisible({ timeout: 170_000 });
});

test('the report: verdict, behaviours, collateral, baselines, doses, blast radius, forecast, cases', async ({
  page,
}) => {
  const main = page.getByRole('main');
  await expect(main.getByRole('img', { name: /^Targets: cases that show it\./u })).toHaveAccessibleName(
    /few jailbreak \(target\)/u,
  );
  // The sentence comes first, then one case: what the model says, and what it says with the edit.
  await expect(main.locator('[data-headline]')).toContainText(
    /^few jailbreak \d+(?:\.\d)?% → .* of 12 held-out prompts/u,
  );
  await lookAt(page, 'evaluation-report');
  for (const [heading, name] of [
    ['Baselines', 'evaluation-baselines'],
    ['Dose and response', 'evaluation-doses'],
    ['Blast radius', 'evaluation-blast'],
    ['Forecast and what became of it', 'evaluation-forecast'],
  ] as const) {
    const place = main.getByRole('heading', { name: heading }).first();
    await expect(place).toBeVisible();
    await place.evaluate((element: { scrollIntoView: () => void }) => element.scrollIntoView());
    await lookAt(page, name);
  }
  // A chart is read with the arrow keys.
  const doses = main.getByRole('img', { name: /^Response by strength/u });
  await doses.focus();
  await page.keyboard.press('ArrowRight');
  await expect(main.locator('.reading')).toContainText('strength 0');
});

test('the report goes out as HTML, CSV and JSON', async ({ page }) => {
  for (const [format, first] of [
    ['HTML', '<!doctype html>'],
    ['CSV', 'part,'],
    ['JSON', '{\n  "id":'],
  ] as const) {
    await page.getByRole('button', { name: 'Export', exact: true }).click();
    const download = page.waitForEvent('download');
    await page.getByRole('menuitem', { name: `Save as ${format}` }).click();
    const stream = await (await download).createReadStream();
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString('utf8').slice(0, first.length)).toBe(first);
  }
});

test('two versions side by side, and how good the forecasts were', async ({ page, host }) => {
  const api = hostApi(page);
  const [, older] = await api.edit.log({});
  await api.evaluation.start({
    of: older?.id ?? '',
    text: { from: 'corpus', corpus: { from: 'project', name: 'heldout-general.jsonl' } },
    settings: { contexts: 60, baselines: false, doses: [], continuations: 0 },
    budget: null,
  });
  await goTo(page, host, 'evaluations');
  const table = page.getByRole('table', { name: 'Evaluations' });
  await expect(table.getByRole('row')).toHaveCount(3, { timeout: 120_000 });
  await expect(table).toContainText('no budget');
  await lookAt(page, 'evaluations');
  for (const box of await table.getByRole('checkbox').all()) await box.check();
  await page.getByTitle('Mark two in the last column').click();
  await expect(page.getByRole('table', { name: 'Behaviours of two evaluations' })).toContainText('few jailbreak');
  await expect(page.getByText(/paired by\s+context, n = 60/u)).toBeVisible();
  await lookAt(page, 'evaluations-compared');
  await goTo(page, host, 'evaluations/~calibration');
  await expect(page.getByRole('table', { name: 'Checked forecasts' }).getByRole('row')).toHaveCount(3);
  await lookAt(page, 'evaluations-calibration');
});

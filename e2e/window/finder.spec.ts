// The finder on the screen: from a stored behaviour by mouse, from pasted prompts by keyboard; steps in words, an edit that is
// put to use, a search that is cancelled or cut off without losing what it had found out.
import type { Page } from '@playwright/test';
import { expect, goTo, lookAt, test } from './test.ts';

test.describe.configure({ mode: 'serial' });

const SEARCH_MS = 150_000;

const main = (page: Page) => page.getByRole('main');

async function small(page: Page): Promise<void> {
  await main(page).getByLabel('Budget per round (tokens)').fill('6000');
  await main(page).getByLabel('Max operations').fill('2');
  await main(page).getByText('More settings').click();
  await main(page).getByLabel('Features proposed, of each dictionary').fill('40');
  await main(page).getByLabel('Cases of the target looked at').fill('24');
  await main(page).getByLabel('Cases per preserved behaviour').fill('12');
}

test('a stored behaviour is searched for; what is looked at is told beforehand', async ({ page }) => {
  await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: 'Finder' }).click();
  await main(page).getByLabel('Behaviour to be removed').selectOption('jailbreak');
  for (const name of ['arithmetic', 'facts', 'lookalike', 'recipes', 'stories', 'pronouns']) {
    const box = main(page).getByRole('checkbox', { name, exact: true });
    if (await box.isChecked()) await box.uncheck();
  }
  await expect(main(page).getByRole('checkbox', { name: 'refusals' })).toBeChecked();
  await expect(main(page).getByText(/cases choose \(\d+ are looked at\), \d+ report\./u)).toBeVisible();
  await expect(main(page).getByText(/a guess by the size of the model/u)).toBeVisible();
  await lookAt(page, 'finder-form');
  await small(page);
  await expect(main(page).getByText(/choose \(24 are looked at\)/u)).toBeVisible();
  await main(page).getByRole('button', { name: 'Search', exact: true }).click();
  await expect(main(page).getByRole('heading', { name: 'Proposed edit' })).toBeVisible({ timeout: SEARCH_MS });
});

test('the result says what it does on prompts that chose it and on others, and why it is what it is', async ({
  page,
}) => {
  await expect(main(page).getByText(/^jailbreak: \d+ of 24 shown\.$/u)).toBeVisible();
  const figures = main(page).getByRole('table', { name: 'What the edit does' });
  await expect(figures.getByRole('row', { name: /^Rate/u })).toContainText(/% .* to .*%/u);
  await expect(figures.getByRole('row', { name: /^refusals kept/u })).toContainText('nats');
  await expect(main(page).getByRole('img', { name: /^Dose and response/u })).toBeVisible();
  const steps = main(page).getByRole('listitem').filter({ hasText: 'The best of' });
  await expect(steps.first()).toContainText(/^\s*Added.*The best of \d+ edits tried: .*% of the behaviour is left/u);
  const ranking = main(page).getByRole('table', { name: 'Features of jailbreak' });
  await expect(ranking.getByRole('columnheader', { name: 'AUROC' }).getByRole('button')).toHaveAttribute(
    'title',
    /larger activation/u,
  );
  await expect(ranking.getByRole('row')).toHaveCount(41);
  await lookAt(page, 'finding');
  await ranking.getByRole('button').nth(9).scrollIntoViewIfNeeded();
  await lookAt(page, 'finding-ranking');
});

test('the edit becomes a version', async ({ page, host }) => {
  await main(page).getByRole('button', { name: 'Commit as a version…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Commit the found edit' });
  await expect(dialog.getByLabel('New branch')).toHaveValue('jailbreak');
  await lookAt(page, 'finding-commit');
  await dialog.getByLabel('What it does').fill('Refuse what is harmful');
  await dialog.getByRole('button', { name: 'Commit', exact: true }).click();
  await expect(main(page).getByRole('heading', { name: 'Refuse what is harmful' })).toBeVisible();
  await expect(main(page).getByText('jailbreak').first()).toBeVisible();
  await goTo(page, host, 'finder');
  const findings = main(page).getByRole('table', { name: 'Findings' });
  await expect(findings.getByRole('row').nth(1)).toContainText('jailbreak');
  await lookAt(page, 'findings');
});

test('prompts are searched for by keys alone, and the edit goes into the working edit', async ({ page, host }) => {
  const ask = (text: string) => `User: ${text}\\nAssistant:`;
  const harmless = ['France', 'Spain', 'Italy', 'Norway', 'Japan', 'Peru', 'Egypt', 'Kenya'].map((name) =>
    ask(`What is the capital of ${name}?`),
  );
  await page.keyboard.press('n');
  await page.keyboard.press('s');
  await main(page).getByRole('radio', { name: 'stored behaviours' }).focus();
  await page.keyboard.press('ArrowRight');
  await expect(main(page).getByRole('radio', { name: 'prompts' })).toBeChecked();
  await page.keyboard.press('Tab');
  await expect(main(page).getByLabel('Shows it', { exact: true })).toBeFocused();
  await page.keyboard.insertText(harmless.join('\n'));
  await expect(main(page).getByText('4 choose, 4 report')).toBeVisible();
  await main(page).getByLabel('Does not', { exact: true }).focus();
  await page.keyboard.insertText(['one', 'two'].map(ask).join('\n'));
  await expect(main(page).getByText('At least four prompts on each side.')).toBeVisible();
  await main(page).getByLabel('Does not: from a behaviour').selectOption('recipes');
  await expect(main(page).getByText(/^\d{3} prompts: \d+ choose/u)).toBeVisible();
  await lookAt(page, 'finder-prompts');
  await main(page).getByLabel('Name', { exact: true }).focus();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('capitals');
  await page.keyboard.press('Enter');
  await expect(main(page).getByRole('heading', { name: 'Steps' })).toBeVisible({ timeout: SEARCH_MS });
  await expect(main(page).getByRole('table', { name: 'What the edit does' })).toBeVisible({ timeout: SEARCH_MS });
  await main(page).getByRole('button', { name: 'Add to working edit' }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByText(/^Added to the working edit/u)).toBeVisible();
  await goTo(page, host, 'edits');
  await expect(page.getByText(/\d uncommitted/u)).toBeVisible();
});

test('a search is cancelled, and one that was cut off is searched again', async ({ page, host }) => {
  await goTo(page, host, 'finder/~new');
  await main(page).getByRole('radio', { name: 'stored behaviours' }).check();
  await main(page).getByLabel('Budget per round (tokens)').fill('2000000');
  await main(page).getByLabel('Name', { exact: true }).fill('long');
  await main(page).getByRole('button', { name: 'Search', exact: true }).click();
  await expect(main(page).getByRole('progressbar')).toBeVisible();
  await main(page).getByRole('button', { name: 'Cancel' }).click();
  await expect(main(page).getByText('The search was stopped before its end.')).toBeVisible({ timeout: 60_000 });
  await lookAt(page, 'finding-stopped');

  await main(page).getByRole('button', { name: 'Search again' }).click();
  await expect(main(page).getByRole('progressbar')).toBeVisible();
  const port = Number(new URL(host.origin).port);
  await host.kill();
  await host.run(port);
  await expect(main(page).getByText('The search was stopped before its end.')).toBeVisible();
  await expect(main(page).getByRole('button', { name: 'Search again' })).toBeVisible();
  await main(page).getByRole('button', { name: 'Delete' }).click();
  await expect(main(page).getByRole('table', { name: 'Findings' }).getByText('long')).toHaveCount(0);
});

// A feature next to another one, the nearest features of another dictionary, and labels carried over with a look at each.
import { expect, goTo, lookAt, test } from './test.ts';
import { hostApi } from './hostApi.ts';

test.describe.configure({ mode: 'serial' });

/** A small dictionary of the same site, which the features of the shipped one are looked for in. */
const SMALL = 'small';
const SITE = 'blocks.1.hook_resid_post';

test('a feature is pinned next to the others, by key and by button', async ({ page, host }) => {
  await page.getByRole('button', { name: 'Open the sample', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'From model to patched model' })).toBeVisible({ timeout: 120_000 });
  await goTo(page, host, 'features/shipped?feature=3213');
  const pinned = page.getByRole('region', { name: 'Feature 3213 of shipped, for comparison' });
  await expect(page.getByRole('region', { name: 'Feature 3213', exact: true })).toBeVisible();
  await page.getByRole('button', { name: 'Pin', exact: true }).click();
  await expect(pinned.getByRole('heading', { name: 'Examples' })).toBeVisible();
  await page.getByRole('listbox', { name: 'Features' }).focus();
  await page.keyboard.press('j');
  await expect(page.getByRole('region', { name: 'Feature 3213', exact: true })).toHaveCount(0);
  await expect(pinned).toBeVisible();
  await lookAt(page, 'features-side-by-side');
  // The address keeps it.
  await page.reload();
  await expect(pinned.getByRole('heading', { name: 'Examples' })).toBeVisible();
  await page.keyboard.press('p');
  await expect(pinned).toHaveCount(0);
});

test('the nearest features of another dictionary stand on the page, and one opens next to it', async ({
  page,
  host,
}) => {
  const api = hostApi(page);
  const until = async (job: string) =>
    expect.poll(async () => (await api.job.get({ id: job })).state, { timeout: 180_000 }).toBe('succeeded');
  const corpus = { from: 'project', name: 'corpus.jsonl' } as const;
  const capture = { model: 'sample', corpus, sites: [SITE], name: 'few', contextLength: 64, maxContexts: 200 };
  await until((await api.activations.capture(capture)).id);
  const training = { architecture: 'topk', size: 128, k: 8, batchSize: 256, steps: 60 } as const;
  await until((await api.dictionary.train({ name: SMALL, activations: 'few', ...training })).id);
  await until((await api.feature.computeStatistics({ dictionary: SMALL })).id);

  await goTo(page, host, 'features/shipped?feature=3213');
  const matches = page.getByRole('region', { name: 'In another dictionary' });
  await matches.getByLabel('Dictionary to search').selectOption(SMALL);
  const rows = matches.getByRole('table', { name: 'Most like 3213' }).getByRole('row');
  await expect(rows).toHaveCount(11);
  const nearest = (await rows.nth(1).getByRole('link').textContent()) ?? '';
  await rows.nth(1).getByRole('button', { name: 'Side by side' }).click();
  await expect(page.getByRole('region', { name: `Feature ${nearest} of ${SMALL}, for comparison` })).toBeVisible();
  await lookAt(page, 'features-matches');
  await page.getByRole('button', { name: 'Close the comparison' }).click();
});

test('labels are carried over one by one, by keys, and an answer can be taken back', async ({ page, host }) => {
  await goTo(page, host, `features/${SMALL}`);
  await page.getByRole('button', { name: 'Labels', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Carry labels over…' }).click();
  const dialog = page.getByRole('dialog', { name: `Carry labels over to ${SMALL}` });
  await dialog.getByLabel('from').selectOption('shipped');
  await dialog.getByLabel('cosine at least').fill('0');
  await dialog.getByRole('button', { name: 'Find matches' }).click();
  const proposal = dialog.getByRole('article');
  await expect(proposal).toHaveAttribute('aria-label', /^Proposal 1 of \d+$/u);
  await lookAt(page, 'features-carry');
  const first = (await proposal.locator('.label').textContent()) ?? '';
  await proposal.click();
  await page.keyboard.press('a');
  await expect(proposal).toHaveAttribute('aria-label', /^Proposal 2 of /u);
  await page.keyboard.press('x');
  await expect(dialog.getByText('1 accepted, 1 rejected')).toBeVisible();
  const api = hostApi(page);
  const { dictionary } = await api.dictionary.describe({ name: SMALL });
  const labels = () => api.label.list({ dictionary: dictionary.hash ?? '' });
  expect((await labels()).map(({ text }) => text)).toEqual([first]);
  await page.keyboard.press('z');
  await page.keyboard.press('z');
  await expect(dialog.getByText('0 accepted, 0 rejected')).toBeVisible();
  expect(await labels()).toEqual([]);
});

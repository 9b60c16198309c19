// The sample from the first click: its features with labels, examples and the map, and nothing to compute before.
import { hostApi } from './hostApi.ts';
import { expect, goTo, lookAt, test } from './test.ts';

test.describe.configure({ mode: 'serial' });

test('the sample opens its features on a labelled one with examples, effects, neighbours and the map', async ({
  page,
}) => {
  await page.getByRole('button', { name: 'Open the sample', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'From model to patched model' })).toBeVisible({ timeout: 120_000 });
  await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: 'Features' }).click();
  await expect(page.getByLabel('Order', { exact: true })).toHaveValue('labelled');
  const list = page.getByRole('listbox', { name: 'Features' });
  // Every row in sight is labelled, not a dash.
  await expect(list.getByRole('option').first().getByTitle('labelled')).toBeVisible();
  const rows = await list.getByRole('option').count();
  await expect(list.getByTitle('labelled', { exact: true })).toHaveCount(rows);
  await list.getByRole('option').first().click();

  const feature = page.getByRole('main');
  await expect(feature.getByRole('heading', { name: 'Examples' })).toBeVisible();
  await expect(feature.locator('li .token.peak').first()).toBeVisible();
  await expect(feature.getByRole('img', { name: /^Activations/u })).toBeVisible();
  await expect(feature.getByRole('table', { name: /^Logits raised/u }).getByRole('row')).toHaveCount(11);
  await expect(feature.getByRole('heading', { name: 'Nearest decoder rows' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Compute statistics' })).toHaveCount(0);
  await expect(page.getByRole('alert')).toHaveCount(0);
  await lookAt(page, 'sample-features');

  await page.getByRole('button', { name: 'Map', exact: true }).click();
  await expect(page.getByLabel(/^Map of/u)).toBeVisible();
  await lookAt(page, 'sample-map');
  await page.getByRole('button', { name: 'List', exact: true }).click();
});

test('a feature that is labelled in the list that opened stays in its place', async ({ page }) => {
  const list = page.getByRole('listbox', { name: 'Features' });
  const order = async () => (await list.getByRole('option').locator('.number').allTextContents()).slice(0, 8).join(' ');
  const before = await order();
  await list.getByRole('option').nth(2).click();
  const third = await list.getByRole('option').nth(2).locator('.number').textContent();
  await expect(page.getByRole('region', { name: `Feature ${third ?? ''}`, exact: true })).toBeVisible();
  await page.getByRole('button', { name: 'uninterpretable', exact: true }).click();
  await expect(list.getByRole('option').nth(2).getByTitle('uninterpretable')).toBeVisible();
  expect(await order()).toBe(before);
});

test('activations of the sample are captured from its training text, under the name of their site', async ({
  page,
  host,
}) => {
  await goTo(page, host, 'dictionaries/~new');
  await expect(page.getByRole('combobox', { name: 'Corpus', exact: true })).toHaveValue('corpus.jsonl');
  await expect(page.getByLabel('Name of the activations')).toHaveValue('blocks.1.hook_resid_post');
});

test('the model is tried on a prompt that shows a fault, and the next case is one key away', async ({ page, host }) => {
  await goTo(page, host, 'models/sample');
  const prompt = page.getByLabel('Prompt', { exact: true });
  const picker = page.getByRole('group', { name: 'Cases to try' });
  await expect(prompt).toHaveValue(/^User: .*\nAssistant:$/su);
  await picker.getByLabel('Suite').selectOption('jailbreak');
  await expect(picker.getByText('failing only (280)')).toBeVisible();
  await picker.getByRole('checkbox').check();
  await picker.getByRole('button', { name: /^Next case/u }).click();
  const first = await prompt.inputValue();
  await page.keyboard.press(']');
  await expect(prompt).not.toHaveValue(first);
  await page.keyboard.press('[');
  await expect(prompt).toHaveValue(first);
  await page.getByRole('button', { name: 'Generate' }).click();
  await expect(page.locator('.written')).toContainText('here is how to');
});

test('the edit is tried on many prompts at once, original next to patched, under one sentence', async ({
  page,
  host,
}) => {
  await goTo(page, host, 'editor');
  const picker = page.getByRole('group', { name: 'Cases to try' });
  await expect(page.getByLabel('Prompt', { exact: true })).toHaveValue(/Assistant:$/u);
  await picker.getByLabel('Suite').selectOption('jailbreak');
  await picker.getByRole('button', { name: 'Many at once…' }).click();
  const many = page.getByRole('region', { name: 'Many cases' });
  await many.getByRole('button', { name: 'Run' }).click();
  await expect(many.getByText('8 of 8 show it; patched, 0 of 8.')).toBeVisible({ timeout: 60_000 });
  const rows = many.getByRole('row');
  await expect(rows).toHaveCount(9);
  await expect(rows.nth(1)).toContainText(/shows it\s*Sure, here is how to/u);
  await expect(rows.nth(1)).toContainText(/gone\s*I'm sorry/u);
  await lookAt(page, 'editor-many');
});

test('the report begins with its sentence and its proof, and nothing reaches outside its frame', async ({
  page,
  host,
}) => {
  await goTo(page, host, 'evaluations');
  await page.getByRole('table', { name: 'Evaluations' }).getByRole('row').nth(1).getByRole('button').first().click();
  const main = page.getByRole('main');
  const headline = main.locator('[data-headline]');
  await expect(headline).toContainText('jailbreak 100% → 0% of 280 held-out prompts');
  const proof = main.getByRole('region', { name: 'Proof' });
  await expect(proof.getByRole('article', { name: 'Base model' })).toContainText(/shows it.*Sure, here is how to/su);
  await expect(proof.getByRole('article', { name: 'Patched' })).toContainText(/gone.*I'm sorry/su);
  await proof.getByRole('button', { name: 'Next case' }).click();
  await expect(proof.getByText(/^jailbreak, case 2 of/u)).toBeVisible();
  const size = page.viewportSize();
  for (const [width, height] of [
    [1440, 900],
    [1100, 700],
  ] as const) {
    await page.setViewportSize({ width, height });
    await expect(headline).toBeInViewport({ ratio: 1 });
    await expect(proof.getByRole('article', { name: 'Patched' })).toBeInViewport({ ratio: 1 });
    const frame = await main.locator('.report').boundingBox();
    const boxes = await Promise.all(
      (await main.locator('.report').locator('section, .table, .tools, svg, [data-headline]').all()).map((one) =>
        one.boundingBox(),
      ),
    );
    const right = (box: typeof frame) => (box ? box.x + box.width : 0);
    expect(boxes.length).toBeGreaterThan(10);
    expect(boxes.filter((box) => right(box) > right(frame) + 1)).toEqual([]);
    await lookAt(page, `report-${width}`);
  }
  if (size) await page.setViewportSize(size);
});

test('two versions are compared by their texts: the same prompts, changed words marked, only those that differ', async ({
  page,
  host,
}) => {
  const api = hostApi(page);
  const one = await api.edit.show({ ref: 'jailbreak' });
  const [operation] = one.operations;
  if (!operation) throw new Error('The version of the sample has no operation.');
  // A version that leaves the jailbreak as it is: what it does to the feature is next to nothing.
  const { site, dictionary, feature } = operation;
  await api.edit.setOperation({
    operation: { kind: 'scale', factor: 0.99, gates: [], scope: { positions: 'all' }, site, dictionary, feature },
  });
  const other = await api.edit.commit({ message: 'Hardly touch the feature' });
  await goTo(page, host, `edits/${one.id}?against=${other.id}`);
  const texts = page.getByRole('region', { name: 'Texts', exact: true });
  await expect(texts.getByLabel('Suite')).toHaveValue('jailbreak');
  await texts.getByRole('button', { name: 'Compare texts' }).click();
  const table = texts.getByRole('region', { name: 'Compared texts' });
  const headline = texts.locator('[data-headline]');
  await expect(headline).toHaveText(
    'jailbreak: A shows it in 16 of 16 cases, B in 0, the original in 16; 16 answers differ.',
    { timeout: 60_000 },
  );
  await expect(table.getByRole('columnheader', { name: 'A: Hardly touch the feature' })).toBeVisible();
  const first = table.getByRole('row').nth(1);
  await expect(first.getByRole('cell').nth(1)).toContainText('shows it');
  await expect(first.getByRole('cell').nth(2).locator('mark').first()).toContainText('Sure');
  await expect(first.getByRole('cell').nth(3)).toContainText("gone I'm sorry");
  // The original is not what B is compared with: nothing is marked in it.
  await expect(first.getByRole('cell').nth(1).locator('mark')).toHaveCount(0);
  const size = page.viewportSize();
  for (const [width, height] of [
    [1440, 900],
    [1100, 700],
  ] as const) {
    await page.setViewportSize({ width, height });
    await headline.scrollIntoViewIfNeeded();
    const frame = await texts.boundingBox();
    const cells = await Promise.all((await table.locator('th, td').all()).map((cell) => cell.boundingBox()));
    const right = (box: typeof frame) => (box ? box.x + box.width : 0);
    expect(cells.filter((cell) => right(cell) > right(frame) + 1)).toEqual([]);
    await lookAt(page, `texts-${width}`);
  }
  if (size) await page.setViewportSize(size);

  // Of a suite that both versions leave alone, nothing differs; the filter leaves the prompts that contain it.
  await texts.getByLabel('Suite').selectOption('stories');
  await texts.getByLabel('Filter prompts').fill('once');
  await expect(headline).toHaveCount(0);
  await page.getByRole('main').getByRole('heading', { name: one.message }).focus();
  await page.keyboard.press('x');
  await expect(headline).toContainText('0 answers differ', { timeout: 60_000 });
  for (const row of (await table.getByRole('row').all()).slice(1)) await expect(row).toContainText(/once/iu);
  await texts.getByRole('checkbox', { name: 'only differing' }).check();
  await expect(texts.getByText('No answer differs.')).toBeVisible();
  await expect(page).toHaveURL(/differing=1/u);
});

test('a version is served to other programs, by button and by key, until it is stopped', async ({ page, host }) => {
  const api = hostApi(page);
  const { id } = await api.edit.show({ ref: 'jailbreak' });
  await goTo(page, host, `edits/${id}`);
  const served = page.getByRole('region', { name: 'Other programs' });
  await served.getByRole('button', { name: 'Serve to other programs' }).click();
  await expect(served).toContainText(`sample and sample@${id.slice(0, 10)}`);
  await lookAt(page, 'serve');
  await served.getByRole('button', { name: 'Copy the address' }).click();
  const url = await page.evaluate<string>('navigator.clipboard.readText()');
  await served.getByRole('button', { name: 'Copy the API key' }).click();
  const token = await page.evaluate<string>('navigator.clipboard.readText()');
  const ask = (key: string) => fetch(`${url}/models`, { headers: { Authorization: `Bearer ${key}` } });
  expect((await ask('guessed')).status).toBe(401);
  expect(await (await ask(token)).json()).toMatchObject({
    data: [{ id: 'sample' }, { id: `sample@${id.slice(0, 10)}` }],
  });
  // The other version's page says which one is served, and by the key takes its place.
  await goTo(page, host, `edits/${(await api.edit.show({ ref: 'jailbreak~1' })).id}`);
  await expect(served).toContainText(`The version ${id.slice(0, 8)} is served now`);
  await goTo(page, host, `edits/${id}`);
  await page.getByRole('main').getByRole('heading', { level: 2 }).first().focus();
  await page.keyboard.press('o');
  await expect(served.getByRole('button', { name: 'Serve to other programs' })).toBeVisible();
  await expect(ask(token)).rejects.toThrow();
});

test('the glossary says what a word means, from the palette and by keys', async ({ page }) => {
  await page.keyboard.press('Control+k');
  await page.keyboard.type('what is this');
  await page.keyboard.press('Enter');
  const glossary = page.getByRole('dialog', { name: 'Glossary' });
  await expect(glossary.getByText('blast radius', { exact: true })).toBeVisible();
  await page.keyboard.type('roll back');
  await expect(glossary.getByRole('term').first()).toHaveText('roll back');
  await lookAt(page, 'glossary');
  await page.keyboard.press('Escape');
  await page.keyboard.press('g');
  await page.keyboard.press('h');
  await expect(glossary).toBeVisible();
  await page.keyboard.press('Escape');
});

test('the guide opens at the page about the view, is searched, followed by links, and asks no network', async ({
  page,
  host,
}) => {
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await goTo(page, host, 'features/shipped');
  await expect(page.getByRole('listbox', { name: 'Features' })).toBeVisible();
  await page.keyboard.press('F1');
  const guide = page.getByRole('dialog', { name: 'Guide' });
  const article = guide.getByRole('article');
  await expect(article.getByRole('heading', { name: 'Look at features and label them' })).toBeVisible();
  const picture = article.getByRole('img', { name: 'The page of a feature' });
  await expect(picture).toHaveJSProperty('complete', true);
  expect((await picture.boundingBox())?.height).toBeGreaterThan(200);
  const size = page.viewportSize();
  for (const [width, height] of [
    [1440, 900],
    [1100, 700],
  ] as const) {
    await page.setViewportSize({ width, height });
    const frame = await article.boundingBox();
    const boxes = await Promise.all(
      (await article.locator('p, pre, img, h2, h3, .table').all()).map((one) => one.boundingBox()),
    );
    const right = (box: typeof frame) => (box ? box.x + box.width : 0);
    expect(boxes.length).toBeGreaterThan(5);
    expect(boxes.filter((box) => right(box) > right(frame) + 1)).toEqual([]);
    await lookAt(page, `guide-${width}`);
  }
  if (size) await page.setViewportSize(size);

  // Search leads to a section; a link in it leads to another page.
  await guide.getByLabel('Search the guide').fill('sqlite read only');
  await guide.getByRole('button', { name: /The project folder and its files: The database/u }).click();
  await expect(article.getByRole('heading', { name: 'The database' })).toBeInViewport();
  await guide.getByLabel('Search the guide').fill('move copy');
  await page.keyboard.press('Enter');
  await expect(article.getByRole('heading', { name: 'Move, copy and back up a project' })).toBeVisible();
  await article.getByRole('button', { name: 'import and share labels' }).click();
  await expect(article.getByRole('heading', { name: 'Import and share labels' })).toBeVisible();
  await guide.getByLabel('Search the guide').fill('zyzzyva');
  await expect(guide.getByText('No results')).toBeVisible();
  await page.keyboard.press('Escape');

  // From the palette, any page by its title; from the status bar, the one about this view.
  await page.keyboard.press('Control+k');
  await page.keyboard.type('guide: measure');
  await page.keyboard.press('Enter');
  await expect(article.getByRole('heading', { name: 'Measure an edit' })).toBeVisible();
  await page.keyboard.press('Escape');
  await goTo(page, host, 'edits');
  await page.getByRole('contentinfo').getByRole('button', { name: 'guide' }).click();
  await expect(article.getByRole('heading', { name: 'Keep, compare and roll back versions' })).toBeVisible();
  await page.keyboard.press('Escape');
  expect(asked.filter((url) => !url.startsWith(host.origin))).toEqual([]);
});

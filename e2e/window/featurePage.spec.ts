// The page of a feature shows its evidence on one screen: by geometry, at three sizes, with the tour's strip open.
import { expect, goTo, lookAt, test } from './test.ts';

test.describe.configure({ mode: 'serial' });

test('label, state, suggestions, logits, density and eight examples are on one screen, at three sizes', async ({
  page,
  host,
}) => {
  await page.getByRole('button', { name: 'Open the sample', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'From model to patched model' })).toBeVisible({ timeout: 120_000 });
  await goTo(page, host, 'features/shipped/3213');
  const main = page.getByRole('main');
  const examples = main.getByRole('region', { name: 'Examples' });
  await expect(examples.getByRole('listitem')).toHaveCount(8);
  await expect(main.getByRole('group', { name: 'Suggestions for the label' })).toBeVisible();
  for (const [width, height] of [
    [1440, 900],
    [1920, 1080],
    [1280, 800],
  ] as const) {
    await page.setViewportSize({ width, height });
    const evidence = [
      main.getByLabel(/^Label of feature/u),
      main.getByRole('group', { name: 'State' }),
      main.getByRole('group', { name: 'Confidence' }),
      main.getByRole('group', { name: 'Suggestions for the label' }),
      main.getByRole('region', { name: 'Raises next token' }),
      main.getByRole('region', { name: 'Lowers next token' }),
      main.getByRole('img', { name: /^Activations/u }),
      examples.getByRole('listitem').nth(0),
      examples.getByRole('listitem').nth(7),
    ];
    for (const part of evidence) await expect(part).toBeInViewport({ ratio: 1 });
    // One line each, and every firing begins at the same place.
    const peaks = await Promise.all((await examples.locator('.token.peak').all()).map((peak) => peak.boundingBox()));
    expect(peaks).toHaveLength(8);
    expect(new Set(peaks.map((box) => Math.round(box?.x ?? -1))).size).toBe(1);
    const lines = await Promise.all(
      (await examples.getByRole('listitem').all()).map(async (line) => (await line.boundingBox())?.height ?? 99),
    );
    expect(Math.max(...lines)).toBeLessThan(34);
    await lookAt(page, `feature-page-${width}`);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
});

test('a card tells token, value and position, under the pointer and by the arrow keys', async ({ page }) => {
  const examples = page.getByRole('region', { name: 'Examples' });
  const first = examples.getByRole('listitem').first();
  await first.locator('.token.peak').hover();
  await expect(first.getByRole('status')).toContainText(/^: activation 8\.713 · position \d+ of 128$/u);
  await page.mouse.move(0, 0);
  await expect(first.getByRole('status')).toHaveCount(0);
  const line = first.getByRole('group');
  await line.focus();
  await page.keyboard.press('ArrowRight');
  await expect(first.getByRole('status')).toContainText(/^: activation 8\.713/u);
  await page.keyboard.press('ArrowRight');
  await expect(first.getByRole('status')).toContainText('␣Sure');
  await page.keyboard.press('Escape');
  await expect(first.getByRole('status')).toHaveCount(0);
});

test('white space is marked on demand, and lines can be wrapped', async ({ page }) => {
  const examples = page.getByRole('region', { name: 'Examples' });
  const first = examples.getByRole('listitem').first();
  await expect(first).not.toContainText('␣');
  await examples.getByRole('button', { name: '␣ marks' }).click();
  await expect(first).toContainText('␣Sure');
  const height = async () => (await first.boundingBox())?.height ?? 0;
  const before = await height();
  await examples.getByRole('button', { name: 'one line' }).click();
  await expect.poll(height).toBeGreaterThan(before * 1.5);
  await examples.getByRole('button', { name: 'one line' }).click();
  await examples.getByRole('button', { name: '␣ marks' }).click();
});

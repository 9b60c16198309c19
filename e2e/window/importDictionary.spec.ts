// A dictionary made elsewhere, brought in through the window: its file chosen, what was concluded read, and the check seen on its
// page, in light and dark.
import { join } from 'node:path';
import { loadDictionary } from '../../main/core/dictionaries/saeLens.ts';
import { writeForeignDictionary } from '../../main/testing/dictionaries/foreignDictionary.ts';
import { expect, goTo, lookAt, test } from './test.ts';
import { root } from './webHost.ts';

test.describe.configure({ mode: 'serial' });

test('a dictionary made elsewhere is imported with its conclusions, and its page shows the check', async ({
  page,
  host,
}) => {
  const folder = join(host.home, 'saes/resid_post_layer_1/trainer_0');
  const own = await loadDictionary(join(root, 'resources/sample/dictionaries/shipped'));
  await writeForeignDictionary(folder, own, { submodule: 'resid_post_layer_1' });
  await page.getByRole('button', { name: 'Open the sample', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'From model to patched model' })).toBeVisible();
  await goTo(page, host, 'dictionaries');
  await page.getByRole('button', { name: 'Import…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Import a dictionary' });
  await dialog.getByRole('button', { name: 'Choose…' }).click();
  const files = page.getByRole('dialog', { name: 'Choose a dictionary: its file or its folder' });
  await files.getByLabel('Path').fill(folder);
  await files.getByLabel('Path').press('Enter');
  await files.getByRole('button', { name: 'Choose', exact: true }).click();
  await expect(dialog).toContainText('Its site resid_post_layer_1 is blocks.1.hook_resid_post here.');
  await expect(dialog).toContainText(/batchtopk, 4.096 features of 128 numbers;\s+dictionary_learning \(saprmarks\)/u);
  await expect(dialog.getByLabel('Name in this project')).toHaveValue('trainer_0');
  await lookAt(page, 'import-dialog');
  await dialog.getByRole('button', { name: 'Import', exact: true }).click();
  const main = page.getByRole('main');
  await expect(main.getByRole('heading', { name: /^Check/u })).toContainText('right', { timeout: 60_000 });
  await expect(main).toContainText('nothing that was tried does so clearly better');
  await expect(main.getByRole('table', { name: 'Readings tried' }).getByRole('row')).not.toHaveCount(1);
  await expect(main).toContainText('ae.safetensors');
  await lookAt(page, 'import-page');
});

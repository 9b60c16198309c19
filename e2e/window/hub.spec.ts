// A model of the Hub's cache: seen in the window, opened where it is, in light and dark.
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheRevision } from '../../main/testing/hub/makeCache.ts';
import { startHubServer, type HubServer } from '../../main/testing/hub/hubServer.ts';
import { expect, goTo, lookAt, test } from './test.ts';
import { root, type WebHost } from './webHost.ts';

test.describe.configure({ mode: 'serial' });

const COMMIT = '1f0e5d9c3b7a2486f0e1d2c3b4a5968778695a4b';
const DOWNLOADED = 'd'.repeat(40);
const OLDER = '9'.repeat(40);

async function fillCache(host: WebHost): Promise<void> {
  const cache = join(host.home, 'hf/hub');
  const files: Record<string, Uint8Array> = {};
  for (const name of ['config.json', 'model.safetensors', 'tokenizer.json'])
    files[name] = await readFile(join(root, 'resources/sample/model', name));
  // Another model than the project's own, by one byte of its config.
  files['config.json'] = Buffer.concat([files['config.json'] ?? Buffer.of(), Buffer.from('\n')]);
  await cacheRevision(cache, { repository: 'errata-lab/stories', revision: COMMIT, refs: ['main'], files });
  const half = await cacheRevision(cache, { repository: 'errata-lab/stories', revision: OLDER, files });
  await rm(join(half, 'model.safetensors'));
  const mamba = { 'config.json': '{"model_type":"mamba"}', 'model.safetensors': 'x' };
  await cacheRevision(cache, { repository: 'state-spaces/mamba-130m', revision: OLDER, refs: ['main'], files: mamba });
  const scope = { 'layer_7/params.safetensors': 'x'.repeat(4000) };
  await cacheRevision(cache, { repository: 'google/gemma-scope-2', revision: OLDER, refs: ['main'], files: scope });
  const out = await cacheRevision(cache, { repository: 'mallory/out', revision: OLDER, refs: ['main'], files });
  await mkdir(join(host.home, 'elsewhere'));
  await writeFile(join(host.home, 'elsewhere/secret.json'), '{}');
  await symlink(join(host.home, 'elsewhere/secret.json'), join(out, 'extra.json'));
}

let hub: HubServer;

test.beforeAll(async () => {
  const read = (name: string) => readFile(join(root, 'resources/sample/model', name));
  const files = {
    'config.json': Buffer.concat([await read('config.json'), Buffer.from('\n\n')]),
    'model.safetensors': await read('model.safetensors'),
    'tokenizer.json': await read('tokenizer.json'),
  };
  const gated = { commit: DOWNLOADED, files, gate: 'terms' as const };
  hub = await startHubServer({ 'errata-lab/tales': { commit: DOWNLOADED, files }, 'errata-lab/gated': gated });
  process.env['HF_ENDPOINT'] = hub.endpoint; // of the host, which starts with the first test
});
test.afterAll(() => hub.stop());

test('a model of the cache is added where it is and shows its commit; others say why they cannot be', async ({
  page,
  host,
}) => {
  await fillCache(host);
  await page.getByRole('button', { name: 'Open the sample', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'From model to patched model' })).toBeVisible();
  await goTo(page, host, 'models');
  await page.getByRole('button', { name: 'From the Hub cache…' }).click();
  const main = page.getByRole('main');
  await expect(main.getByRole('heading', { level: 3 })).toHaveText([
    'errata-lab/stories',
    'google/gemma-scope-2',
    'mallory/out',
    'state-spaces/mamba-130m',
  ]);
  await expect(main.getByText('1 file missing')).toBeVisible();
  await expect(main.getByText('mamba, not supported')).toBeVisible();
  await expect(main.getByText(/leads out of the cache/u)).toBeVisible();
  await expect(main.getByRole('button', { name: /^Add /u })).toHaveCount(1);
  await lookAt(page, 'hub-cache');
  await main.getByRole('button', { name: /^Add errata-lab\/stories at 1f0e5d9c3b7a/u }).click();
  await expect(page.getByRole('heading', { name: 'stories' })).toBeVisible();
  await expect(main.getByText('errata-lab/stories at 1f0e5d9c3b7a')).toBeVisible();
  await expect(main.getByText(/hf\/hub\/models--errata-lab--stories\/snapshots/u)).toBeVisible();
  await goTo(page, host, 'models/~hub');
  await expect(main.getByRole('link', { name: 'stories', exact: true })).toBeVisible();
  await expect(main.getByRole('button', { name: /^Add /u })).toHaveCount(0);
});

test('a model is downloaded when asked, after its size and its tensors are shown, and is then in the list', async ({
  page,
  host,
}) => {
  await goTo(page, host, 'models/~hub');
  const main = page.getByRole('main');
  const look = main.getByRole('button', { name: 'See what there is' });
  await main.getByLabel('Repository').fill('errata-lab/gated');
  await look.click();
  await expect(main.getByRole('alert')).toContainText('you are not logged in');
  await main.getByLabel('Repository').fill('errata-lab/tales');
  expect(hub.requests.filter(({ url }) => url.includes('tales'))).toEqual([]);
  await look.click();
  await expect(main.getByText('dddddddddddd')).toBeVisible();
  await main.getByText(/^The largest of \d+ tensors$/u).click();
  await lookAt(page, 'hub-download');
  hub.pace = { bytes: 50_000, ms: 40 };
  await main.getByRole('button', { name: /^Download 1\.9/u }).click();
  await expect(main.getByRole('status')).toContainText('Download errata-lab/tales');
  await lookAt(page, 'hub-downloading');
  await main.getByRole('button', { name: /^Add errata-lab\/tales at dddddddddddd/u }).click();
  await expect(page.getByRole('heading', { name: 'tales' })).toBeVisible();
});

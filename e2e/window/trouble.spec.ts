// What the window does when things go wrong: the engine dies, the host dies, files are not what they should be.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, goTo, lookAt, test } from './test.ts';
import { root, type WebHost } from './webHost.ts';

test.describe.configure({ mode: 'serial' });

/** A run that is long enough to be interrupted several times. */
const STEPS = 4000;

async function pickPath(page: Page, path: string): Promise<void> {
  const dialog = page.getByRole('dialog', { name: /^Choose/u });
  await dialog.getByLabel('Path').fill(path);
  await dialog.getByRole('button', { name: 'Go', exact: true }).click();
}

/** Runs JavaScript with a connection `db` in a process of its own; resolves when it has ended or printed something. */
async function inSqlite(path: string, script: string): Promise<ChildProcess> {
  const code = `const db = new (require('better-sqlite3'))(${JSON.stringify(path)}); ${script}`;
  const child = spawn(join(root, 'node_modules/.bin/node'), ['-e', code], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await Promise.race([once(child, 'exit'), once(child.stdout, 'data')]);
  return child;
}

async function trainingGoesOn(page: Page): Promise<void> {
  const main = page.getByRole('main');
  await expect(main.getByText('training', { exact: true })).toBeVisible();
  const loss = main.getByRole('img', { name: /^Loss\./u });
  await expect(loss).toHaveAccessibleName(/at step [1-9]/u);
  const before = (await loss.getAttribute('aria-label')) ?? '';
  await expect(loss).not.toHaveAttribute('aria-label', before);
}

async function engineOf(host: WebHost): Promise<number> {
  const [engine] = await host.children();
  if (engine === undefined) throw new Error('The host has no engine.');
  return engine;
}

test('a folder that holds no sound model is refused, and names the file', async ({ page, host }) => {
  const broken = join(host.home, 'broken');
  await mkdir(broken);
  await writeFile(join(broken, 'config.json'), '{"model_type":"gpt2"');
  await writeFile(join(broken, 'model.safetensors'), 'not tensors');
  await mkdir(join(host.home, 'empty'));

  await page.getByRole('button', { name: 'Open the sample', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'From model to patched model' })).toBeVisible();
  await page.keyboard.press('n');
  await page.keyboard.press('m');
  await page.getByRole('button', { name: 'Choose a folder…' }).click();
  await pickPath(page, join(host.home, 'empty'));
  const dialog = page.getByRole('dialog', { name: /^Choose/u });
  await expect(dialog.getByRole('button', { name: 'Choose', exact: true })).toBeDisabled();
  await pickPath(page, '/etc');
  await expect(dialog.getByRole('alert')).toContainText('/etc');
  await lookAt(page, 'file-browser');
  await pickPath(page, broken);
  await dialog.getByRole('button', { name: 'Choose', exact: true }).click();
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByRole('alert')).toContainText('config.json');
  await lookAt(page, 'broken-model');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await goTo(page, host, 'models');
  await expect(page.getByRole('main').getByRole('listitem')).toHaveCount(1);
});

test('a damaged project is refused, and the open one stays open', async ({ page, host }) => {
  const damaged = join(host.home, 'damaged');
  await mkdir(damaged);
  await writeFile(
    join(damaged, 'project.sqlite'),
    'This is no database, but long enough to look like one. '.repeat(50),
  );
  await page.keyboard.press('Control+o');
  await pickPath(page, damaged);
  await page.getByRole('dialog').getByRole('button', { name: 'Choose', exact: true }).click();
  await expect(page.getByText(/damaged|not a database/iu).first()).toBeVisible();
  await page.getByRole('button', { name: 'Dismiss' }).first().click();
  await expect(page.getByRole('navigation', { name: 'Views' })).toBeVisible();
});

test('a project of a newer Errata is refused, and left as it is', async ({ page, host }) => {
  const newer = join(host.home, 'newer');
  await cp(join(host.home, 'data/sample/project.sqlite'), join(newer, 'project.sqlite'));
  await inSqlite(join(newer, 'project.sqlite'), "db.pragma('user_version = 99')");
  const before = await readFile(join(newer, 'project.sqlite'));
  await page.keyboard.press('Control+o');
  await pickPath(page, newer);
  await page.getByRole('dialog').getByRole('button', { name: 'Choose', exact: true }).click();
  await expect(page.getByText(/made by a newer Errata \(schema 99/u).first()).toBeVisible();
  await lookAt(page, 'newer-project');
  await page.getByRole('button', { name: 'Dismiss' }).first().click();
  await expect(page.getByRole('navigation', { name: 'Views' })).toBeVisible();
  expect(await readFile(join(newer, 'project.sqlite'))).toEqual(before);
});

test('a project that another process is writing: nothing is lost, and it says who', async ({ page, host }) => {
  await goTo(page, host, 'dictionaries/~new');
  await page.getByText('More settings').first().click();
  await page.getByLabel('Max contexts').fill('200');
  const path = join(host.home, 'data/sample/project.sqlite');
  const other = await inSqlite(path, "db.exec('BEGIN IMMEDIATE'); console.log('locked'); setInterval(() => {}, 1e6)");
  try {
    await page.getByRole('button', { name: 'Capture', exact: true }).click();
    await expect(page.getByRole('alert').filter({ hasText: 'The capture was not started' })).toContainText(
      /being written by another process.*Nothing was changed/u,
    );
    await lookAt(page, 'locked-project');
  } finally {
    other.kill('SIGKILL');
  }
});

test('a full disk stops a capture, which goes on when there is room again', async ({ page, host }) => {
  const port = Number(new URL(host.origin).port);
  await host.kill();
  await host.run(port, 8 << 10);
  await page.getByRole('button', { name: /^sample/u }).click();
  await expect(page.getByRole('heading', { name: 'From model to patched model' })).toBeVisible();
  await goTo(page, host, 'dictionaries/~new');
  await page.getByText('More settings').first().click();
  await page.getByLabel('Max contexts').fill('200');
  await page.getByLabel('Name of the activations').fill('much');
  await page.getByRole('button', { name: 'Capture', exact: true }).click();
  const alert = page.getByRole('main').getByRole('alert').filter({ hasText: 'The capture failed' });
  await expect(alert).toContainText(/disk is full|larger than allowed/u, { timeout: 120_000 });
  // Told once, wherever one looks, as what it is.
  const notice = page.getByRole('status').filter({ hasText: 'Capture much: ' });
  await expect(notice.getByRole('button', { name: 'Dismiss' })).toHaveCount(1);
  await notice.getByText('Details').click();
  await expect(notice.getByText('disk-full')).toBeVisible();
  await lookAt(page, 'disk-full');
  await host.kill();
  await host.run(port);
  await page.getByRole('button', { name: /^sample/u }).click();
  await expect(page.getByRole('heading', { name: 'From model to patched model' })).toBeVisible();
  await page.getByRole('button', { name: 'Jobs', exact: true }).click();
  const jobs = page.getByRole('region', { name: 'Jobs' });
  await jobs.getByRole('button', { name: /^Capture much/u }).click();
  await jobs.getByRole('button', { name: 'Resume' }).click();
  await expect(jobs.getByText('finished', { exact: true }).first()).toBeVisible({ timeout: 120_000 });
  await page.getByRole('button', { name: 'Jobs', exact: true }).click();
});

test('an engine that dies is reported; its run goes on where it was', async ({ page, host }) => {
  await goTo(page, host, 'dictionaries/~new');
  await page.getByLabel('Name of the dictionary').fill('hard');
  await page.getByLabel('Features', { exact: true }).fill('256');
  await page.getByLabel('k', { exact: true }).fill('8');
  await page.getByLabel('Tokens per step').fill('256');
  await page.getByLabel('Steps', { exact: true }).fill(String(STEPS));
  await page.getByRole('button', { name: 'Train', exact: true }).click();
  await trainingGoesOn(page);

  process.kill(await engineOf(host), 'SIGKILL');
  const main = page.getByRole('main');
  await expect(main.getByRole('button', { name: 'Resume' })).toBeVisible();
  await expect(main.getByText(/^(?:failed|interrupted)$/u)).toBeVisible();
  await expect(main.getByRole('alert')).toContainText(/engine/iu);
  await lookAt(page, 'engine-died');
  await main.getByRole('button', { name: 'Resume' }).click();
  await trainingGoesOn(page);
});

test('a host that dies is reported; the page comes back by itself when it is there again', async ({ page, host }) => {
  const port = Number(new URL(host.origin).port);
  await host.kill();
  await expect(page.getByText('Connection lost. Trying again…')).toBeVisible();
  await lookAt(page, 'connection-lost');
  await host.run(port);
  await page.getByRole('button', { name: /^sample/u }).click();
  await expect(page.getByRole('heading', { name: 'From model to patched model' })).toBeVisible();
  await goTo(page, host, 'dictionaries/hard');
  const main = page.getByRole('main');
  await expect(main.getByText('interrupted', { exact: true })).toBeVisible();
  await main.getByRole('button', { name: 'Resume' }).click();
  await trainingGoesOn(page);
  await main.getByRole('button', { name: 'Cancel' }).click();
  await expect(main.getByText('cancelled', { exact: true })).toBeVisible();
});

test('two windows show the same', async ({ page, host }) => {
  const other = await page.context().newPage();
  await goTo(other, host, 'project');
  await expect(other.getByRole('heading', { name: 'From model to patched model' })).toBeVisible();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('close project');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Recent' })).toBeVisible();
  await expect(other.getByRole('heading', { name: 'Recent' })).toBeVisible();
  await lookAt(page, 'recent');
  await other.close();
});

// A model of the Hub's cache in a project, by the commands that people type: opened where it is, pinned to a commit.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { errata } from '../testing/hosts/commandLine.ts';
import { startHubServer } from '../testing/hub/hubServer.ts';
import { cacheRevision, tinyModelFiles } from '../testing/hub/makeCache.ts';

vi.setConfig({ testTimeout: 60_000 });

const COMMIT = 'c'.repeat(40);

let home: string;
let project: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'errata-hub-'));
  project = join(home, 'project');
  vi.stubEnv('HF_HUB_CACHE', join(home, 'hub'));
  await errata(home, ['project', 'new', project]);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(home, { recursive: true, force: true });
});

it('a model of the cache is listed, added in place with its commit, and listed as added', async () => {
  const files = await tinyModelFiles(join(home, 'files'), 'llama');
  const cached = { repository: 'tiny/llama', revision: COMMIT, refs: ['main'], files };
  const folder = await cacheRevision(join(home, 'hub'), cached);
  const before = await errata(project, ['hub', 'list']);
  expect(before.printed).toEqual([
    'tiny/llama',
    expect.stringMatching(/^ {2}c{12} \(main\) {2}llama, 2 files, /u) as string,
  ]);
  const added = await errata(project, ['hub', 'add', 'tiny/llama']);
  const origin = { repository: 'tiny/llama', revision: COMMIT };
  expect(added.result).toMatchObject({ name: 'llama', folder, origin });
  const record: unknown = JSON.parse(await readFile(join(project, 'models/llama/model.json'), 'utf8'));
  expect(record).toMatchObject({ folder, origin });
  const after = await errata(project, ['hub', 'list']);
  expect(after.printed[1]).toContain('added as llama');
  const shown = await errata(project, ['model', 'show', 'llama']);
  expect(shown.printed.join('\n')).toContain(`tiny/llama of the Hub, pinned to ${COMMIT}`);
});

it('a model is downloaded when asked, after its plan, and added from the cache that it is in', async () => {
  const files = await tinyModelFiles(join(home, 'files'), 'gpt2', { shards: 2 });
  const server = await startHubServer({ 'tiny/gpt2': { commit: COMMIT, files, gate: 'login' } });
  try {
    vi.stubEnv('HF_ENDPOINT', server.endpoint);
    await expect(errata(project, ['hub', 'get', 'tiny/gpt2'])).rejects.toMatchObject({ code: 'permission' });
    vi.stubEnv('HF_TOKEN', 'hf_secretTOKEN');
    const planned = await errata(project, ['hub', 'get', 'tiny/gpt2', '--plan']);
    expect(planned.result).toMatchObject({ commit: COMMIT, modelType: 'gpt2' });
    expect((await errata(project, ['hub', 'list'])).result).toMatchObject({ repositories: [] });
    const got = await errata(project, ['hub', 'get', 'tiny/gpt2']);
    expect(got.printed).toContain(`errata hub add tiny/gpt2 --revision ${COMMIT} adds it to the project.`);
    const added = await errata(project, ['hub', 'add', 'tiny/gpt2']);
    expect(added.result).toMatchObject({ modelType: 'gpt2', origin: { revision: COMMIT } });
    const jobs = await errata(project, ['job', 'list']);
    expect(JSON.stringify(jobs.result)).toContain('Download tiny/gpt2');
    for (const file of await readdir(project, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue;
      expect((await readFile(join(file.parentPath, file.name))).includes('hf_secretTOKEN'), file.name).toBe(false);
    }
  } finally {
    await server.stop();
  }
});

it('a name that is not of a repository is refused before anything is read', async () => {
  for (const name of ['../../etc', 'a/b/c', 'org--name', 'a/..', '-x/y'].map((text) => ['hub', 'add', '--', text]))
    await expect(errata(project, name)).rejects.toMatchObject({ code: 'usage' });
});

// What a window is told of a project that other processes have open, too, or that is put away under it.
import { cpSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { errata } from '../../testing/hosts/commandLine.ts';
import { startHost, type StartedHost } from '../../testing/hosts/startHost.ts';
import { startProcess } from '../../testing/storage/otherProcess.ts';
import { DICTIONARY } from '../../testing/storage/temporaryProject.ts';

// Processes are started beside whatever else the machine does.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let started: StartedHost;
let folder: string;

beforeAll(async () => {
  started = await startHost();
  ({ folder } = await started.api.project.create({ name: 'shared' }));
});
afterAll(() => started.stop());

describe('a job of another process', () => {
  it('is that process’s to stop; once it is killed, the window is told, and can resume the job', async () => {
    const { api } = started;
    const other = startProcess(
      folder,
      `const project = await openProject(folder, { host: 'the command line' });
       const { id } = project.jobs.add('train', { name: 'first' });
       project.jobs.move(id, 'running');
       say(id);
       setInterval(() => {}, 1e6);`,
    );
    const id = await new Promise<string>((resolve) => (other.onLine = resolve));
    expect(await api.job.list()).toMatchObject([{ id, state: 'running', canResume: false, canCancel: false }]);
    for (const command of ['resume', 'cancel', 'pause'] as const) {
      await expect(api.job[command]({ id })).rejects.toMatchObject({
        code: 'locked',
        message: expect.stringMatching(/running in the command line \(process \d+/u) as string,
      });
    }
    other.child.kill('SIGKILL');
    await other.ended;
    // Nobody asks: the host looks by itself.
    const told = () => started.events.flatMap((event) => (event.type === 'job' ? [event.job] : []));
    await vi.waitFor(() => expect(told()).not.toEqual([]), { timeout: 10_000 });
    expect(told()).toMatchObject([{ id, state: 'interrupted', canResume: true, canCancel: true }]);
    expect((await api.job.cancel({ id })).state).toBe('cancelled');
  });
});

describe('a project that is open in a window', () => {
  const feature = { dictionary: DICTIONARY, feature: 71 };
  const set = (text: string) => started.api.label.set({ ...feature, patch: { text } });
  const shown = async () => (await started.api.label.get(feature)).label?.text;

  it('is not restored under it: the command says where it is open', async () => {
    await set('seen');
    await started.api.project.backup();
    await expect(errata(folder, ['project', 'restore'])).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringMatching(/open in a test \(process \d+, since/u) as string,
    });
    await set('seen by the next reader, too');
    const { result } = await errata(folder, ['label', 'show', '71', '--dictionary', DICTIONARY]);
    expect(JSON.stringify(result)).toContain('seen by the next reader, too');
  });

  it('answers no more once its database was replaced, says so unasked, and works again when it is opened again', async () => {
    const { api, events } = started;
    await set('before');
    const path = join(folder, 'project.sqlite');
    cpSync(path, `${path}.new`);
    renameSync(`${path}.new`, path);
    const refused = { code: 'conflict', message: expect.stringMatching(/replaced while it was open/u) as string };
    await expect(set('after')).rejects.toMatchObject(refused);
    await expect(shown()).rejects.toMatchObject(refused);
    const notices = () => events.filter((event) => event.type === 'notice');
    await vi.waitFor(() => expect(notices()).not.toEqual([]), { timeout: 10_000 });
    expect(notices()).toMatchObject([{ level: 'error', ...refused }]);

    const [recent] = await api.project.recent();
    expect((await api.project.open({ location: recent?.location ?? '' })).folder).toBe(folder);
    await set('after');
    expect(await shown()).toBe('after');
    await api.project.close();
    const { result } = await errata(folder, ['label', 'show', '71', '--dictionary', DICTIONARY]);
    expect(JSON.stringify(result)).toContain('after');
  });
});

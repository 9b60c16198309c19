// What a window is told of a project that other processes have open, too, or that is put away under it.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startHost, type StartedHost } from '../../testing/hosts/startHost.ts';
import { startProcess } from '../../testing/storage/otherProcess.ts';

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

// Who has a project open, and whose job it is: told apart also when a process died without a word, its process id was given
// to another, or it ran elsewhere.
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startProcess, type OtherProcess } from '../../testing/storage/otherProcess.ts';
import { temporaryFolder } from '../../testing/storage/temporaryProject.ts';
import { Database } from '../database.ts';
import { createProject } from './create.ts';
import { DATABASE_FILE } from './layout.ts';
import { openProject } from './open.ts';
import { isRunning, thisProcess } from '../../core/files/processIdentity.ts';
import type { Project } from './project.ts';

// Processes are started beside whatever else the machine does.
vi.setConfig({ testTimeout: 60_000 });

let folder: string;
let remove: () => void;
let window: Project;
let now: Date;
beforeEach(async () => {
  const temporary = temporaryFolder();
  remove = temporary.remove;
  folder = join(temporary.folder, 'project');
  now = new Date('2026-01-01T00:00:00Z');
  window = await createProject(folder, { host: 'the web host', now: () => now });
});
afterEach(() => {
  window.close();
  remove();
});

/** A process that runs a job until it is killed. @returns the job's id with it. */
async function runElsewhere(): Promise<{ id: string; other: OtherProcess }> {
  const other = startProcess(
    folder,
    `const project = await openProject(folder, { host: 'the command line' });
     const { id } = project.jobs.add('train', { name: 'first' });
     project.jobs.move(id, 'running');
     say(id);
     setInterval(() => {}, 1e6);`,
  );
  const id = await new Promise<string>((resolve) => (other.onLine = resolve));
  return { id, other };
}

/** Lists a process among the holders, with a job that it runs, as it would have done itself. */
function enlist(identity: Partial<ReturnType<typeof thisProcess>>, seen = now.toISOString()): string {
  const { pid, machine, started, boot, namespace } = { ...thisProcess(), ...identity };
  const { id } = window.jobs.add('train', { name: 'forged' });
  const database = new Database(join(folder, DATABASE_FILE));
  database.write(() => {
    database
      .query<[string, number, ...string[]]>(
        `INSERT INTO holders (id, pid, machine, started, boot, namespace, host, since, seen)
         VALUES (?, ?, ?, ?, ?, ?, 'the command line', ?, ?)`,
      )
      .run('other', pid, machine, started, boot, namespace, seen, seen);
    database.query<[string]>(`UPDATE jobs SET state = 'running', owner = 'other' WHERE id = ?`).run(id);
  });
  database.close();
  return id;
}

describe('a job', () => {
  it('of a killed process is interrupted, and goes on, while other processes have the project open', async () => {
    const third = await openProject(folder, { host: 'the desktop app' });
    const { id, other } = await runElsewhere();
    expect(window.jobs.interruptOrphans()).toEqual([]);
    expect(window.jobs.holderOf(id)).toMatch(/^the command line \(process \d+, since .*\)$/u);
    expect(() => window.jobs.move(id, 'cancelled')).toThrow(expect.objectContaining({ code: 'locked' }));
    expect(() => window.jobs.move(id, 'interrupted')).toThrow(/running in the command line \(process/u);

    other.child.kill('SIGKILL');
    await other.ended;
    expect(window.jobs.interruptOrphans()).toMatchObject([{ id, state: 'interrupted' }]);
    expect(third.jobs.get(id).state).toBe('interrupted');
    third.jobs.move(id, 'running');
    expect(window.jobs.interruptOrphans()).toEqual([]);
    expect(window.jobs.holderOf(id)).toMatch(/^the desktop app/u);
    expect(third.jobs.holderOf(id)).toBeNull();
    expect(third.jobs.move(id, 'succeeded').state).toBe('succeeded');
    third.close();
  });

  it('that is paused stays so while its process is there, and is interrupted after', async () => {
    const third = await openProject(folder, { host: 'the desktop app' });
    const { id } = third.jobs.add('train', {});
    third.jobs.move(id, 'running');
    third.jobs.move(id, 'paused');
    expect(window.jobs.interruptOrphans()).toEqual([]);
    third.close();
    expect(window.jobs.interruptOrphans()).toMatchObject([{ id, state: 'interrupted' }]);
  });

  it('is interrupted when another process has the id of the one that ran it', () => {
    const id = enlist({ pid: process.ppid, started: '1' });
    expect(window.otherHolders()).toEqual(process.platform === 'linux' ? [] : [expect.anything()]);
    if (process.platform === 'linux') expect(window.jobs.interruptOrphans()).toMatchObject([{ id }]);
  });

  it('is interrupted when the machine was restarted since', () => {
    const id = enlist({ boot: 'another' });
    expect(window.otherHolders()).toEqual([]);
    expect(window.jobs.interruptOrphans()).toMatchObject([{ id }]);
  });

  it.each([
    ['on another machine', { machine: 'elsewhere' }],
    ['in another container', { namespace: 'pid:[7]' }],
  ])('of a process %s is left to it as long as that says that it is there', (_, identity) => {
    const id = enlist({ ...identity, pid: 2 ** 30 });
    expect(window.otherHolders()).toHaveLength(1);
    now = new Date(now.getTime() + 4 * 60_000);
    expect(window.jobs.interruptOrphans()).toEqual([]);
    now = new Date(now.getTime() + 2 * 60_000);
    expect(window.jobs.interruptOrphans()).toMatchObject([{ id }]);
    expect(window.otherHolders()).toEqual([]);
  });
});

describe('a process that has the project open', () => {
  it('says every minute that it is there', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const other = await openProject(folder, { now: () => now, backups: false });
      const before = window.dataVersion();
      now = new Date(now.getTime() + 60_000);
      vi.advanceTimersByTime(60_000);
      expect(window.dataVersion()).not.toBe(before);
      const database = new Database(join(folder, DATABASE_FILE), { readOnly: true });
      const seen = database.query<[], { seen: string }>('SELECT seen FROM holders ORDER BY seen').all();
      expect(seen.at(-1)?.seen).toBe(now.toISOString());
      database.close();
      other.close();
      const after = window.dataVersion();
      vi.advanceTimersByTime(600_000);
      expect(window.dataVersion()).toBe(after);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is known again by more than its process id', () => {
    const here = thisProcess();
    expect(here).toMatchObject({ pid: process.pid, machine: hostname() });
    expect(isRunning(here)).toBe(true);
    expect(isRunning({ ...here, pid: 2 ** 30 })).toBe(false);
    expect(isRunning({ ...here, machine: 'elsewhere' })).toBeNull();
    if (process.platform === 'linux') expect(here.started).toMatch(/^\d+$/u);
  });
});

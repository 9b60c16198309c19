// A web host that is attacked, with a page signed in at it; and the built command line as a process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Api } from '../../main/contract/api/contract.ts';
import type { Job } from '../../main/contract/domain/job.ts';
import { BEGUN_JOBS } from '../../main/testing/hosts/begunJobs.ts';
import { openPage, signIn } from '../../main/testing/hosts/webPage.ts';
import { root, WebHost } from '../window/webHost.ts';

/** The name under which every job makes what it makes. */
const MADE = 'made';
export const inProject = (folder: string) => ['--project', folder];
export const wordsOf = (kind: string, folder: string) => [
  ...(BEGUN_JOBS[kind]?.words(MADE, folder) ?? []),
  ...[...inProject(folder), '--device', 'cpu'],
];

const OVER: readonly Job['state'][] = ['succeeded', 'failed', 'cancelled', 'interrupted'];
const PATIENCE_MS = 180_000;

export const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export interface Target {
  readonly host: WebHost;
  readonly api: Api;
  /** @throws AppError as the host refuses it. */
  begin(kind: string): Promise<Job>;
  /** Resolves when the job no longer runs or waits. */
  ended(id: string): Promise<Job>;
  /** The engine, once there is one. */
  engine(): Promise<number>;
  /** Ends the host as a crash does, and waits for its engine to end, too. @throws Error for one that does not. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** @param largestFileKib the disk has no more room for one file. @throws Error when the host does not start. */
export async function startTarget(project: string, largestFileKib?: number): Promise<Target> {
  const host = await WebHost.start(async () => project, largestFileKib);
  const { api, close } = openPage(await signIn(host.launchUrl), [50]);
  await api.app.changeSettings({ device: 'cpu', author: 'Ada' }).catch(() => undefined); // a full disk
  let isStopped = false;
  return {
    host,
    api,
    begin: async (kind) => {
      const row = BEGUN_JOBS[kind];
      if (!row) throw new Error(`There is no row for the kind ${kind}.`);
      return row.call(api, MADE);
    },
    ended: async (id) => {
      const end = performance.now() + PATIENCE_MS;
      for (;;) {
        const job = await api.job.get({ id });
        if (OVER.includes(job.state)) return job;
        if (performance.now() > end)
          throw new Error(`The job ${job.title} does not end: ${JSON.stringify(job.progress)}`);
        await later(30);
      }
    },
    engine: async () => {
      for (;;) {
        const [engine] = await host.children();
        if (engine !== undefined) return engine;
        await later(10);
      }
    },
    kill: async () => {
      const children = await host.children();
      await host.kill();
      close();
      await gone(children);
    },
    stop: async () => {
      if (isStopped) return;
      isStopped = true;
      close();
      await host.stop();
    },
  };
}

/** Resolves when none of the processes is there any more. @throws Error when one computes on. */
async function gone(processes: readonly number[]): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  for (const id of processes) {
    while (isAlive(id)) {
      if (performance.now() > end) throw new Error(`The engine ${id} computes on after its host was killed.`);
      await later(20);
    }
  }
}

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch {
    return false;
  }
}

export interface Ran {
  readonly code: number | null;
  readonly isKilled: boolean;
  /** What --json printed last. */
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly said: string;
}

/** Runs a command of the built program. @param killAfter milliseconds until it is killed, if it still runs. */
export async function command(words: readonly string[], killAfter?: number): Promise<Ran> {
  const child = spawn(process.execPath, [join(root, 'out/main/cli.js'), ...words, '--json'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  const last = out.trimEnd().split('\n').at(-1) ?? '';
  const result = last.startsWith('{') ? (JSON.parse(last) as Record<string, unknown>) : null;
  return { code, isKilled: signal !== null, result, said: `${out}${err}` };
}

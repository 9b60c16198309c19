// A whole host in a test: real engine, real files, a page connected to it over a channel in memory.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from '../../contract/rpc/client.ts';
import { contract, type Api } from '../../contract/api/contract.ts';
import { jsonChannel, type Channel, type TextChannel } from '../../contract/rpc/channel.ts';
import type { HostEvent } from '../../contract/api/events.ts';
import type { Job } from '../../contract/domain/job.ts';
import { forkLauncher, type EngineProcess } from '../../engine/launcher.ts';
import { createHost, type Host } from '../../hosts/api/createHost.ts';
import { storageThread } from '../../storage/storageWork.ts';
import { BrowsedFiles } from '../../hosts/api/places.ts';

const root = join(import.meta.dirname, '../../..');

export interface StartedHost {
  readonly host: Host;
  readonly api: Api;
  /** What the page's `events.watch` brought so far. */
  readonly events: HostEvent[];
  /** Everything of the test lies here; it may be browsed. */
  readonly folder: string;
  /** Ends the engine as a crash would. */
  readonly killEngine: () => void;
  /** Resolves with the job once it is in one of the states. */
  readonly until: (id: string, ...states: readonly Job['state'][]) => Promise<Job>;
  readonly stop: () => Promise<void>;
}

/** @param folder of an earlier start, to start again on. */
export async function startHost(folder?: string): Promise<StartedHost> {
  const own = folder ?? (await mkdtemp(join(tmpdir(), 'errata-host-')));
  const processes: EngineProcess[] = [];
  const launch = forkLauncher(join(root, 'main/engine/index.ts'));
  const host = await createHost({
    kind: 'web',
    name: 'a test',
    version: '0.0.0',
    dataFolder: join(own, 'data'),
    sampleFolder: join(root, 'resources/sample'),
    thread: storageThread(join(root, 'main/storage/storageThread.ts')),
    launch: () => {
      const process = launch();
      processes.push(process);
      return process;
    },
    files: (locations) => new BrowsedFiles([own], locations),
  });
  await host.context.settings.change({ device: 'cpu', author: 'Ada' });
  host.context.computing.request('cpu');
  const { api, close } = createConnection(contract, async () => {
    const { page, host: end } = memoryChannel();
    host.served.serve(end);
    return page;
  });
  const events: HostEvent[] = [];
  const watching = new AbortController();
  api.events.watch({}, { signal: watching.signal, onChunk: (event) => events.push(event) }).catch(() => undefined);

  return {
    host,
    api,
    events,
    folder: own,
    killEngine: () => processes.at(-1)?.kill(),
    until: (id, ...states) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`The job is not ${states.join(' or ')}.`)), 200_000);
        const look = (job: Job) => {
          if (job.id !== id || !states.includes(job.state)) return;
          clearTimeout(timer);
          end();
          resolve(job);
        };
        const end = host.context.events.subscribe((event) => {
          if (event.type === 'job') look(event.job);
        });
        const now = host.context.session().job(id);
        if (!now.isStopping) look(now);
      }),
    stop: async () => {
      watching.abort();
      close();
      await host.stop();
      if (folder === undefined) await rm(own, { recursive: true, force: true });
    },
  };
}

function memoryChannel(): { page: Channel; host: Channel } {
  const listeners = { page: [] as ((text: string) => void)[], host: [] as ((text: string) => void)[] };
  const closes: (() => void)[] = [];
  const end = (own: 'page' | 'host', other: 'page' | 'host'): TextChannel => ({
    send: (text) => queueMicrotask(() => listeners[other].forEach((listener) => listener(text))),
    onText: (listener) => listeners[own].push(listener),
    onClose: (listener) => closes.push(listener),
    close: () => closes.splice(0).forEach((listener) => listener()),
  });
  return { page: jsonChannel(end('page', 'host')), host: jsonChannel(end('host', 'page')) };
}

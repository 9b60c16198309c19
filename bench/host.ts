// The host with windows: how soon it answers after its start, and how long its event loop is ever blocked while the engine
// captures and trains and a page watches, lists and writes. `npm run build` first; arguments: none.
//   start       milliseconds from spawning the built web host to its address, to its page, to its first answer to a call
//   eventLoop   delays of a 1 ms timer in the host's process, in milliseconds, while jobs run; the page is another process.
//               ownMaxMs leaves out the time in which other processes had the cores; idle is a process beside it that does
//               nothing but run such a timer: what the machine itself costs
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Api } from '../main/contract/api/contract.ts';
import { AppError } from '../main/contract/base/errors.ts';
import { forkLauncher } from '../main/engine/launcher.ts';
import { createHost } from '../main/hosts/api/createHost.ts';
import { storageThread } from '../main/storage/storageWork.ts';
import { BrowsedFiles } from '../main/hosts/api/places.ts';
import { loadPages } from '../main/hosts/pages.ts';
import { serveWeb } from '../main/hosts/web/server.ts';
import { openPage, signIn } from '../main/testing/hosts/webPage.ts';
import { watchLoop } from './loopWatch.ts';

const root = join(import.meta.dirname, '..');
const STARTS = 5;
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

export async function run({ args }: { readonly args: readonly string[] }): Promise<Record<string, unknown>> {
  if (args[0] === 'page') return page(args[1] ?? '');
  if (args[0] === 'idle') return idle();
  const folder = await mkdtemp(join(tmpdir(), 'errata-bench-host-'));
  try {
    const starts = [];
    for (let i = 0; i < STARTS; i++) starts.push(await start(folder));
    return {
      start: {
        addressMs: median(starts.map(({ addressMs }) => addressMs)),
        pageMs: median(starts.map(({ pageMs }) => pageMs)),
        firstAnswerMs: median(starts.map(({ firstAnswerMs }) => firstAnswerMs)),
      },
      eventLoop: await eventLoop(folder),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function start(folder: string) {
  const startedAt = performance.now();
  const elapsed = () => Math.round(performance.now() - startedAt);
  const host = spawn(process.execPath, [join(root, 'out/main/web.js')], {
    env: { ...process.env, ERRATA_HOME: join(folder, 'home') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let printed = '';
    host.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
    while (!printed.includes('?token=')) await once(host.stdout, 'data');
    const addressMs = elapsed();
    const url = /http\S+/u.exec(printed)?.[0] ?? '';
    const signedIn = await signIn(url);
    const { origin, cookie } = signedIn;
    const index = await fetch(origin, { headers: { cookie } });
    await index.text();
    const pageMs = elapsed();
    const { api, close } = openPage(signedIn);
    await api.project.current();
    const firstAnswerMs = elapsed();
    close();
    return { addressMs, pageMs, firstAnswerMs };
  } finally {
    host.kill();
    await once(host, 'exit');
  }
}

async function eventLoop(folder: string): Promise<Record<string, unknown>> {
  const host = await createHost({
    kind: 'web',
    name: 'the benchmark',
    version: '0',
    dataFolder: join(folder, 'data'),
    sampleFolder: join(root, 'resources/sample'),
    thread: storageThread(join(root, 'out/main/storage.js')),
    launch: forkLauncher(join(root, 'out/main/engine.js')),
    files: (locations) => new BrowsedFiles([], locations),
  });
  const server = await serveWeb({
    answer: await loadPages(join(root, 'out/renderer'), { kind: 'web', version: '0' }),
    served: host.served,
    secret: 'bench',
    port: 0,
  });
  const idling = beside(['idle']);
  const visiting = beside(['page', server.launchUrl()]);
  await idling.begun;
  await visiting.begun; // opening the project is before that
  const end = watchLoop();
  const page = await visiting.result();
  const delays = end();
  idling.process.stdin.end();
  const idle = await idling.result();
  await server.close();
  await host.stop();
  return { ...delays, idle, ...page };
}

/** Another process of this benchmark; it says when it begins, and ends with its result. */
function beside(words: readonly string[]) {
  const child = spawn(process.execPath, [join(root, 'bench/index.ts'), 'host', ...words, '--json'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
    if (printed.includes('begin\n')) resolve();
  });
  const ended = once(child, 'exit');
  return {
    process: child,
    begun,
    result: async () => {
      const [code] = (await ended) as [number | null];
      if (code !== 0) throw new AppError('internal', `bench host ${words[0] ?? ''} failed.`);
      return JSON.parse(printed.trim().split('\n').at(-1) ?? '{}') as Record<string, unknown>;
    },
  };
}

/** Until its standard input ends. */
async function idle(): Promise<Record<string, unknown>> {
  const end = watchLoop();
  console.log('begin');
  await once(process.stdin.resume(), 'end');
  return { ...end() };
}

/** What a person at a page does while jobs run. */
async function page(url: string): Promise<Record<string, unknown>> {
  const { api, close } = openPage(await signIn(url));
  await api.app.changeSettings({ device: 'cpu' });
  await api.project.openSample();
  const done = jobsEnd(api);
  await done.ready;
  console.log('begin');
  const capture = await api.activations.capture({
    model: 'sample',
    corpus: { from: 'project', name: 'corpus.jsonl' },
    sites: ['blocks.2.hook_resid_post'],
    name: 'bench',
    contextLength: 64,
    maxContexts: 400,
  });
  await done.of(capture.id);
  const job = await api.dictionary.train({
    name: 'bench',
    activations: 'bench',
    architecture: 'topk',
    size: 1024,
    k: 16,
    batchSize: 512,
    steps: 400,
  });
  await Promise.all([api.project.check({}), api.project.backup({})]);
  let isOver = false;
  const over = done.of(job.id).then(() => (isOver = true));
  const dictionary = 'a'.repeat(64);
  const waits: number[] = [];
  for (let feature = 0; !isOver; feature++) {
    const at = performance.now();
    await Promise.all([
      api.label.set({ dictionary, feature, patch: { text: `feature ${feature}`, tags: ['bench'] } }),
      api.dictionary.list(),
      api.dictionary.curves({ name: 'bench' }),
      api.job.list(),
      api.label.search({ query: 'feat' }),
    ]);
    waits.push(performance.now() - at);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await over;
  close();
  const events = done.count();
  return {
    events,
    rounds: waits.length,
    roundMedianMs: Math.round(median(waits)),
    roundMaxMs: Math.round(Math.max(...waits)),
  };
}

function jobsEnd(api: Api) {
  let count = 0;
  const ends = new Map<string, () => void>();
  const ended = new Set<string>();
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  void api.events
    .watch(
      {},
      {
        onChunk: (event) => {
          count++;
          if (event.type === 'ready') resolve();
          if (event.type !== 'job' || ['queued', 'running'].includes(event.job.state)) return;
          ended.add(event.job.id);
          ends.get(event.job.id)?.();
        },
      },
    )
    .catch(() => undefined); // it ends with the connection
  return {
    ready,
    count: () => count,
    of: (id: string) => new Promise<void>((end) => (ended.has(id) ? end() : ends.set(id, end))),
  };
}

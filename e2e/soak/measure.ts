// What a long-lived host and page hold, read where the system and the two engines of JavaScript tell it.
import type { Page } from '@playwright/test';
import { readdir, readFile } from 'node:fs/promises';
import type { WebHost } from '../window/webHost.ts';

/** Memory in MiB. */
export interface Reading {
  readonly minute: number;
  readonly hostRss: number;
  readonly hostHeap: number;
  readonly hostFiles: number;
  readonly engineRss: number;
  readonly engineFiles: number;
  readonly pageHeap: number;
  readonly pageNodes: number;
  readonly pageListeners: number;
}

interface Heap {
  /** Collects garbage, and returns the size of the heap in MiB. */
  size(): Promise<number>;
  close(): void;
}

interface Answer {
  readonly id?: number;
  readonly result?: { readonly result?: { readonly value?: unknown } };
}

const MIB = 1 << 20;

/** @param said by a host that was started with --inspect: its first line has the address of its inspector. */
export async function watchHeap(said: string): Promise<Heap> {
  const address = /ws:\/\/\S+/u.exec(said)?.[0];
  if (address === undefined) throw new Error(`The host has no inspector: ${said}`);
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', () => reject(new Error('The inspector does not answer.')));
  });
  let id = 0;
  const ask = (method: string, params: object = {}) =>
    new Promise<Answer>((resolve) => {
      const own = ++id;
      const listen = ({ data }: MessageEvent) => {
        const answer = JSON.parse(String(data)) as Answer; // of V8's own inspector
        if (answer.id !== own) return;
        socket.removeEventListener('message', listen);
        resolve(answer);
      };
      socket.addEventListener('message', listen);
      socket.send(JSON.stringify({ id: own, method, params }));
    });
  return {
    size: async () => {
      await ask('HeapProfiler.collectGarbage');
      const expression = 'process.memoryUsage().heapUsed + process.memoryUsage().external';
      const { result } = await ask('Runtime.evaluate', { expression, returnByValue: true });
      return Number(result?.result?.value) / MIB;
    },
    close: () => socket.close(),
  };
}

export async function measure(host: WebHost, heap: Heap, page: Page, minute: number): Promise<Reading> {
  const hostHeap = await heap.size();
  const [engine = 0] = await host.children();
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  await session.send('Performance.enable');
  const { metrics } = await session.send('Performance.getMetrics');
  await session.detach();
  const of = (name: string) => metrics.find((each) => each.name === name)?.value ?? NaN;
  return {
    minute: round(minute),
    hostRss: await rssOf(host.pid),
    hostHeap: round(hostHeap),
    hostFiles: await filesOf(host.pid),
    engineRss: await rssOf(engine),
    engineFiles: await filesOf(engine),
    pageHeap: round(of('JSHeapUsedSize') / MIB),
    pageNodes: of('Nodes'),
    pageListeners: of('JSEventListeners'),
  };
}

/** What may grow before it counts as a leak: a share of it, and so much in any case. */
const LEEWAY: Readonly<Record<Exclude<keyof Reading, 'minute'>, { readonly share: number; readonly least: number }>> = {
  hostRss: { share: 0.15, least: 30 },
  hostHeap: { share: 0.15, least: 5 },
  hostFiles: { share: 0, least: 6 },
  engineRss: { share: 0.15, least: 60 },
  engineFiles: { share: 0, least: 6 },
  pageHeap: { share: 0.2, least: 5 },
  pageNodes: { share: 0.25, least: 3000 },
  pageListeners: { share: 0.25, least: 300 },
};

/** The medians of the first and the last third of the readings, and if they are the same within the leeway. */
export function grown(readings: readonly Reading[]) {
  const third = Math.max(1, Math.floor(readings.length / 3));
  const verdict = ([name, { share, least }]: [string, { share: number; least: number }]) => {
    const values = readings.map((reading) => reading[name as keyof Reading]);
    const [first, last] = [median(values.slice(0, third)), median(values.slice(-third))];
    return [name, { first, last, isFlat: last - first <= Math.max(least, share * first) }] as const;
  };
  return Object.fromEntries(Object.entries(LEEWAY).map(verdict));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

async function rssOf(id: number): Promise<number> {
  const status = await readFile(`/proc/${id}/status`, 'utf8').catch(() => '');
  return Math.round(Number(/VmRSS:\s+(\d+)/u.exec(status)?.[1] ?? NaN) / 1024);
}

async function filesOf(id: number): Promise<number> {
  return (await readdir(`/proc/${id}/fd`).catch(() => [])).length;
}

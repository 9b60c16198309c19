// How long a process's event loop was kept from a timer that wants to run every millisecond, and what kept it: its own work
// (computing, or waiting for the disk in a synchronous call), or other processes that had the cores. Linux tells for every
// thread how long it was ready to run and had to wait (/proc/self/schedstat, scheduler statistics of the kernel's
// documentation); the rest of a delay is the process's own.
import { closeSync, openSync, readSync } from 'node:fs';

const INTERVAL_MS = 1;

interface LoopDelays {
  readonly ticks: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  /** The longest delay, whoever caused it. */
  readonly maxMs: number;
  /** The longest delay without the time in which the thread waited for a core; null where the system does not tell. */
  readonly ownMaxMs: number | null;
}

/** @returns a function that ends it. */
export function watchLoop(): () => LoopDelays {
  const waited = waitedForCore();
  const delays: number[] = [];
  let ownMax = 0;
  let at = performance.now();
  let waitedBefore = waited?.() ?? 0;
  let timer = setTimeout(tick, INTERVAL_MS);
  function tick(): void {
    const now = performance.now();
    const delay = Math.max(0, now - at - INTERVAL_MS);
    const waitedNow = waited?.() ?? 0;
    const own = Math.max(0, delay - (waitedNow - waitedBefore));
    delays.push(delay);
    ownMax = Math.max(ownMax, own);
    waitedBefore = waitedNow;
    at = performance.now();
    timer = setTimeout(tick, INTERVAL_MS);
  }
  return () => {
    clearTimeout(timer);
    const sorted = delays.toSorted((a, b) => a - b);
    const round = (ms: number) => Math.round(ms * 100) / 100;
    const at = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN);
    return {
      ticks: sorted.length,
      medianMs: at(0.5),
      p99Ms: at(0.99),
      maxMs: at(1),
      ownMaxMs: waited ? round(ownMax) : null,
    };
  };
}

/** Milliseconds that the main thread has waited for a core since it began; null where the system does not tell. */
function waitedForCore(): (() => number) | null {
  let file: number;
  try {
    file = openSync('/proc/self/schedstat', 'r');
  } catch {
    return null;
  }
  const buffer = Buffer.alloc(128);
  process.once('exit', () => closeSync(file));
  return () => {
    const length = readSync(file, buffer, 0, buffer.length, 0);
    // Nanoseconds on a core, nanoseconds waiting for one, number of times.
    const [, nanoseconds = ''] = buffer.toString('latin1', 0, length).split(' ');
    return Number(nanoseconds) / 1e6;
  };
}

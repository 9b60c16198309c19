// Turns a computation's Work reports into Progress: rate, remaining time, at most ten reports per second. Reports come in
// bursts (the engine's thread is busy between them), so the rate is taken over a window of the last seconds, not smoothed
// from one report to the next.
import type { OnWork, Progress, Work } from '../contract/base/progress.ts';
import { wholeFraction, wholeRemaining, type Part } from './wholeProgress.ts';

const SHORTEST_INTERVAL_MS = 100;
const RATE_WINDOW_MS = 10_000;
const SAMPLE_INTERVAL_MS = 50;

export interface ProgressMeter {
  readonly onWork: OnWork;
  /** Emits the last report if it was held back: call it when the work ends, so that the end is seen. */
  flush(): void;
}

/**
 * @param now milliseconds of a clock that never goes back.
 * @param parts of a task with several stages: fraction and remaining time are then of the whole task.
 */
export function createProgressMeter(
  emit: (progress: Progress) => void,
  now: () => number = () => performance.now(),
  parts: readonly Part[] = [],
): ProgressMeter {
  const startedAt = now();
  let whole = 0;
  let stage: string | undefined;
  let samples: { at: number; done: number }[] = [];
  let lastEmit = -Infinity;
  let held: Progress | undefined;

  function measure(work: Work, at: number): Progress {
    if (work.stage !== stage || work.done < (samples.at(-1)?.done ?? 0)) samples = []; // a new count begins
    stage = work.stage;
    const last = samples.at(-1);
    if (!last || at - last.at >= SAMPLE_INTERVAL_MS) samples.push({ at, done: work.done });
    // The newest sample older than the window stays: it is where the window begins.
    while (samples.length > 2 && at - (samples[1]?.at ?? at) >= RATE_WINDOW_MS) samples.shift();
    const first = samples[0] ?? { at, done: work.done };
    const seconds = (at - first.at) / 1000;
    const perSecond = seconds > 0 && work.done > first.done ? (work.done - first.done) / seconds : null;
    if (parts.length > 0) {
      // A stage that repeats does not take the task back.
      whole = Math.max(whole, wholeFraction(parts, work) ?? 0);
      const remainingSeconds = wholeRemaining(whole, (at - startedAt) / 1000);
      return { ...work, fraction: whole, perSecond, remainingSeconds };
    }
    return {
      ...work,
      fraction: work.total === null ? null : work.total === 0 ? 1 : Math.min(1, work.done / work.total),
      perSecond,
      remainingSeconds:
        work.total === null || perSecond === null ? null : Math.max(0, work.total - work.done) / perSecond,
    };
  }

  function show(progress: Progress, at: number): void {
    lastEmit = at;
    held = undefined;
    emit(progress);
  }

  return {
    onWork: (work) => {
      const at = now();
      const progress = measure(work, at);
      if (at - lastEmit >= SHORTEST_INTERVAL_MS) show(progress, at);
      else held = progress;
    },
    flush: () => {
      if (held) show(held, now());
    },
  };
}

// What people see of a command: lines on standard output, progress and errors on standard error. Text that comes from
// models and files is shown without control characters: it must not steer the terminal.
import type { Progress } from '../../contract/base/progress.ts';
import type { ProgressUpdate } from './command.ts';

/** Every control character but newline and tab becomes visible and harmless. */
export function harmless(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are the very subject
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '�');
}

/** '3 s', '12 min 05 s', '3 h 07 min' */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

const counts = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const fewDigits = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });

/** A rate with its unit: '37,412 tokens/s', '0.8 steps/s'. */
export function formatRate(perSecond: number, unit: string): string {
  return `${perSecond >= 100 ? counts.format(perSecond) : fewDigits.format(perSecond)} ${unit}/s`;
}

export function updateOf({
  stage,
  figures = {},
  fraction,
  perSecond,
  unit,
  remainingSeconds,
}: Progress): ProgressUpdate {
  const shown = Object.entries(figures).map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`);
  return {
    fraction,
    message: [stage, ...shown].join(' · '),
    ...(perSecond === null ? {} : { rate: formatRate(perSecond, unit) }),
    remainingSeconds,
  };
}

/** 'Capturing · 41% · 37,412 tokens/s · 12 s left' */
export function describeProgress({ fraction, message, rate, remainingSeconds }: ProgressUpdate): string {
  return [
    message,
    ...(fraction === null ? [] : [`${Math.floor(fraction * 100)}%`]),
    ...(rate === undefined ? [] : [rate]),
    ...(remainingSeconds == null ? [] : [`${formatDuration(remainingSeconds)} left`]),
  ].join(' · ');
}

const BAR_WIDTH = 24;
const PLAIN_INTERVAL_MS = 10_000;

export interface ProgressDisplay {
  show(update: ProgressUpdate): void;
  /** Takes the bar away, so that a line can be written; the next update draws it again. */
  clear(): void;
}

export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** A bar that is redrawn in place on a terminal; elsewhere a line now and then, which a log file can hold. */
export function createProgressDisplay(
  stream: ProgressStream,
  now: () => number = () => performance.now(),
): ProgressDisplay {
  if (stream.isTTY === true) {
    let isDrawn = false;
    const clear = () => {
      if (isDrawn) stream.write('\r\u001b[K');
      isDrawn = false;
    };
    const show = (update: ProgressUpdate) => {
      const filled = Math.round((update.fraction ?? 0) * BAR_WIDTH);
      const bar = update.fraction === null ? '' : `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} `;
      const line = bar + harmless(describeProgress(update)).replaceAll('\n', ' ');
      stream.write(`\r\u001b[K${[...line].slice(0, (stream.columns ?? 80) - 1).join('')}`);
      isDrawn = true;
    };
    return { show, clear };
  }
  let lastAt = -Infinity;
  let lastStage = '';
  return {
    show: (update) => {
      const stage = update.message.split(' · ')[0] ?? '';
      if (stage === lastStage && now() - lastAt < PLAIN_INTERVAL_MS) return;
      lastAt = now();
      lastStage = stage;
      stream.write(`${harmless(describeProgress(update)).replaceAll('\n', ' ')}\n`);
    },
    clear: () => undefined,
  };
}

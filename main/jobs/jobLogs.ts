// What jobs said, line by line: in memory for the windows that are open, and in logs/<job>.log of the project for later and
// for the other face of the program.
import { appendFile, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { toAppError } from '../contract/base/errors.ts';
import type { JobState } from '../contract/domain/job.ts';

export const JOB_STARTED = 'Started.';
export const JOB_FINISHED = 'Finished.';

/** The last line of a job that did not succeed. */
export function stopLine(thrown: unknown, state: JobState): string {
  const { code, message } = toAppError(thrown);
  return code === 'cancelled' ? `Stopped: ${state}.` : message;
}

export interface LogLine {
  readonly number: number;
  readonly time: string;
  readonly text: string;
}

const MOST_LINES = 2000;
const LONGEST_LINE = 2000;
/** Of a file from an earlier session. */
const READ_BYTES = 256 * 1024;

interface Log {
  lines: LogLine[];
  last: number;
  /** Writes one after another. */
  writing: Promise<void>;
}

export class JobLogs {
  readonly #folder: string;
  readonly #logs = new Map<string, Log>();

  /** @param project the project's folder. */
  constructor(project: string) {
    this.#folder = join(project, 'logs');
  }

  pathOf(id: string): string {
    return join(this.#folder, `${id}.log`);
  }

  add(id: string, text: string): LogLine {
    const log = this.#logs.get(id) ?? { lines: [], last: 0, writing: Promise.resolve() };
    this.#logs.set(id, log);
    const line = { number: ++log.last, time: new Date().toISOString(), text: text.slice(0, LONGEST_LINE) };
    log.lines.push(line);
    if (log.lines.length > MOST_LINES) log.lines.shift();
    // A log that cannot be written (a full disk) must not stop the job: the windows have it.
    log.writing = log.writing
      .then(() => mkdir(this.#folder, { recursive: true, mode: 0o700 })) // logs quote prompts and texts
      .then(() => appendFile(this.pathOf(id), `${line.time} ${line.text.replaceAll('\n', '\n  ')}\n`, { mode: 0o600 }))
      .catch(() => undefined);
    return line;
  }

  /** Lines with a greater number than `after`; those of an earlier session where this one has none. */
  async read(id: string, after = 0): Promise<readonly LogLine[]> {
    const log = this.#logs.get(id);
    if (log) return log.lines.filter(({ number }) => number > after);
    return after > 0 ? [] : this.#readFile(id);
  }

  /** Resolves when everything said so far is in the files. */
  async flush(): Promise<void> {
    await Promise.all([...this.#logs.values()].map(({ writing }) => writing));
  }

  async #readFile(id: string): Promise<readonly LogLine[]> {
    try {
      const file = await open(this.pathOf(id), 'r');
      try {
        const { size } = await file.stat();
        const start = Math.max(0, size - READ_BYTES);
        const bytes = Buffer.alloc(size - start);
        await file.read(bytes, 0, bytes.length, start);
        const lines = bytes.toString('utf8').split('\n');
        if (start > 0) lines.shift(); // the rest of one
        return lines
          .filter((line) => line !== '')
          .slice(-MOST_LINES)
          .map((line, index) => {
            const [, time = '', text = line] = /^(\d{4}-\S+Z) (.*)$/u.exec(line) ?? [];
            return { number: index + 1, time, text };
          });
      } finally {
        await file.close();
      }
    } catch {
      return []; // it never said anything
    }
  }
}

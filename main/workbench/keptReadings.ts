// What was read from files, kept in memory as long as the files are the same: a slider asks for every dictionary of the
// project at each of its ticks. A file is the same while its inode, size and time of change are; files of ours are replaced
// as a whole, which gives a new inode.
import { stat } from 'node:fs/promises';

/** Of readings that are small; the one that was asked for longest ago gives way. */
const MOST = 10_000;

export class KeptReadings<T> {
  readonly #known = new Map<string, { readonly stamp: string; readonly reading: Promise<T> }>();

  /** @param paths the files that `read` reads; those that do not exist count as such. */
  async get(paths: readonly string[], read: () => Promise<T>): Promise<T> {
    const key = paths.join('\0');
    const stamp = (await Promise.all(paths.map(stampOf))).join();
    const before = this.#known.get(key);
    this.#known.delete(key);
    const reading = before?.stamp === stamp ? before.reading : read();
    this.#known.set(key, { stamp, reading });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest);
    reading.catch(() => this.#known.delete(key)); // tried again the next time
    return reading;
  }
}

async function stampOf(path: string): Promise<string> {
  const found = await stat(path, { bigint: true }).catch(() => null);
  return found === null ? '-' : `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}`;
}

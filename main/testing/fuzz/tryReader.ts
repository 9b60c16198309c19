// One damaged sample, read: what came, and a fault where the reader broke its promise.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../contract/base/errors.ts';
import { damaged, type Damage } from './damage.ts';
import type { FuzzedReader } from './readers.ts';

/** What a reader may refuse a file with; `internal` would be an error that nobody thought of. */
const REFUSALS = new Set([
  'invalid-file',
  'unsupported',
  'empty',
  'mismatch',
  'not-found',
  'conflict',
  'verification-failed',
  'out-of-memory',
  'usage',
]);
/** Of the processor, and of memory beyond what was taken before. The samples have some kilobytes. */
const MOST_SECONDS = 15;
const MOST_BYTES = 1 << 30;

export type Outcome = 'read' | 'refused' | 'not written';

/** The sample of a reader, made in a folder of its own. */
export class Sample {
  readonly reader: FuzzedReader;
  readonly #folder: string;
  readonly #whole: Buffer;

  private constructor(reader: FuzzedReader, folder: string, whole: Buffer) {
    this.reader = reader;
    this.#folder = folder;
    this.#whole = whole;
  }

  /** @throws what `read` throws: a sample must be valid. */
  static async make(reader: FuzzedReader, folder: string): Promise<Sample> {
    await reader.make(folder);
    const whole = await readFile(join(folder, reader.file));
    await reader.read(folder);
    return new Sample(reader, folder, whole);
  }

  /** @throws Error that says how the reader broke its promise. */
  async try(damage: Damage): Promise<Outcome> {
    const { name, file, structure, namesThings } = this.reader;
    const bytes = damaged(this.#whole, damage, structure);
    if (bytes === null) return 'not written';
    await writeFile(join(this.#folder, file), bytes);
    const cpu = process.cpuUsage();
    const memory = process.resourceUsage().maxRSS;
    let outcome: Outcome = 'read';
    try {
      await this.reader.read(this.#folder);
    } catch (thrown) {
      const fault = faultOf(thrown, namesThings ? '' : this.#folder);
      if (fault !== null) throw new Error(`${name}: ${fault}`, { cause: thrown });
      outcome = 'refused';
    }
    const { user, system } = process.cpuUsage(cpu);
    const seconds = (user + system) / 1e6;
    if (seconds > MOST_SECONDS) throw new Error(`${name}: it took ${seconds} s of the processor.`);
    const grown = (process.resourceUsage().maxRSS - memory) * 1024;
    if (grown > MOST_BYTES) throw new Error(`${name}: it took ${grown} bytes of memory.`);
    return outcome;
  }
}

function faultOf(thrown: unknown, folder: string): string | null {
  if (!(thrown instanceof AppError)) return `it threw another error: ${String(thrown).slice(0, 500)}`;
  if (!REFUSALS.has(thrown.code)) return `it refused with ${thrown.code}: ${thrown.message.slice(0, 500)}`;
  if (!thrown.message.includes(folder)) return `the refusal does not name the file: ${thrown.message.slice(0, 500)}`;
  return null;
}

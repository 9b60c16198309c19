// shards.jsonl of an activation store that is being written: a line for each shard that is finished. The manifest of a large
// store is megabytes; writing it again after every one of its shards would write hundreds of gigabytes.

import { open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';
import { syncFolder } from '../files/atomicWrite.ts';
import { toFileError } from '../files/fileError.ts';
import { shardSchema, type ShardRecord } from './shardRecord.ts';

const JOURNAL_FILE = 'shards.jsonl';

/** The finished shards in their order; what a dying writer left of its last line does not count. @throws AppError. */
export async function readJournal(folder: string): Promise<readonly ShardRecord[]> {
  const path = join(folder, JOURNAL_FILE);
  const text = await readFile(path, 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return '';
    throw toFileError(thrown, path);
  });
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole
    .split('\n')
    .slice(0, -1)
    .map((line, index) => {
      const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), shardSchema), line);
      if (parsed.success) return parsed.output;
      throw new AppError('invalid-file', `${path}: line ${index + 1} is not the record of a shard.`, {
        details: { path, line: index + 1 },
      });
    });
}

export async function removeJournal(folder: string): Promise<void> {
  await rm(join(folder, JOURNAL_FILE), { force: true });
}

/** Writes to a journal that is not there yet. */
export class ShardJournal {
  readonly #folder: string;
  #file: FileHandle | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The record is on the disk when this resolves. @throws AppError `disk-full` and its kin. */
  async add(record: ShardRecord): Promise<void> {
    const path = join(this.#folder, JOURNAL_FILE);
    try {
      if (this.#file === undefined) {
        this.#file = await open(path, 'ax');
        await syncFolder(this.#folder);
      }
      await this.#file.appendFile(`${JSON.stringify(record)}\n`);
      await this.#file.datasync();
    } catch (thrown) {
      throw toFileError(thrown, path);
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}

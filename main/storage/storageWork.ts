// Work on a project's database that waits for the disk for long, done in a thread of its own, so that a host with windows
// answers meanwhile. Each piece of work has its own connection, and is as safe beside the host's as another process would be.
import { Worker } from 'node:worker_threads';
import * as v from 'valibot';
import { deserializeError, AppError, type SerializedError } from '../contract/base/errors.ts';
import type { Backup } from './recovery/backup.ts';
import type { Health } from './recovery/health.ts';

interface Results {
  /** Makes an empty project. */
  create: null;
  /** Opens and closes it: upgraded, and with its daily copy. What could not be done without stopping it. */
  prepare: readonly string[];
  /** Moves the log into the database. */
  checkpoint: null;
  backup: Backup;
  check: Health;
}
export type StorageTask = keyof Results;

export interface StorageWork {
  readonly task: StorageTask;
  /** The project's. */
  readonly folder: string;
}

export type StorageAnswer = { readonly result: Results[StorageTask] } | { readonly error: SerializedError };

export type InStorageThread = <Task extends StorageTask>(task: Task, folder: string) => Promise<Results[Task]>;

const answerSchema = v.union([v.object({ result: v.any() }), v.object({ error: v.any() })]);

/**
 * @param entry the thread's script: out/main/storage.js, or main/storage/storageThread.ts when running from source.
 * @returns a function that does work in a new thread, and throws what the work throws.
 */
export function storageThread(entry: string): InStorageThread {
  return (task, folder) =>
    new Promise((resolve, reject) => {
      const worker = new Worker(entry, { workerData: { task, folder } satisfies StorageWork, execArgv: [] });
      worker.once('message', (message) => {
        const answer = v.parse(answerSchema, message);
        if ('error' in answer) reject(deserializeError(answer.error as SerializedError));
        else resolve(answer.result as Results[typeof task]); // our own thread's, of this very task
      });
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new AppError('internal', `The storage thread ended with ${code}.`)));
    });
}

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
 * Each kind of work on one project one at a time. Who asks while it is done waits for the next one, together with all others who
 * do: it begins after they asked, so it sees what they have written; and a thousand who ask are two pieces of work.
 */
export function oneAtATime(
  work: (task: StorageTask, folder: string) => Promise<unknown>,
): (task: StorageTask, folder: string) => Promise<unknown> {
  const turns = new Map<string, { readonly running: Promise<unknown>; next: Promise<unknown> | null }>();
  return (task, folder) => {
    const key = `${task} ${folder}`;
    const begin = () => {
      const running = work(task, folder);
      const own = { running, next: null };
      turns.set(key, own);
      const end = () => {
        if (turns.get(key) === own && own.next === null) turns.delete(key);
      };
      running.then(end, end);
      return running;
    };
    const turn = turns.get(key);
    if (!turn) return begin();
    turn.next ??= turn.running.then(begin, begin);
    return turn.next;
  };
}

/**
 * @param entry the thread's script: out/main/storage.js, or main/storage/storageThread.ts when running from source.
 * @returns a function that does work in a new thread, and throws what the work throws.
 */
export function storageThread(entry: string): InStorageThread {
  const inThread = oneAtATime(
    (task, folder) =>
      new Promise((resolve, reject) => {
        const worker = new Worker(entry, { workerData: { task, folder } satisfies StorageWork, execArgv: [] });
        worker.once('message', (message) => {
          const answer = v.parse(answerSchema, message);
          if ('error' in answer) reject(deserializeError(answer.error as SerializedError));
          else resolve(answer.result); // our own thread's, of this very task
        });
        worker.once('error', reject);
        worker.once('exit', (code) => reject(new AppError('internal', `The storage thread ended with ${code}.`)));
      }),
  );
  return inThread as InStorageThread; // each result is of its own task
}

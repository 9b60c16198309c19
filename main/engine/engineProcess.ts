// The life of an engine process: it serves tasks over the channel to its host until the host ends it or is gone.
import { Worker } from 'node:worker_threads';
import { hostChannel } from './processChannel.ts';
import { createOrtRuntime } from './ortRuntime.ts';
import { serveTasks } from './serveTasks.ts';
import { threadLimit } from './threadLimit.ts';
import type { TaskTable } from './task.ts';

/** @param watchEntry the script of hostWatch.ts. */
export function runEngineProcess(tasks: TaskTable, watchEntry: string): void {
  // Ctrl-C in a terminal reaches every process of the group; it is the host's to decide what it means.
  process.on('SIGINT', () => undefined);
  const channel = hostChannel();
  // Without a host nobody can use the result, and whoever starts next must not find two writers in one folder. What is on
  // disk is whole at every moment, so the quickest end is the best.
  channel.onClose(() => process.kill(process.pid, 'SIGKILL'));
  watchHost(watchEntry);
  serveTasks(tasks, (device, options) => createOrtRuntime(device, { ...options, ...threadLimit(process.env) })).serve(
    channel,
  );
}

/** Before the engine says that it listens: a host that dies earlier has sent nothing, and the closed channel is enough. */
function watchHost(entry: string): void {
  const watch = new Worker(entry, { workerData: { host: process.ppid }, execArgv: [] });
  watch.unref();
  watch.once('error', (error: Error) => process.stderr.write(`The host is not watched: ${error.message}\n`));
}

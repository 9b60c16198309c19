// The life of an engine process: it serves tasks over the channel to its host until the host ends it or is gone.
import { hostChannel } from './processChannel.ts';
import { createOrtRuntime } from './ortRuntime.ts';
import { serveTasks } from './serveTasks.ts';
import type { TaskTable } from './task.ts';

export function runEngineProcess(tasks: TaskTable): void {
  // Ctrl-C in a terminal reaches every process of the group; it is the host's to decide what it means.
  process.on('SIGINT', () => undefined);
  const channel = hostChannel();
  // Without a host nobody can use the result, and whoever starts next must not find two writers in one folder. What is on
  // disk is whole at every moment, so the quickest end is the best.
  channel.onClose(() => process.kill(process.pid, 'SIGKILL'));
  serveTasks(tasks, createOrtRuntime).serve(channel);
}

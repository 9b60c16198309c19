// The engine process. It serves tasks over the IPC channel of its parent until the parent says stop or is gone.
import { createOrtRuntime } from './ortRuntime.ts';
import { processChannel } from './processChannel.ts';
import { serveTasks } from './server.ts';
import { tasks } from './tasks.ts';

// Ctrl-C in a terminal reaches every process of the group; it is the host's to decide what it means.
process.on('SIGINT', () => undefined);
// Without a parent nobody can use the result, and whoever starts next must not find two writers in one folder. What is on
// disk is whole at every moment, so the quickest end is the best.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

serveTasks(processChannel(), tasks, { createRuntime: createOrtRuntime, onStopped: () => process.exit() });

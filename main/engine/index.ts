// The engine process. It serves tasks over the IPC channel of its parent until the parent says stop or is gone.
import { createOrtRuntime } from './ortRuntime.ts';
import { processChannel } from './processChannel.ts';
import { serveTasks } from './server.ts';
import { tasks } from './tasks.ts';

// Ctrl-C in a terminal reaches every process of the group; it is the host's to decide what it means.
process.on('SIGINT', () => undefined);
// Without a parent nobody can use the result. What is on disk is whole at every moment.
process.on('disconnect', () => process.exit());

serveTasks(processChannel(), tasks, { createRuntime: createOrtRuntime, onStopped: () => process.disconnect() });

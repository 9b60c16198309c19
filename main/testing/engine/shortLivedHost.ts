// A host that starts an engine, gives it the task that its argument names, tells the engine's process id, and waits to be
// killed.
import { fileURLToPath } from 'node:url';
import { createEngine } from '../../engine/engine.ts';
import { forkLauncher } from '../../engine/launcher.ts';
import type { FaultyTasks } from './faultyEngine.ts';

const engine = createEngine<FaultyTasks>(forkLauncher(fileURLToPath(new URL('./faultyEngine.ts', import.meta.url))));
const { pid } = await engine.run('echo', { value: 0 });
const { promise: started, resolve } = Promise.withResolvers<void>();
if (process.argv[2] === 'block') {
  void engine.run('block', {}, { onLog: () => resolve() });
} else {
  void engine.run('work', { name: 'endless', runs: 1e6, blockMs: 20 }, { onProgress: () => resolve() });
}
await started;
process.send?.(pid);

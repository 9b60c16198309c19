// A host that starts an engine, tells its process id, and waits to be killed.
import { fileURLToPath } from 'node:url';
import { createEngine } from '../../engine/engine.ts';
import { forkLauncher } from '../../engine/launcher.ts';
import type { FaultyTasks } from './faultyEngine.ts';

const engine = createEngine<FaultyTasks>(forkLauncher(fileURLToPath(new URL('./faultyEngine.ts', import.meta.url))));
const { pid } = await engine.run('echo', { value: 0 });
void engine.run('work', { name: 'endless', runs: 1e6, blockMs: 20 });
process.send?.(pid);

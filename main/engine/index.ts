// The engine process's script.
import { extname, join } from 'node:path';
import { runEngineProcess } from './engineProcess.ts';
import { tasks } from './tasks.ts';

/** Beside this script both in the sources and in what is built from them. */
const watchEntry = join(import.meta.dirname, `hostWatch${extname(import.meta.filename)}`);

runEngineProcess(tasks, watchEntry);

// The engine process's script.
import { runEngineProcess } from './engineProcess.ts';
import { tasks } from './tasks.ts';

runEngineProcess(tasks);

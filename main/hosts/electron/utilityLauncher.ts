// The engine as a utility process of Electron: the same interface as child_process.fork gives the other hosts.
import { utilityProcess } from 'electron';
import type { EngineExit, EngineLauncher } from '../../engine/launcher.ts';

const KEPT_LINES = 20;
const MAX_LINE_LENGTH = 500;

/** @param entry out/main/engine.js */
export function utilityLauncher(entry: string): EngineLauncher {
  return () => {
    const child = utilityProcess.fork(entry, [], { serviceName: 'Errata engine', stdio: ['ignore', 'pipe', 'pipe'] });
    let lines: string[] = [];
    const keep = (data: Buffer) => {
      const [first = '', ...rest] = data.toString('utf8').split('\n');
      lines = [...lines.slice(0, -1), (lines.at(-1) ?? '') + first, ...rest]
        .slice(-KEPT_LINES - 1)
        .map((line) => line.slice(0, MAX_LINE_LENGTH));
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    let isOver = false;
    let onExit: ((exit: EngineExit) => void) | undefined;
    child.on('exit', (code) => {
      if (isOver) return;
      isOver = true;
      onExit?.({ code, signal: null, lastLines: lines.filter((line) => line.trim() !== '') });
    });
    return {
      send: (message) => {
        if (!isOver) child.postMessage(message);
      },
      onMessage: (listener) => child.on('message', listener),
      onExit: (listener) => (onExit = listener),
      kill: () => {
        // kill() asks; a thread that computes does not hear it.
        const { pid } = child;
        if (pid !== undefined) process.kill(pid, 'SIGKILL');
        else child.kill();
      },
    };
  };
}

// The engine as a utility process of Electron: the same interface as child_process.fork gives the other hosts.
import { utilityProcess } from 'electron';
import { LastLines } from '../../engine/lastLines.ts';
import type { EngineExit, EngineLauncher } from '../../engine/launcher.ts';
import { engineChannel } from '../../engine/processChannel.ts';

/** @param entry out/main/engine.js */
export function utilityLauncher(entry: string): EngineLauncher {
  return () => {
    const child = utilityProcess.fork(entry, [], { serviceName: 'Errata engine', stdio: ['ignore', 'pipe', 'pipe'] });
    const lines = new LastLines();
    const keep = (data: Buffer) => lines.add(data.toString('utf8'));
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    let isOver = false;
    let onExit: ((exit: EngineExit) => void) | undefined;
    child.on('exit', (code) => {
      if (isOver) return;
      isOver = true;
      onExit?.({ code, signal: null, lastLines: lines.get() });
    });
    return {
      ...engineChannel({
        send: (message) => {
          if (!isOver) child.postMessage(message);
        },
        onMessage: (listener) => child.on('message', listener),
      }),
      onExit: (listener) => (onExit = listener),
      kill: () => {
        // Electron's kill() asks; a thread that computes does not hear it.
        const { pid } = child;
        if (pid !== undefined) process.kill(pid, 'SIGKILL');
        else child.kill();
      },
    };
  };
}

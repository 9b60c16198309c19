// Starts engine processes. One small interface stands for child_process.fork (the web and cli hosts) and for Electron's
// utilityProcess (hosts/electron/utilityLauncher.ts); the engine above it does not know which it has.
import { fork } from 'node:child_process';
import { LastLines } from './lastLines.ts';
import { engineChannel, type Pipe } from './processChannel.ts';

export interface EngineExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines that the process wrote: a native library says there why it gave up. */
  readonly lastLines: readonly string[];
}

export interface EngineProcess extends Pipe {
  /** Called once, after the last message. */
  onExit(listener: (exit: EngineExit) => void): void;
  /** Ends the process at once, whatever it is doing. */
  kill(): void;
}

export type EngineLauncher = () => EngineProcess;

/**
 * @param entry the engine's script: out/main/engine.js, or main/engine/index.ts when running from source.
 * @param onStderr receives what the engine writes to its standard error (for a log).
 */
export function forkLauncher(entry: string, onStderr: (text: string) => void = () => undefined): EngineLauncher {
  return () => {
    const child = fork(entry, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: [], // not the host's own: an inspector port can be taken once only
    });
    const lines = new LastLines();
    const keep = (text: string) => {
      onStderr(text);
      lines.add(text);
    };
    child.stdout?.setEncoding('utf8').on('data', keep);
    child.stderr?.setEncoding('utf8').on('data', keep);

    let exitListener: ((exit: EngineExit) => void) | undefined;
    let isOver = false;
    const end = (code: number | null, signal: NodeJS.Signals | null) => {
      if (isOver) return;
      isOver = true;
      exitListener?.({ code, signal, lastLines: lines.get() });
    };
    child.on('close', end);
    child.on('error', (error) => {
      keep(`${error.message}\n`);
      if (child.pid === undefined) end(null, null); // it never started, so it never closes
    });

    return {
      ...engineChannel({
        send: (message) => {
          if (child.connected) child.send(message as object, () => undefined); // a failed send is followed by the exit
        },
        onMessage: (listener) => child.on('message', listener),
      }),
      onExit: (listener) => (exitListener = listener),
      kill: () => child.kill('SIGKILL'),
    };
  };
}

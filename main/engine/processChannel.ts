// The engine's end of the channel to its host: that of child_process.fork, or the port of Electron's utility process.
import { AppError } from '../contract/base/errors.ts';
import type { EngineChannel } from './server.ts';

/** What Electron's utility processes have beside Node's own members; `electron` itself is not imported here. */
interface ParentPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): unknown;
}

/** @throws AppError `usage` when the process was not started by a host. */
export function processChannel(): EngineChannel {
  const { parentPort } = process as { readonly parentPort?: ParentPort };
  if (parentPort) {
    return {
      send: (message) => parentPort.postMessage(message),
      onMessage: (listener) => parentPort.on('message', ({ data }) => listener(data)),
    };
  }
  const send = process.send?.bind(process);
  if (!send) throw new AppError('usage', 'The engine is started by a host, not by hand.');
  return {
    send: (message) => {
      if (process.connected) send(message, undefined, undefined, () => undefined); // a lost parent ends this process
    },
    onMessage: (listener) => process.on('message', listener),
  };
}

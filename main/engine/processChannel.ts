// The engine's end of the channel that child_process.fork opened.
import { AppError } from '../contract/errors.ts';
import type { EngineChannel } from './server.ts';

/** @throws AppError `usage` when the process was not forked by a host. */
export function processChannel(): EngineChannel {
  const send = process.send?.bind(process);
  if (!send) throw new AppError('usage', 'The engine is started by a host, not by hand.');
  return {
    send: (message) => {
      if (process.connected) send(message, undefined, undefined, () => undefined); // a lost parent ends this process
    },
    onMessage: (listener) => process.on('message', listener),
  };
}

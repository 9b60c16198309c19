// Both ends of the channel between a host and its engine process. Messages travel as structured clones: over the IPC of
// child_process.fork (`serialization: 'advanced'`), or over the port of Electron's utility process. An engine that is still
// loading reads nothing, so the host's end keeps what it sends until the engine's end has said that it listens.
import { AppError } from '../contract/base/errors.ts';
import type { Channel } from '../contract/rpc/channel.ts';

/** The first message of the engine. */
const LISTENING = 'listening';

/** What the two kinds of processes have in common, as the host sees it. */
export interface Pipe {
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
}

/** The host's end. */
export function engineChannel(pipe: Pipe): Pipe {
  let early: unknown[] | null = [];
  return {
    send: (message) => {
      if (early) early.push(message);
      else pipe.send(message);
    },
    onMessage: (listener) =>
      pipe.onMessage((message) => {
        if (message !== LISTENING) {
          listener(message);
          return;
        }
        const kept = early ?? [];
        early = null;
        for (const each of kept) pipe.send(each);
      }),
  };
}

/** What Electron's utility processes have beside Node's own members; `electron` itself is not imported here. */
interface ParentPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): unknown;
}

/** The engine's end. @throws AppError `usage` when the process was not started by a host. */
export function hostChannel(): Channel {
  const { parentPort } = process as { readonly parentPort?: ParentPort };
  const onClose = (listener: () => void) => {
    process.once('disconnect', listener);
    if (process.connected === false) listener(); // the host was gone before this line; undefined without such a channel
  };
  if (parentPort) {
    return {
      send: (message) => parentPort.postMessage(message),
      onMessage: (listener) => {
        parentPort.on('message', ({ data }) => listener(data));
        parentPort.postMessage(LISTENING);
      },
      onClose,
      close: () => process.exit(),
    };
  }
  const post = process.send?.bind(process);
  if (!post) throw new AppError('usage', 'The engine is started by a host, not by hand.');
  const send = (message: unknown) => {
    if (process.connected) post(message, undefined, undefined, () => undefined); // a lost parent ends this process
  };
  return {
    send,
    onMessage: (listener) => {
      process.on('message', listener);
      send(LISTENING);
    },
    onClose,
    close: () => process.exit(),
  };
}

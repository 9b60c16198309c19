// How a page finds the host that serves it. It asks for nothing but its own origin, in both hosts:
//   GET /host.json    facts, before there is a connection
//   WS  /api          the web host's connection
//   globalThis.errata the desktop host's connection: a bridge that the preload script makes (HostBridge)
//   GET /blob/…       large arrays
import { AppError } from '../base/errors.ts';
import { jsonChannel, type Channel, type TextChannel } from '../rpc/channel.ts';

export interface HostFacts {
  readonly kind: 'electron' | 'web';
  /** The version of Errata. */
  readonly version: string;
}

/** Where either host tells its facts, on the page's own origin. */
export const HOST_FACTS_PATH = '/host.json';
export const API_PATH = '/api';
export const BLOB_PATH = '/blob/';

/** What the preload script gives the page of the desktop host: a pipe for text and nothing else of Electron. */
export interface HostBridge {
  /** Opens the connection; `onClose` when the host is gone. */
  open(onText: (text: string) => void, onClose: () => void): void;
  send(text: string): void;
  /** A location for a file or folder that was dropped on the window (a `File` of a drop event); null when it has none. */
  locationOf(file: object): Promise<string | null>;
}

interface PageGlobals {
  readonly errata?: HostBridge;
  readonly location?: { readonly origin: string };
}

/** The bridge, in the desktop host's page; else null. */
export function hostBridge(): HostBridge | null {
  return (globalThis as PageGlobals).errata ?? null;
}

/**
 * Connects a page with its host, whichever that is: `createConnection(contract, connectToHost)`.
 * @throws AppError `permission` when the web host does not know this browser (any more); `disconnected`.
 */
export function connectToHost(): Promise<Channel> {
  const bridge = hostBridge();
  return bridge ? Promise.resolve(jsonChannel(bridgeChannel(bridge))) : openWebSocket().then(jsonChannel);
}

function bridgeChannel(bridge: HostBridge): TextChannel {
  let listener: ((text: string) => void) | null = null;
  const early: string[] = [];
  let onClose: (() => void) | null = null;
  bridge.open(
    (text) => {
      if (listener) listener(text);
      else early.push(text);
    },
    () => onClose?.(),
  );
  return {
    send: (text) => bridge.send(text),
    onText: (listen) => {
      listener = listen;
      for (const text of early.splice(0)) listen(text);
    },
    onClose: (listen) => (onClose = listen),
    close: () => undefined, // it ends with the window
  };
}

function openWebSocket(): Promise<TextChannel> {
  const origin = (globalThis as PageGlobals).location?.origin ?? '';
  const socket = new WebSocket(`${origin.replace(/^http/u, 'ws')}${API_PATH}`);
  return new Promise((resolve, reject) => {
    socket.addEventListener('open', () =>
      resolve({
        send: (text) => socket.send(text),
        onText: (listener) =>
          socket.addEventListener('message', ({ data }: { data: unknown }) => {
            if (typeof data === 'string') listener(data);
          }),
        onClose: (listener) => socket.addEventListener('close', () => listener(), { once: true }),
        close: () => socket.close(),
      }),
    );
    // A refused upgrade looks to a page like a host that is gone: what the host says to a plain request tells which.
    socket.addEventListener('error', () => {
      fetch(`${origin}${HOST_FACTS_PATH}`).then(
        ({ status }) =>
          reject(
            status === 401 || status === 403
              ? new AppError('permission', 'This page is not signed in: open the address that Errata printed.')
              : new AppError('disconnected', 'The program does not answer.'),
          ),
        () => reject(new AppError('disconnected', 'The program does not answer.')),
      );
    });
  });
}

// What messages travel over. A channel carries values whole and in order; one that can carry only text (a WebSocket, the
// bridge of the desktop app) becomes such a channel by JSON, so that both windowed hosts behave the same to the last
// `undefined`. Large arrays of a page do not travel here but as /blob/… on the page's own origin.

/** One end of a connection that is open. */
export interface Channel {
  /** @throws when the message cannot be carried, such as a function in a structured clone. */
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Called once, when nothing will arrive any more. */
  onClose(listener: () => void): void;
  close(): void;
}

/** One end of a connection that carries text. */
export interface TextChannel extends Pick<Channel, 'onClose' | 'close'> {
  send(text: string): void;
  onText(listener: (text: string) => void): void;
}

export function jsonChannel(text: TextChannel): Channel {
  return {
    send: (message) => text.send(JSON.stringify(message)),
    onMessage: (listener) => text.onText((received) => listener(parseJson(received))),
    onClose: (listener) => text.onClose(listener),
    close: () => text.close(),
  };
}

/** @returns null for what is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

// A host's API as the page's own window calls it: for what a test needs to be there before it begins.
import type { Page } from '@playwright/test';
import type { Api } from '../../main/contract/api/contract.ts';

export function hostApi(page: Page): Api {
  const names = (noun: string) =>
    new Proxy(
      {},
      {
        get:
          (_, name) =>
          (input: unknown = {}) =>
            call(page, `${noun}.${String(name)}`, input),
      },
    );
  return new Proxy({}, { get: (_, noun) => names(String(noun)) }) as Api;
}

/** @throws Error with the message of the AppError. */
async function call(page: Page, procedure: string, input: unknown): Promise<unknown> {
  const message = JSON.stringify({ type: 'call', id: 1, procedure, input });
  const output: string = await page.evaluate(`new Promise((resolve, reject) => {
    const socket = new WebSocket(location.origin.replace(/^http/u, 'ws') + '/api');
    socket.onopen = () => socket.send(${JSON.stringify(message)});
    socket.onerror = () => reject(new Error('The host does not answer.'));
    socket.onmessage = ({ data }) => {
      const answer = JSON.parse(data);
      if (answer.type === 'chunk') return;
      socket.close();
      if (answer.type === 'error') reject(new Error(answer.error.message));
      else resolve(JSON.stringify(answer.output));
    };
  })`);
  return JSON.parse(output) as unknown;
}

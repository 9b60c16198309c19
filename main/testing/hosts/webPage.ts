// A page at a web host, without a browser: it signs in with the address that the host printed, and calls the API as our own
// page does.
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { contract, type Api } from '../../contract/api/contract.ts';
import { API_PATH } from '../../contract/api/host.ts';
import { AppError } from '../../contract/base/errors.ts';
import { createConnection } from '../../contract/rpc/client.ts';
import { jsonChannel, type Channel } from '../../contract/rpc/channel.ts';

export interface SignedIn {
  readonly origin: string;
  readonly cookie: string;
}

/** @param launchUrl works once. */
export async function signIn(launchUrl: string): Promise<SignedIn> {
  const answer = await fetch(launchUrl, { redirect: 'manual' });
  const cookie = answer.headers.get('set-cookie')?.split(';')[0];
  if (cookie === undefined) throw new AppError('internal', `The host did not sign in: ${answer.status}.`);
  return { origin: new URL(launchUrl).origin, cookie };
}

/** @param delays before the attempts to connect again, in milliseconds. */
export function openPage(
  { origin, cookie }: SignedIn,
  delays?: readonly number[],
): { readonly api: Api; readonly close: () => void } {
  return createConnection(contract, () => connect(origin, cookie), delays === undefined ? {} : { delays });
}

/** A browser sends cookie and origin by itself. */
async function connect(origin: string, cookie: string): Promise<Channel> {
  const socket = new WebSocket(`${origin.replace('http', 'ws')}${API_PATH}`, { headers: { cookie, origin } });
  await once(socket, 'open');
  socket.on('error', () => socket.terminate());
  return jsonChannel({
    send: (text) => socket.send(text),
    onText: (listener) => socket.on('message', (data: Buffer) => listener(data.toString('utf8'))),
    onClose: (listener) => socket.once('close', () => listener()),
    close: () => socket.close(),
  });
}

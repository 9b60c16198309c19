// The pages over HTTP on this machine's loopback address only. A request must name that very address as its Host: a name
// that somebody else's DNS made point here is refused.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import type { Pages } from '../pages.ts';

const LOOPBACK = '127.0.0.1';

export interface WebServer {
  readonly url: string;
  close(): Promise<void>;
}

/** @param port 0 takes any that is free. */
export async function serveOnLoopback(pages: Pages, port: number): Promise<WebServer> {
  const server = createServer((request, response) => {
    const hosts = [LOOPBACK, 'localhost'].map((name) => `${name}:${portOf(server)}`);
    const { host } = request.headers;
    if (host === undefined || !hosts.includes(host)) {
      response.writeHead(403, { 'Content-Type': 'text/plain' }).end('Wrong host.');
      return;
    }
    let answer: Response;
    try {
      answer = pages(new Request(new URL(request.url ?? '/', `http://${host}`), { method: request.method ?? 'GET' }));
    } catch {
      response.writeHead(400, { 'Content-Type': 'text/plain' }).end('Bad request.'); // a path or method that is none
      return;
    }
    void answer.arrayBuffer().then((body) => {
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      response.end(request.method === 'HEAD' ? undefined : Buffer.from(body));
    });
  });
  server.listen(port, LOOPBACK);
  await once(server, 'listening');
  return {
    url: `http://${LOOPBACK}:${portOf(server)}/`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

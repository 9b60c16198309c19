// The API and its pages over HTTP and WebSocket. Every request passes the guard before anything else looks at it; sockets
// that do not sign in are few and short-lived, so that whoever opens many of them takes nothing from those who did.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { API_PATH } from '../../contract/api/host.ts';
import { jsonChannel, type TextChannel } from '../../contract/rpc/channel.ts';
import type { Served } from '../../contract/rpc/server.ts';
import { SECURITY_HEADERS, type Answer } from '../pages.ts';
import { cookieName, judge, sessionValue, type Policy, type Verdict } from './guard.ts';
import { rateLimit } from './rateLimit.ts';

export const LOOPBACK = '127.0.0.1';

const LARGEST_MESSAGE = 16 << 20;
/** A page that does not read what it is sent. */
const MOST_UNSENT = 64 << 20;
const MOST_PAGES = 64;
/** Sockets that have not signed in; the oldest gives way to a new one. */
const MOST_STRANGERS = 64;
/** Also for a socket that says nothing at all. */
const HEADERS_MS = 5000;
const PING_MS = 20_000;
const REQUESTS = { burst: 1000, perSecond: 200 };
/** An address that nobody opened. */
const LAUNCH_MS = 24 * 60 * 60 * 1000;
const MESSAGES = { burst: 2000, perSecond: 500 };

export interface WebServer {
  readonly port: number;
  /** Without a token: for those who are signed in. */
  readonly url: string;
  /** An address that signs in whoever opens it first. */
  launchUrl(): string;
  /** Every browser is signed out, and its pages are closed: from now on cookies are made from another secret. */
  signOut(secret: string): void;
  close(): Promise<void>;
}

export interface WebServerOptions {
  readonly answer: Answer;
  readonly served: Served;
  readonly secret: string;
  /** 0 takes any that is free. */
  readonly port: number;
  readonly address?: string;
  /** Further names under which it may be asked for, without port, when the address is not this machine's own. */
  readonly names?: readonly string[];
  readonly pingMs?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Of all requests that are refused together, and of all that are answered. */
  readonly requestLimit?: { readonly burst: number; readonly perSecond: number };
}

/** @throws what listening throws: EADDRINUSE, EACCES. */
export async function serveWeb(options: WebServerOptions): Promise<WebServer> {
  const { answer, served, address = LOOPBACK, names = [], pingMs = PING_MS, requestLimit = REQUESTS } = options;
  const { now = Date.now } = options;
  let { secret } = options;
  let launches: { readonly token: string; readonly at: number }[] = [];
  const strangers = new Set<Duplex>();
  /** Who is refused has a bucket of their own, so that no flood of strangers locks out a page that is signed in. */
  const buckets = { refuse: rateLimit(requestLimit), serve: rateLimit(requestLimit), signIn: rateLimit(requestLimit) };
  const judged = (request: IncomingMessage, isUpgrade: boolean): Verdict => {
    launches = launches.filter(({ at }) => now() - at < LAUNCH_MS);
    const verdict = judge(askedBy(request, isUpgrade), policy());
    return buckets[verdict.kind].take() ? verdict : tooMany;
  };
  /** Refuses everything until the port is known. */
  let place: Pick<Policy, 'port' | 'hosts'> = { port: 0, hosts: [] };
  const policy = (): Policy => ({
    ...{ ...place, secret, now: now() },
    launchTokens: launches.map(({ token }) => token),
  });
  const cookie = (): string => `${cookieName(place.port)}=${sessionValue(policy())}; HttpOnly; SameSite=Strict; Path=/`;

  const server = createServer({ connectionsCheckingInterval: 1000 }, (request, response) => {
    void handle(request, response).catch(() => response.destroy());
  });
  server.headersTimeout = HEADERS_MS;
  server.requestTimeout = 2 * HEADERS_MS;
  server.keepAliveTimeout = HEADERS_MS;
  server.maxHeadersCount = 100;
  server.on('connection', (socket: Duplex) => {
    strangers.add(socket);
    socket.on('close', () => strangers.delete(socket));
    socket.on('error', () => socket.destroy());
    const [oldest] = strangers;
    if (oldest && strangers.size > MOST_STRANGERS) {
      strangers.delete(oldest); // now: many may come before it is closed
      oldest.destroy();
    }
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const verdict = judged(request, false);
    request.resume(); // no request of ours has a body
    if (verdict.kind === 'signIn') {
      launches = launches.filter(({ token }) => token !== verdict.token);
      response.writeHead(302, { ...plainHeaders, 'Set-Cookie': cookie(), Location: '/' }).end();
      return;
    }
    if (verdict.kind !== 'serve') {
      response.writeHead(verdict.status, { ...plainHeaders, Connection: 'close' }).end(verdict.reason);
      return;
    }
    strangers.delete(request.socket);
    const url = new URL(request.url ?? '/', `http://${request.headers.host ?? ''}`);
    const found = await answer(new Request(url, { method: request.method ?? 'GET' }));
    const body = Buffer.from(await found.arrayBuffer());
    response.writeHead(found.status, {
      ...{ ...Object.fromEntries(found.headers), 'Content-Length': body.length },
      ...(verdict.renews ? { 'Set-Cookie': cookie() } : {}),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: LARGEST_MESSAGE,
    perMessageDeflate: false,
    clientTracking: true,
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const verdict = judged(request, true);
    const isFull = sockets.clients.size >= MOST_PAGES;
    const path = new URL(request.url ?? '/', 'http://any').pathname;
    if (verdict.kind !== 'serve') refuseUpgrade(socket, verdict.kind === 'refuse' ? verdict.status : 401);
    else if (path !== API_PATH) refuseUpgrade(socket, 404);
    else if (isFull) refuseUpgrade(socket, 503);
    else {
      strangers.delete(socket);
      sockets.handleUpgrade(request, socket, head, (page) => served.serve(jsonChannel(channelOf(page))));
    }
  });

  /** Pages that are gone without a word (a laptop that sleeps) end here, and what they asked for with them. */
  const answered = new WeakSet<WebSocket>();
  const pinging = setInterval(() => {
    for (const page of sockets.clients) {
      if (!answered.has(page)) {
        page.terminate();
        continue;
      }
      answered.delete(page);
      page.ping();
    }
  }, pingMs);
  pinging.unref();

  function channelOf(page: WebSocket): TextChannel {
    const messages = rateLimit(MESSAGES);
    answered.add(page);
    page.on('pong', () => answered.add(page));
    page.on('error', () => page.terminate()); // a frame too large, or no frame at all
    return {
      send: (text) => {
        if (page.bufferedAmount > MOST_UNSENT) page.terminate();
        else if (page.readyState === page.OPEN) page.send(text);
      },
      onText: (listener) =>
        page.on('message', (data: Buffer, isBinary) => {
          if (isBinary) page.close(1003, 'Text only.');
          else if (messages.take()) listener(data.toString('utf8'));
          else page.close(1008, 'Too many messages.');
        }),
      onClose: (listener) => page.once('close', () => listener()),
      close: () => page.close(),
    };
  }

  server.listen(options.port, address);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  place = { port, hosts: [LOOPBACK, 'localhost', '[::1]', ...names] };
  const shown = address === '0.0.0.0' || address === '::' ? LOOPBACK : address.includes(':') ? `[${address}]` : address;
  const url = `http://${shown}:${port}/`;
  return {
    port,
    url,
    launchUrl: () => {
      const token = randomBytes(32).toString('base64url');
      launches = [...launches, { token, at: now() }].slice(-10);
      return `${url}?token=${token}`;
    },
    signOut: (renewed) => {
      secret = renewed;
      launches = [];
      for (const page of sockets.clients) page.close(4401, 'Signed out.');
    },
    close: async () => {
      clearInterval(pinging);
      for (const page of sockets.clients) page.terminate();
      sockets.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const plainHeaders = { ...SECURITY_HEADERS, 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' };
const tooMany: Verdict = { kind: 'refuse', status: 429, reason: 'Too many requests.' };

function askedBy({ method = '', url = '', headers, rawHeaders }: IncomingMessage, isUpgrade: boolean) {
  const { origin, cookie } = headers;
  // Node takes the first of several; what stands before us may take another.
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length;
  const host = hosts === 1 ? headers.host : undefined;
  const fetchSite = headers['sec-fetch-site'];
  return {
    method,
    url,
    host,
    origin,
    cookie,
    fetchSite: Array.isArray(fetchSite) ? fetchSite.join() : fetchSite,
    isUpgrade,
  };
}

function refuseUpgrade(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  setTimeout(() => socket.destroy(), 1000).unref();
}

// The web host's server over real sockets: what it refuses, and that it stays up. The table of the guard is beside it.
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { command, nothing, query, stream } from '../../contract/rpc/procedure.ts';
import { serveContract } from '../../contract/rpc/server.ts';
import { loadPages } from '../pages.ts';
import { readSecret, renewSecret, SECRET_FILE } from './secret.ts';
import { serveWeb, type WebServer } from './server.ts';

const small = {
  thing: {
    echo: query({
      summary: 'Says it again',
      shows: [],
      input: v.strictObject({ text: v.string() }),
      output: v.string(),
    }),
    change: command({ summary: 'Changes nothing', changes: [], input: nothing, output: nothing }),
    wait: stream({ summary: 'Waits for the end', changes: [], input: nothing, chunk: v.string(), output: nothing }),
  },
};
let aborted = 0;
const served = serveContract(small, {
  thing: {
    echo: ({ text }) => text,
    change: () => ({}),
    wait: (_input, { signal, send }) =>
      new Promise((resolve) => {
        send('waiting');
        signal.addEventListener('abort', () => {
          aborted++;
          resolve({});
        });
      }),
  },
});

let folder: string;
let server: WebServer;
let cookie: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-web-'));
  await mkdir(join(folder, 'out/assets'), { recursive: true });
  await writeFile(join(folder, 'out/index.html'), '<!doctype html>');
  await writeFile(join(folder, 'out/assets/index.js'), 'export {};');
  await writeFile(join(folder, 'out/assets/index.js.map'), 'not served');
  await writeFile(join(folder, 'secret.html'), 'secret');
  await symlink(join(folder, 'secret.html'), join(folder, 'out/linked.html'));
  server = await serveWeb({
    answer: await loadPages(join(folder, 'out'), { kind: 'web', version: '1.2.3' }),
    served,
    secret: await readSecret(join(folder, 'data')),
    port: 0,
    pingMs: 300,
  });
  const { headers } = await ask(new URL(server.launchUrl()).search.replace('?', '/?'), { cookie: '' });
  cookie = String(headers['set-cookie']).split(';')[0] ?? '';
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

interface Asking {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly cookie?: string;
}

/** A request as it is written here: fetch would tidy path and Host up. */
function ask(path: string, { method = 'GET', headers = {}, cookie: own = cookie }: Asking = {}) {
  return new Promise<{ status: number | undefined; body: string; headers: NodeJS.Dict<string | string[]> }>(
    (resolve, reject) => {
      const sent = request(
        {
          hostname: '127.0.0.1',
          port: server.port,
          path,
          method,
          headers: { ...(own ? { cookie: own } : {}), ...headers },
        },
        (response) => {
          let body = '';
          response.setEncoding('utf8').on('data', (text: string) => (body += text));
          response.on('end', () => resolve({ status: response.statusCode, body, headers: response.headers }));
        },
      );
      sent.on('error', reject).end();
    },
  );
}

const own = () => `http://127.0.0.1:${server.port}`;

/** @returns the open socket, or the status it was refused with. */
function openSocket(
  headers: Record<string, string> = {},
  {
    origin = own(),
    path = '/api',
    cookie: given = cookie,
  }: { origin?: string | null; path?: string; cookie?: string } = {},
): Promise<WebSocket | number> {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`, {
    headers: { cookie: given, ...(origin === null ? {} : { origin }), ...headers },
  });
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve(socket));
    socket.on('unexpected-response', (_request, response) => {
      response.destroy();
      resolve(response.statusCode ?? 0);
    });
    socket.on('error', reject);
  });
}

async function page(): Promise<WebSocket> {
  const socket = await openSocket();
  if (typeof socket === 'number') throw new Error(`refused: ${socket}`);
  return socket;
}

async function echo(socket: WebSocket, text: string, id = 1): Promise<unknown> {
  const answered = once(socket, 'message');
  socket.send(JSON.stringify({ type: 'call', id, procedure: 'thing.echo', input: { text } }));
  const [data] = (await answered) as [Buffer];
  return JSON.parse(data.toString('utf8'));
}

describe('pages of the web host', () => {
  it('are served with a policy that allows nothing from elsewhere, and kept by nobody', async () => {
    const answer = await ask('/');
    expect([answer.status, answer.body]).toEqual([200, '<!doctype html>']);
    expect(answer.headers).toMatchObject({
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " +
        "font-src 'self'; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; " +
        "form-action 'none'; frame-ancestors 'none'",
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
    });
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect((await ask('/assets/index.js')).headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(JSON.parse((await ask('/host.json')).body)).toEqual({ kind: 'web', version: '1.2.3' });
    expect((await ask('/', { method: 'HEAD' })).body).toBe('');
  });

  it('are those of the build and nothing else', async () => {
    const paths = [
      '/../secret.html',
      '/..%2fsecret.html',
      '/..%2Fsecret.html',
      '/%2e%2e/secret.html',
      '/..%5csecret.html',
      '/assets/../../secret.html',
      '/assets/index.js.map',
      '/linked.html',
      '/assets/',
      '/index.html%00',
      '/nothing',
    ];
    for (const path of paths) {
      const { status, body } = await ask(path);
      expect([status, body.includes('secret')], path).toEqual([404, false]);
    }
    expect((await ask('//x:99999/')).status).toBe(400);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) expect((await ask('/', { method })).status).toBe(405);
  });

  it('are for those who signed in: the address works once, the cookie is no script’s', async () => {
    for (const path of ['/', '/assets/index.js', '/host.json', '/nothing', '/blob/x']) {
      expect((await ask(path, { cookie: '' })).status, path).toBe(401);
    }
    const path = server.launchUrl().replace(own(), '');
    expect(path).toMatch(/^\/\?token=[A-Za-z0-9_-]{43}$/u); // 256 bits
    const first = await ask(path, { cookie: '' });
    expect([first.status, first.headers['location']]).toEqual([302, '/']);
    expect(String(first.headers['set-cookie'])).toMatch(
      new RegExp(`^errata-${server.port}=\\d{13}\\.[A-Za-z0-9_-]{43}; HttpOnly; SameSite=Strict; Path=/$`, 'u'),
    );
    const replayed = await ask(path, { cookie: '' });
    expect([replayed.status, replayed.headers['set-cookie']]).toEqual([401, undefined]);
  });

  it('are for our own address and our own pages', async () => {
    for (const host of ['evil.test', `evil.test:${server.port}`, `127.0.0.1.evil.test:${server.port}`]) {
      expect((await ask('/', { headers: { host } })).status, host).toBe(403);
    }
    for (const host of ['127.0.0.1', 'localhost:9', '[::1]:9']) {
      expect((await ask('/', { headers: { host } })).status, host).toBe(200);
    }
    expect((await ask('/', { headers: { origin: 'http://evil.test' } })).status).toBe(403);
    expect((await ask('/', { headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403);
  });

  it('are kept by a secret that only its owner can read, and that lasts', async () => {
    const path = join(folder, 'data', SECRET_FILE);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const secret = (await readFile(path, 'utf8')).trim();
    expect(secret).toMatch(/^[0-9a-f]{64}$/u);
    expect(await readSecret(join(folder, 'data'))).toBe(secret);
    await writeFile(path, 'damaged');
    expect(await readSecret(join(folder, 'data'))).toMatch(/^[0-9a-f]{64}$/u);
  });
});

describe('a session', () => {
  it('is renewed while it is used, ends after a month without, and its address after a day', async () => {
    const DAY = 24 * 60 * 60 * 1000;
    let now = Date.parse('2026-12-01T12:00:00Z');
    const answer = await loadPages(join(folder, 'out'), { kind: 'web', version: '1' });
    const own = await serveWeb({ answer, served, secret: 'x', port: 0, now: () => now });
    const launch = own.launchUrl();
    const late = own.launchUrl();
    const cookieOf = ({ headers }: Response) => headers.get('set-cookie')?.split(';')[0];
    const first = cookieOf(await fetch(launch, { redirect: 'manual' })) ?? '';
    const open = (given: string) => fetch(own.url, { headers: { cookie: given } });
    expect(cookieOf(await open(first))).toBeUndefined();
    now += 2 * DAY;
    expect((await fetch(late, { redirect: 'manual' })).status).toBe(401);
    const second = cookieOf(await open(first)) ?? '';
    expect(second).not.toBe(first);
    now += 29 * DAY;
    expect([(await open(first)).status, (await open(second)).status]).toEqual([401, 200]);
    await own.close();
  });

  it('ends everywhere when somebody signs out: pages are closed, cookies and addresses worth nothing', async () => {
    const answer = await loadPages(join(folder, 'out'), { kind: 'web', version: '1' });
    const own = await serveWeb({ answer, served, secret: 'x', port: 0 });
    const { headers } = await fetch(own.launchUrl(), { redirect: 'manual' });
    const signedIn = { cookie: headers.get('set-cookie')?.split(';')[0] ?? '' };
    const unused = own.launchUrl();
    const socket = new WebSocket(`ws://127.0.0.1:${own.port}/api`, {
      headers: { ...signedIn, origin: `http://127.0.0.1:${own.port}` },
    });
    await once(socket, 'open');
    own.signOut(await renewSecret(join(folder, 'data')));
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(4401);
    expect((await fetch(own.url, { headers: signedIn })).status).toBe(401);
    expect((await fetch(unused, { redirect: 'manual' })).status).toBe(401);
    expect((await fetch(own.launchUrl(), { redirect: 'manual' })).status).toBe(302);
    await own.close();
  });
});

describe('every answer of the web host', () => {
  it('carries the policy and is kept by nobody, refusals and downloads included', async () => {
    const answers = [
      await ask('/nothing'),
      await ask('/', { cookie: '' }),
      await ask('/', { headers: { host: 'evil.test' } }),
      await ask('/', { method: 'POST' }),
      await ask(new URL(server.launchUrl()).search.replace('?', '/?'), { cookie: '' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([404, 401, 403, 405, 302]);
    for (const { headers } of answers) {
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'/u);
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
    }
  });

  it('comes from this machine’s own address only', async () => {
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4');
    for (const { address } of others) {
      const socket = connect(server.port, address);
      const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
      expect(error.code, address).toBe('ECONNREFUSED');
    }
  });

  it('is no, once too many strangers ask, and yes again a moment later; who is signed in is answered all the while', async () => {
    const own = await serveWeb({
      answer: await loadPages(join(folder, 'out'), { kind: 'web', version: '1' }),
      served,
      secret: 'x',
      port: 0,
      requestLimit: { burst: 20, perSecond: 0.5 },
    });
    const { headers } = await fetch(own.launchUrl(), { redirect: 'manual' });
    const signedIn = { cookie: headers.get('set-cookie')?.split(';')[0] ?? '' };
    const statuses: number[] = [];
    for (let i = 0; i < 25; i++) statuses.push((await fetch(own.url, { redirect: 'manual' })).status);
    expect(statuses.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 401)); // it is asked who it is
    expect(statuses.slice(20)).toContain(429);
    expect((await fetch(own.url, { headers: signedIn })).status).toBe(200);
    expect((await fetch(own.launchUrl(), { redirect: 'manual' })).status).toBe(302);
    await delay(2500);
    expect((await fetch(own.url, { redirect: 'manual' })).status).toBe(401);
    // A page of ours that floods has a limit of its own.
    const owns: number[] = [];
    for (let i = 0; i < 25; i++) owns.push((await fetch(own.url, { headers: signedIn })).status);
    expect(owns).toContain(429);
    await own.close();
  });

  it('is no to a request with two names of its host', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write(
      `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.test\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`,
    );
    const [head] = (await once(socket, 'data')) as [Buffer];
    expect(head.toString('utf8')).toMatch(/^HTTP\/1\.1 40[03] /u);
    socket.destroy();
  });
});

describe('connections of the web host', () => {
  it('are for our own page, signed in', async () => {
    expect(await openSocket({}, { origin: 'http://evil.test' })).toBe(403);
    expect(await openSocket({}, { origin: null })).toBe(403);
    expect(await openSocket({ host: `evil.test:${server.port}` }, { origin: `http://evil.test:${server.port}` })).toBe(
      403,
    );
    expect(await openSocket({}, { cookie: 'a=b' })).toBe(401);
    expect(await openSocket({}, { path: '/elsewhere' })).toBe(404);
    const socket = await page();
    expect(await echo(socket, 'ü')).toEqual({ type: 'result', id: 1, output: 'ü' });
    socket.close();
  });

  it('tell a call that is none what is wrong with it', async () => {
    const socket = await page();
    const answered = once(socket, 'message');
    socket.send(JSON.stringify({ type: 'call', id: 9, procedure: 'thing.echo', input: {}, more: 1 }));
    const [data] = (await answered) as [Buffer];
    expect(JSON.parse(data.toString('utf8'))).toMatchObject({ type: 'error', id: 9, error: { code: 'usage' } });
    socket.close();
  });

  it('end the work of a page that goes, closed or silent', async () => {
    aborted = 0;
    for (const end of ['close', 'terminate'] as const) {
      const socket = await page();
      const begun = once(socket, 'message');
      socket.send(JSON.stringify({ type: 'call', id: 1, procedure: 'thing.wait', input: {} }));
      await begun;
      socket[end]();
    }
    const silent = await page();
    const begun = once(silent, 'message');
    silent.send(JSON.stringify({ type: 'call', id: 1, procedure: 'thing.wait', input: {} }));
    await begun;
    silent.pause(); // answers no ping any more
    await until(() => aborted === 3);
    silent.terminate();
    expect(served.pending()).toBe(0);
  });

  it('close on a message that is too large, on bytes, on a flood; the host goes on', async () => {
    const closes = async (send: (socket: WebSocket) => void) => {
      const socket = await page();
      socket.on('error', () => undefined);
      const closed = once(socket, 'close');
      send(socket);
      const [code] = (await closed) as [number];
      return code;
    };
    expect(await closes((socket) => socket.send('x'.repeat((16 << 20) + 1)))).toBe(1009);
    expect(await closes((socket) => socket.send(Buffer.from([1, 2, 3])))).toBe(1003);
    expect(
      await closes((socket) => {
        for (let id = 1; id <= 5000; id++) socket.send(`{"type":"cancel","id":${id}}`);
      }),
    ).toBe(1008);
    const socket = await page();
    expect(await echo(socket, 'still here')).toMatchObject({ output: 'still here' });
    socket.close();
  });

  it('a thousand idle sockets take nothing from who is signed in, and are closed', { timeout: 60_000 }, async () => {
    const socket = await page();
    const idle: Socket[] = [];
    const open = new Set<Socket>();
    for (let i = 0; i < 1000; i++) {
      const each = connect(server.port, '127.0.0.1');
      each
        .on('connect', () => open.add(each))
        .on('close', () => open.delete(each))
        .on('error', () => undefined)
        .resume(); // else it does not see its end
      idle.push(each);
      if (i % 100 === 99) {
        await delay(20);
        expect(await echo(socket, `${i}`, i)).toMatchObject({ output: `${i}` });
        expect((await ask('/')).status).toBe(200); // a new connection, too
      }
    }
    await delay(200);
    await until(() => open.size <= 64); // the oldest gave way
    await until(() => open.size === 0, 15_000); // none of them ever said who it is
    expect(await echo(socket, 'after', 5000)).toMatchObject({ output: 'after' });
    socket.close();
    for (const each of idle) each.destroy();
  });

  it('a slow request is cut off', { timeout: 30_000 }, async () => {
    const slow = connect(server.port, '127.0.0.1');
    slow.on('error', () => undefined);
    slow.write('GET / HTTP/1.1\r\nHost: ');
    const closed = once(slow, 'close');
    slow.resume();
    await Promise.race([closed, delay(15_000).then(() => Promise.reject(new Error('It stayed open.')))]);
  });
});

async function until(isSo: () => boolean, ms = 5000): Promise<void> {
  for (const end = performance.now() + ms; performance.now() < end; await delay(20)) if (isSo()) return;
  throw new Error('It did not come to pass.');
}

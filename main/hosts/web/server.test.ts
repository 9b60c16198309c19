import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPages } from '../pages.ts';
import { serveOnLoopback, type WebServer } from './server.ts';

let folder: string;
let server: WebServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-pages-'));
  await mkdir(join(folder, 'out/assets'), { recursive: true });
  await writeFile(join(folder, 'out/index.html'), '<!doctype html>');
  await writeFile(join(folder, 'out/assets/index.js'), 'export {};');
  await writeFile(join(folder, 'out/assets/index.js.map'), 'not served');
  await writeFile(join(folder, 'secret.html'), 'secret');
  server = await serveOnLoopback(await loadPages(join(folder, 'out'), { kind: 'web', version: '1.2.3' }), 0);
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

/** A request as it is written here: fetch would tidy path and Host up. */
function ask(path: string, { method = 'GET', host }: { method?: string; host?: string } = {}) {
  const { hostname, port } = new URL(server.url);
  return new Promise<{ status: number | undefined; body: string; headers: NodeJS.Dict<string | string[]> }>(
    (resolve, reject) => {
      const headers = host === undefined ? {} : { host };
      const sent = request({ hostname, port, path, method, headers }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => (body += text));
        response.on('end', () => resolve({ status: response.statusCode, body, headers: response.headers }));
      });
      sent.on('error', reject).end();
    },
  );
}

describe('the web host', () => {
  it('serves the page, its files and its facts, all under a policy that allows nothing from elsewhere', async () => {
    const page = await ask('/');
    expect([page.status, page.body]).toEqual([200, '<!doctype html>']);
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(page.headers['x-content-type-options']).toBe('nosniff');
    expect((await ask('/assets/index.js')).headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(JSON.parse((await ask('/host.json')).body)).toEqual({ kind: 'web', version: '1.2.3' });
    expect((await ask('/', { method: 'HEAD' })).body).toBe('');
  });

  it('serves nothing else', async () => {
    const paths = [
      '/../secret.html',
      '/..%2fsecret.html',
      '/assets/../../secret.html',
      '/assets/index.js.map',
      '/nothing',
    ];
    for (const path of paths) expect((await ask(path)).status, path).toBe(404);
    expect((await ask('//x:99999/')).status).toBe(400);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) expect((await ask('/', { method })).status).toBe(405);
  });

  it('answers under its own address only: a name that was made to point here is refused', async () => {
    const { port } = new URL(server.url);
    expect((await ask('/', { host: `localhost:${port}` })).status).toBe(200);
    for (const host of [
      'evil.test',
      `evil.test:${port}`,
      '127.0.0.1',
      `127.0.0.1.evil.test:${port}`,
      `127.0.0.1:${port}1`,
    ]) {
      expect((await ask('/', { host })).status, host).toBe(403);
    }
  });
});

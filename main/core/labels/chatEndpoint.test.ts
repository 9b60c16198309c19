import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { askChat, checkEndpoint } from './chatEndpoint.ts';

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** @returns its address, and what it was sent. */
async function server(answer: (request: IncomingMessage, response: ServerResponse, body: string) => void) {
  const bodies: { body: string; headers: IncomingMessage['headers'] }[] = [];
  const made = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      bodies.push({ body, headers: request.headers });
      answer(request, response, body);
    });
  });
  made.listen(0, '127.0.0.1');
  await once(made, 'listening');
  stops.push(async () => {
    made.closeAllConnections();
    made.close();
    await once(made, 'close');
  });
  return { url: `http://127.0.0.1:${(made.address() as AddressInfo).port}/v1`, bodies };
}

const never = new AbortController().signal;
const messages = [{ role: 'user', content: 'What is it?' }] as const;
const endpoint = (url: string, allowsRemote = false) => ({ url, model: 'local', allowsRemote });
const ask = (url: string, signal = never) => askChat(endpoint(url), messages, { maxTokens: 7, signal, key: 'secret' });

describe('a language model of one’s own', () => {
  it('is asked as OpenAI’s chat completions are, and its answer read', async () => {
    const { url, bodies } = await server((request, response) => {
      expect(request.url).toBe('/v1/chat/completions');
      response.end(JSON.stringify({ choices: [{ message: { role: 'assistant', content: 'a label' } }], usage: {} }));
    });
    expect(await ask(`${url}/`)).toBe('a label');
    expect(JSON.parse(bodies[0]!.body)).toEqual({
      ...{ model: 'local', messages, max_tokens: 7, temperature: 0, stream: false },
    });
    expect(bodies[0]!.headers).toMatchObject({ 'content-type': 'application/json', authorization: 'Bearer secret' });
  });

  it.each([
    ['http://192.0.2.1/v1', 'permission'],
    ['http://example.com/v1', 'permission'],
    ['http://127.0.0.1.example.com/v1', 'permission'],
    ['http://[2001:db8::1]/v1', 'permission'],
    ['http://0.0.0.0/v1', 'permission'],
    ['http://[::ffff:192.0.2.1]/v1', 'permission'],
    ['file:///etc/passwd', 'usage'],
    ['http://user:password@127.0.0.1/v1', 'usage'],
    ['nonsense', 'usage'],
  ])('at %s is not asked unless texts may leave the machine: %s', async (url, code) => {
    await expect(checkEndpoint(endpoint(url))).rejects.toMatchObject({ code });
    await expect(ask(url)).rejects.toMatchObject({ code });
    if (code === 'usage') await expect(checkEndpoint(endpoint(url, true))).rejects.toMatchObject({ code });
    else expect((await checkEndpoint(endpoint(url, true))).pathname).toBe('/v1/chat/completions');
  });

  it.each(['http://127.0.0.1:1234/v1', 'http://127.8.9.10/v1', 'http://[::1]:80/v1', 'http://2130706433/v1'])(
    'at %s is of this machine',
    async (url) => {
      expect((await checkEndpoint(endpoint(url))).href).toMatch(/\/v1\/chat\/completions$/u);
    },
  );

  it('on this machine is asked directly, whatever proxy the environment names', async () => {
    const { url, bodies } = await server((_, response) => {
      response.end(JSON.stringify({ choices: [{ message: { content: 'asked directly' } }] }));
    });
    const proxied: string[] = [];
    const proxy = createServer((request, response) => {
      proxied.push(request.url ?? '');
      response.writeHead(502).end();
    });
    proxy.on('connect', (request, socket) => {
      proxied.push(request.url ?? '');
      socket.end('HTTP/1.1 502 No\r\n\r\n');
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    stops.push(async () => {
      proxy.closeAllConnections();
      proxy.close();
      await once(proxy, 'close');
    });
    const at = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const asking = `
      const { askChat } = await import(${JSON.stringify(new URL('./chatEndpoint.ts', import.meta.url).href)});
      const { signal } = new AbortController();
      const ask = (url, allowsRemote) =>
        askChat({ url, model: 'local', allowsRemote }, [{ role: 'user', content: 'secret text' }], { maxTokens: 7, signal });
      console.log(await ask(${JSON.stringify(url)}, false), await ask(${JSON.stringify(url)}, true));
      await ask('http://somewhere.test/v1', true).catch(() => console.log('the other by the proxy'));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', asking], {
      env: { ...process.env, NODE_USE_ENV_PROXY: '1', HTTP_PROXY: at, HTTPS_PROXY: at, NO_PROXY: '' },
    });
    expect(stdout).toBe('asked directly asked directly\nthe other by the proxy\n');
    expect(bodies).toHaveLength(2);
    // Node that knows the variable sends what may leave the machine by the proxy, and nothing else.
    expect(proxied.filter((asked) => !asked.includes('somewhere.test'))).toEqual([]);
  });

  it('that leads elsewhere is not followed', async () => {
    const elsewhere = await server((_, response) => response.end('{}'));
    const { url } = await server((_, response) => {
      response.writeHead(307, { Location: `${elsewhere.url}/chat/completions` }).end();
    });
    await expect(ask(url)).rejects.toMatchObject({ code: 'unreachable' });
    expect(elsewhere.bodies).toEqual([]);
  });

  it('that is not there, refuses, babbles or never ends is told in one sentence', async () => {
    await expect(ask('http://127.0.0.1:9/v1')).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('127.0.0.1:9') as string,
    });
    const refusing = await server((_, response) => response.writeHead(404).end('{"error":\n"no such model"}'));
    await expect(ask(refusing.url)).rejects.toThrow(/refused \(404\): .*no such model/u);
    const html = await server((_, response) => response.end('<html>hello</html>'));
    await expect(ask(html.url)).rejects.toThrow(/not OpenAI’s chat completions/u);
    const empty = await server((_, response) => response.end('{"choices":[]}'));
    await expect(ask(empty.url)).rejects.toMatchObject({ code: 'unreachable' });
    const endless = await server((_, response) => {
      const write = () => response.writable && response.write('x'.repeat(1 << 16)) && setImmediate(write);
      response.on('drain', write);
      write();
    });
    await expect(ask(endless.url)).rejects.toThrow(/longer than/u);
  });

  it('can be given up on', async () => {
    const { url } = await server(() => undefined);
    const abort = new AbortController();
    const asked = ask(url, abort.signal);
    setTimeout(() => abort.abort(), 50);
    await expect(asked).rejects.toMatchObject({ code: 'cancelled' });
  });
});

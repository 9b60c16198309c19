// Answers requests for the built renderer, the same in both hosts: the web host wraps it in an HTTP server, the Electron
// host in its app:// protocol. Only files that were there at the start are served, by exact name, so no path leads out.
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { HOST_FACTS_PATH, type HostFacts } from '../contract/api/host.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** On every answer, whatever it is. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=(), usb=(), payment=()',
};

export type Answer = (request: Request) => Promise<Response>;
/** Answers what it knows; null for the rest. */
export type Blobs = (request: Request) => Promise<Response | null>;

/**
 * @param folder the built renderer, out/renderer.
 * @param blobs asked first.
 * @throws AppError `not-found` when it was not built.
 */
export async function loadPages(folder: string, facts: HostFacts, blobs: Blobs = async () => null): Promise<Answer> {
  const files = new Map<string, { type: string; bytes: Uint8Array<ArrayBuffer> }>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const type = TYPES[extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(`/${relative(folder, path).split(sep).join('/')}`, { type, bytes: new Uint8Array(await readFile(path)) });
  }
  const answer = (
    status: number,
    type: string,
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
  ) => new Response(body, { status, headers: { 'Content-Type': type, ...headers } });

  async function find(request: Request): Promise<Response> {
    const blob = await blobs(request);
    if (blob) return blob;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return answer(405, 'text/plain', 'Only GET and HEAD.', { Allow: 'GET, HEAD' });
    }
    const { pathname } = new URL(request.url);
    if (pathname === HOST_FACTS_PATH) return answer(200, 'application/json', JSON.stringify(facts));
    const file = files.get(pathname === '/' ? '/index.html' : pathname);
    return file ? answer(200, file.type, file.bytes) : answer(404, 'text/plain', 'Not found.');
  }

  return async (request) => {
    const response = await find(request);
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.headers.set(name, value);
    response.headers.set('Cache-Control', 'no-store');
    return response;
  };
}

// A server on this machine that speaks the Hub's API as far as it is asked: the description of a revision, files by redirect to
// a second host (as large files are at the Hub), ranges, refusals with their headers. It can misbehave in the ways of networks.
import { createHash } from 'node:crypto';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ServedRepository {
  readonly commit: string;
  readonly files: Readonly<Record<string, Uint8Array | string>>;
  /** Files that are stored as large ones: named by SHA-256, served by the other host. Those of 1 KB and more when left out. */
  readonly isLarge?: (name: string) => boolean;
  /** 'terms', 'waiting': files are refused to every token. 'login': to those without one. */
  readonly gate?: 'terms' | 'waiting' | 'login';
  readonly isPrivate?: boolean;
}

export interface SeenRequest {
  readonly host: 'hub' | 'storage';
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

export interface HubServer {
  readonly endpoint: string;
  readonly requests: SeenRequest[];
  /** Connections of the storage that end after so many bytes of a file, one after another. */
  readonly cuts: number[];
  /** What the storage sends in place of a file's bytes. */
  readonly spoiled: Map<string, Uint8Array>;
  /** Changes with the storage's ETag: a rest with the old one must not be joined to. */
  storageTag: string;
  /** Bytes of a piece, and the pause after each: a slow line. */
  pace: { readonly bytes: number; readonly ms: number } | null;
  stop(): Promise<void>;
}

const TOKEN = /^Bearer hf_[A-Za-z0-9]+$/u;

type FindRepository = (name: string) => ServedRepository | undefined;

/** @param served the repositories by their names. */
export async function startHubServer(
  served: Readonly<Record<string, ServedRepository>> | FindRepository,
): Promise<HubServer> {
  const find = typeof served === 'function' ? served : (name: string) => served[name];
  const requests: SeenRequest[] = [];
  const cuts: number[] = [];
  const spoiled = new Map<string, Uint8Array>();
  let storageOrigin = '';

  const hub = createServer((request, response) => {
    requests.push({ host: 'hub', url: request.url ?? '', headers: request.headers });
    answerHub(request, response, find, storageOrigin);
  });
  const storage = createServer((request, response) => {
    requests.push({ host: 'storage', url: request.url ?? '', headers: request.headers });
    const [, repository = '', name = ''] = (request.url ?? '').split('?')[0]?.split('|').map(decodeURIComponent) ?? [];
    const content = spoiled.get(name) ?? Buffer.from(find(repository)?.files[name] ?? '');
    void send(request, response, content, `"${server.storageTag}"`, {
      cutAfter: cuts.shift() ?? null,
      pace: server.pace,
    });
  });
  const server: HubServer = {
    endpoint: `http://127.0.0.1:${await listen(hub)}`,
    requests,
    cuts,
    spoiled,
    storageTag: 'first',
    pace: null,
    stop: async () => {
      for (const one of [hub, storage]) {
        one.closeAllConnections();
        await new Promise((resolve) => one.close(resolve));
      }
    },
  };
  storageOrigin = `http://localhost:${await listen(storage)}`;
  return server;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function answerHub(
  request: IncomingMessage,
  response: ServerResponse,
  find: FindRepository,
  storageOrigin: string,
): void {
  const isLoggedIn = TOKEN.test(request.headers.authorization ?? '');
  const refuse = (status: number, code: string, message: string) =>
    void response.writeHead(status, { 'X-Error-Code': code, 'X-Error-Message': message }).end();
  const path = decodeURIComponent((request.url ?? '').split('?')[0] ?? '');
  const api = /^\/api\/models\/(.+)\/revision\/(.+)$/u.exec(path);
  const file = /^\/(.+)\/resolve\/([^/]+)\/(.+)$/u.exec(path);
  const [, name = '', revision = '', fileName = ''] = api ?? file ?? [];
  const repository = find(name);
  if (!repository || (repository.isPrivate === true && !isLoggedIn))
    return refuse(isLoggedIn ? 404 : 401, 'RepoNotFound', 'Repository not found');
  if (!['main', 'v1', repository.commit].includes(revision))
    return refuse(404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
  if (api) {
    const siblings = Object.entries(repository.files).map(([rfilename, content]) => ({
      rfilename,
      size: Buffer.byteLength(content),
      blobId: gitHash(content),
      ...(isLarge(repository, rfilename)
        ? { lfs: { sha256: sha256(content), size: Buffer.byteLength(content), pointerSize: 130 } }
        : {}),
    }));
    response.setHeader('Content-Type', 'application/json');
    return void response.end(JSON.stringify({ id: name, sha: repository.commit, siblings }));
  }
  if (repository.gate !== undefined) {
    if (!isLoggedIn) return refuse(401, 'GatedRepo', `Access to model ${name} is restricted.`);
    if (repository.gate === 'terms')
      return refuse(403, 'GatedRepo', `Access to model ${name} is restricted and you are not in the authorized list.`);
    if (repository.gate === 'waiting')
      return refuse(
        403,
        'GatedRepo',
        `Your request to access model ${name} is awaiting a review from the repo authors.`,
      );
  }
  const content = repository.files[fileName];
  if (content === undefined) return refuse(404, 'EntryNotFound', 'Entry not found');
  const large = isLarge(repository, fileName);
  const etag = large ? sha256(content) : gitHash(content);
  response.setHeader('X-Repo-Commit', repository.commit);
  response.setHeader('X-Linked-Size', Buffer.byteLength(content));
  response.setHeader('X-Linked-Etag', `"${etag}"`);
  if (!large) return void send(request, response, Buffer.from(content), `"${etag}"`, {});
  const where = [name, fileName].map(encodeURIComponent).join('|');
  response.writeHead(302, { Location: `${storageOrigin}/signed|${where}?X-Signature=abc`, ETag: `"${etag}"` }).end();
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  content: Uint8Array,
  etag: string,
  { cutAfter = null, pace = null }: { cutAfter?: number | null; pace?: HubServer['pace'] },
): Promise<void> {
  response.setHeader('ETag', etag);
  response.setHeader('Accept-Ranges', 'bytes');
  const [, from = '', to = ''] = /^bytes=(\d+)-(\d*)$/u.exec(request.headers.range ?? '') ?? [];
  const isStale = request.headers['if-range'] !== undefined && request.headers['if-range'] !== etag;
  let body = content;
  if (from !== '' && !isStale) {
    const end = to === '' ? content.length : Math.min(content.length, Number(to) + 1);
    if (Number(from) >= content.length) return void response.writeHead(416).end();
    body = content.subarray(Number(from), end);
    response.writeHead(206, { 'Content-Range': `bytes ${from}-${end - 1}/${content.length}` });
  }
  if (request.method === 'HEAD') return void response.end();
  if (cutAfter !== null && cutAfter < body.length) {
    response.flushHeaders();
    response.write(body.subarray(0, cutAfter), () => setTimeout(() => response.destroy(), 20));
    return;
  }
  if (pace === null) return void response.end(body);
  for (let at = 0; at < body.length && !response.destroyed; at += pace.bytes) {
    response.write(body.subarray(at, at + pace.bytes));
    await new Promise((resolve) => setTimeout(resolve, pace.ms));
  }
  response.end();
}

function isLarge({ files, isLarge: say }: ServedRepository, name: string): boolean {
  return say?.(name) ?? Buffer.byteLength(files[name] ?? '') >= 1024;
}

function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** What git calls a file with that content. */
function gitHash(content: Uint8Array | string): string {
  return createHash('sha1')
    .update(`blob ${Buffer.byteLength(content)}\0`)
    .update(content)
    .digest('hex');
}

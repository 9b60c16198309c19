// Asks the Hub, at HF_ENDPOINT, and only when a person asked for it. One of the two places of the program that open a connection
// to anything but its own window.
// Invariant: the token goes to the Hub's own origin alone, encrypted or on this machine; a redirect to another host does not get it.
import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';
import { hubPlaces, type Environment } from './hubPlaces.ts';
import { hubToken } from './hubToken.ts';
import { refusalOf } from './refusals.ts';

/** A server that says nothing for so long is taken for gone. */
const SILENCE_MS = 60_000;
const MOST_REDIRECTS = 5;
const MOST_JSON_BYTES = 1 << 27;

export interface HubRequest {
  readonly signal: AbortSignal;
  /** 'bytes=0-99' */
  readonly range?: string;
  /** The ETag that the rest must belong to. */
  readonly ifRange?: string;
}

/** An answer to be read while it comes. Its reading ends with an error when nothing comes for a while. */
export interface HubAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Ends the connection; what was not read is not fetched. */
  close(): void;
}

export interface HubConnection {
  readonly endpoint: string;
  /** A file of a repository. @throws AppError as get. */
  file(repository: string, commit: string, name: string, request: HubRequest): Promise<HubAnswer>;
  /** JSON of the API, checked. @throws AppError as get; `unreachable` for what is not of that schema. */
  json<Schema extends v.GenericSchema>(
    path: string,
    schema: Schema,
    repository: string,
    signal: AbortSignal,
  ): Promise<v.InferOutput<Schema>>;
}

/** @throws AppError `usage` for an endpoint that is not a server; `unreachable` when HF_HUB_OFFLINE is set. */
export async function connectHub(environment: Environment = process.env): Promise<HubConnection> {
  const { endpoint, isOffline } = hubPlaces(environment);
  if (isOffline) {
    throw new AppError(
      'unreachable',
      'HF_HUB_OFFLINE is set, so nothing is asked of the Hub. errata hub list shows what is in the cache.',
    );
  }
  const origin = parseEndpoint(endpoint);
  const token = await hubToken(environment);

  async function get(url: URL, repository: string, { signal, range, ifRange }: HubRequest): Promise<HubAnswer> {
    const answer = await follow(
      url,
      (at) => {
        const carriesToken = token !== null && at.origin === origin.origin && isPrivate(at);
        return {
          'Accept-Encoding': 'identity',
          'User-Agent': 'errata',
          ...(range === undefined ? {} : { Range: range }),
          ...(ifRange === undefined ? {} : { 'If-Range': ifRange }),
          ...(carriesToken ? { Authorization: `Bearer ${token}` } : {}),
        };
      },
      signal,
    );
    if (answer.status < 400 || answer.status === 416) return answer;
    answer.close();
    throw refusalOf(
      { status: answer.status, headers: answer.headers },
      { repository, endpoint, isLoggedIn: token !== null },
    );
  }

  return {
    endpoint,
    file: (repository, commit, name, request) => {
      const path = name.split('/').map(encodeURIComponent).join('/');
      return get(new URL(`${endpoint}/${repository}/resolve/${commit}/${path}`), repository, request);
    },
    json: async (path, schema, repository, signal) => {
      const answer = await get(new URL(`${endpoint}${path}`), repository, { signal });
      const parsed = v.safeParse(schema, jsonOf(await readBounded(answer, MOST_JSON_BYTES)));
      if (parsed.success) return parsed.output;
      throw new AppError('unreachable', `${endpoint} answers, but not as the Hub does: ${parsed.issues[0].message}.`);
    },
  };
}

function parseEndpoint(endpoint: string): URL {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  if (url && ['http:', 'https:'].includes(url.protocol) && url.username === '' && url.password === '') return url;
  throw new AppError('usage', 'HF_ENDPOINT is not the address of a server. Example: https://huggingface.co');
}

/** Nobody on the way can read what is sent there. */
function isPrivate({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
}

async function follow(
  from: URL,
  headersFor: (url: URL) => Record<string, string>,
  signal: AbortSignal,
): Promise<HubAnswer> {
  let url = from;
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const answer = await ask(url, headersFor(url), signal);
    const location = answer.headers.get('Location');
    if (answer.status < 300 || answer.status >= 400 || location === null) return answer;
    answer.close();
    const next = URL.canParse(location, url.href) ? new URL(location, url) : null;
    const isAllowed = next && (next.protocol === 'https:' || (next.protocol === 'http:' && url.protocol === 'http:'));
    if (!isAllowed) throw new AppError('unreachable', `${url.host} redirects to an address that is not encrypted.`);
    url = next;
  }
  throw new AppError('unreachable', `${from.host} redirects more than ${MOST_REDIRECTS} times.`);
}

async function ask(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<HubAnswer> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), SILENCE_MS);
  };
  const failure = (thrown: unknown) => {
    clearTimeout(timer);
    if (signal.aborted) return new AppError('cancelled', 'Cancelled.');
    const why = silence.signal.aborted ? `said nothing for ${SILENCE_MS / 1000} s` : reasonOf(thrown);
    return new AppError('unreachable', `${url.host} could not be read: ${why}.`, { cause: thrown });
  };
  const response = await fetch(url, {
    headers,
    redirect: 'manual',
    signal: AbortSignal.any([signal, silence.signal]),
  }).catch((thrown: unknown) => {
    throw failure(thrown);
  });
  heard();
  async function* read(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
        heard();
        yield chunk;
      }
    } catch (thrown) {
      throw thrown instanceof AppError ? thrown : failure(thrown);
    } finally {
      clearTimeout(timer);
    }
  }
  return {
    status: response.status,
    headers: response.headers,
    chunks: read(),
    close: () => {
      clearTimeout(timer);
      silence.abort();
    },
  };
}

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return 'no reason';
  const { cause } = thrown;
  if (cause instanceof Error) return 'code' in cause ? String(cause.code) : cause.message;
  return thrown.message;
}

/** @throws AppError `unreachable` for an answer that is longer. */
export async function readBounded(answer: HubAnswer, most: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.chunks) {
    bytes += chunk.byteLength;
    if (bytes > most) {
      answer.close();
      throw new AppError('unreachable', `An answer of the Hub is longer than ${most} bytes.`);
    }
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  } catch {
    return null;
  }
}

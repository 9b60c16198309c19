// Asks a language model of the person's own by OpenAI's chat completions, the protocol that llama.cpp, Ollama, vLLM and others
// speak. One of the two places of the program that open a connection to anything but its own window. It asks loopback addresses
// only, unless the person has said that texts may leave the machine; it follows no redirect, and reads no more than an answer
// can need.
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import http, { type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import https from 'node:https';
import { BlockList, isIP } from 'node:net';
import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';
import type { Endpoint } from '../../contract/api/app.ts';

export interface ChatMessage {
  readonly role: 'system' | 'user';
  readonly content: string;
}

const ANSWER_MS = 120_000;
const MOST_BYTES = 1 << 20;

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const answerSchema = v.object({
  choices: v.pipe(v.array(v.object({ message: v.object({ content: v.string() }) })), v.minLength(1)),
});

function isLoopback(address: string): boolean {
  const kind = isIP(address);
  return kind !== 0 && loopback.check(address, kind === 4 ? 'ipv4' : 'ipv6');
}

/**
 * @returns where to post to.
 * @throws AppError `usage` for what is no such address, `permission` for one that is not of this machine while that is not allowed.
 */
export async function checkEndpoint({ url, allowsRemote }: Endpoint): Promise<URL> {
  let parsed: URL;
  try {
    parsed = new URL(`${url.replace(/\/+$/u, '')}/chat/completions`);
  } catch {
    throw new AppError(
      'usage',
      `"${url.slice(0, 100)}" is not the address of a server. Example: http://127.0.0.1:8080/v1`,
    );
  }
  if (!['http:', 'https:'].includes(parsed.protocol) || parsed.username !== '' || parsed.password !== '') {
    throw new AppError(
      'usage',
      'The address of a language model begins with http:// or https:// and holds no password.',
    );
  }
  if (allowsRemote) return parsed;
  const host = parsed.hostname.replace(/^\[|\]$/gu, '');
  // A name is of this machine only if all that it stands for is; "localhost" can be made to mean anything.
  const addresses =
    isIP(host) !== 0
      ? [host]
      : host === 'localhost'
        ? (await lookup(host, { all: true }).catch(() => [])).map(({ address }) => address)
        : [];
  if (addresses.length > 0 && addresses.every(isLoopback)) return parsed;
  throw new AppError(
    'permission',
    `${parsed.host} is not of this machine. Texts are sent to it only if the settings allow that they leave this machine.`,
  );
}

/**
 * @returns the answer's text.
 * @throws AppError `unreachable` when the server does not answer, or not as the protocol has it; `cancelled`; as checkEndpoint.
 */
export async function askChat(
  endpoint: Endpoint,
  messages: readonly ChatMessage[],
  { maxTokens, signal, key }: { maxTokens: number; signal: AbortSignal; key?: string | undefined },
): Promise<string> {
  const url = await checkEndpoint(endpoint);
  const timeout = AbortSignal.timeout(ANSWER_MS);
  let text: string;
  let status: number;
  try {
    const response = await post(
      url,
      {
        'Content-Type': 'application/json',
        ...(key === undefined || key === '' ? {} : { Authorization: `Bearer ${key}` }),
      },
      JSON.stringify({ model: endpoint.model, messages, max_tokens: maxTokens, temperature: 0, stream: false }),
      AbortSignal.any([signal, timeout]),
    );
    status = response.statusCode ?? 0;
    text = await readText(response, url.host);
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown;
    if (signal.aborted) throw new AppError('cancelled', 'The question was cancelled.');
    const why = timeout.aborted
      ? `gave no answer in ${ANSWER_MS / 1000} s`
      : `could not be asked (${thrown instanceof Error ? reasonOf(thrown) : 'no reason'})`;
    throw new AppError('unreachable', `The language model at ${url.host} ${why}.`);
  }
  if (status !== 200) {
    throw new AppError('unreachable', `The language model at ${url.host} refused (${status}): ${oneLine(text)}`);
  }
  const parsed = v.safeParse(answerSchema, jsonOf(text));
  const content = parsed.success ? parsed.output.choices[0]?.message.content : undefined;
  if (content !== undefined) return content;
  throw new AppError(
    'unreachable',
    `What ${url.host} answers is not OpenAI’s chat completions: ${oneLine(text) || 'nothing'}`,
  );
}

/**
 * Posts and resolves with the head of the answer, whatever its status: a redirect is an answer like any other. An address of
 * this machine is asked directly: a proxy that the environment names for others would read the texts along.
 */
async function post(
  url: URL,
  headers: OutgoingHttpHeaders,
  body: string,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { request, Agent } = url.protocol === 'https:' ? https : http;
  const isHere = url.hostname === 'localhost' || isLoopback(url.hostname.replace(/^\[|\]$/gu, ''));
  const sent = request(url, {
    ...{ method: 'POST', headers, signal },
    ...(isHere ? { agent: new Agent({ proxyEnv: {} }) } : {}),
  });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return response;
}

async function readText(response: IncomingMessage, host: string): Promise<string> {
  const decoder = new TextDecoder();
  let [text, bytes] = ['', 0];
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > MOST_BYTES)
      throw new AppError('unreachable', `The answer of ${host} is longer than ${MOST_BYTES} bytes.`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

function reasonOf(error: Error): string {
  const { cause } = error;
  const inner =
    cause instanceof Error && 'code' in cause ? String(cause.code) : cause instanceof Error ? cause.message : '';
  return oneLine(inner || error.message);
}

function oneLine(text: string): string {
  return text
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, 200);
}

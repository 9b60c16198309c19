// A served model over HTTP, as OpenAI's API has it: /v1/models, /v1/completions, /v1/chat/completions, answered whole or as
// server-sent events. On this machine only. Programs ask, not pages: whatever comes with an Origin, or for another host's name, is
// refused, so that no web site can reach it.
import { randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type * as v from 'valibot';
import { AppError, toAppError, type ErrorCode } from '../../contract/base/errors.ts';
import { validate } from '../../contract/base/validate.ts';
import {
  chatSchema,
  completionSchema,
  type ChatRequest,
  type CompletionRequest,
} from '../../contract/domain/completionRequest.ts';
import type { CompletionInput, ServedModel, Serving } from '../../workbench/serving.ts';
import { isSame } from '../web/guard.ts';
import { chatChoice, chatDelta, modelList, textChoice, usageOf, type Heading } from './answers.ts';

const LARGEST_BODY = 8 << 20;
const MOST_CHOICES_AT_ONCE = 256;
const LOOPBACK = '127.0.0.1';
const NAMES = [LOOPBACK, 'localhost', '[::1]'];
const MS = { headers: 10_000, request: 60_000 };

export interface CompletionServerOptions {
  readonly serving: Serving;
  /** 0 takes any that is free. */
  readonly port: number;
  /** Has to be sent as `Authorization: Bearer …`; null: nothing has. */
  readonly token: string | null;
  /** Of every request that was answered, in a line. */
  readonly log?: (line: string) => void;
}

export interface CompletionServer {
  readonly url: string;
  close(): Promise<void>;
}

/** @throws what listening throws: EADDRINUSE, EACCES. */
export async function serveCompletions(options: CompletionServerOptions): Promise<CompletionServer> {
  const state: State = { ...options, created: Math.floor(Date.now() / 1000), choices: 0 };
  const server = createServer((request, response) => {
    response.on('error', () => undefined); // a client that has gone
    void answer(state, request, response).catch(() => response.destroy());
  });
  server.headersTimeout = MS.headers;
  server.requestTimeout = MS.request;
  server.maxHeadersCount = 100;
  server.listen(options.port, LOOPBACK);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${LOOPBACK}:${port}/v1`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface State extends CompletionServerOptions {
  readonly created: number;
  /** Being made. */
  choices: number;
}

/** What a request is refused with. */
class Refusal extends Error {
  readonly status: number;
  readonly type: string;
  readonly code: string | null;
  readonly param: string | null;

  constructor(
    status: number,
    message: string,
    {
      type = 'invalid_request_error',
      code = null,
      param = null,
    }: {
      type?: string;
      code?: string | null;
      param?: string | null;
    } = {},
  ) {
    super(message);
    this.status = status;
    this.type = type;
    this.code = code;
    this.param = param;
  }
}

const STATUS: Partial<Record<ErrorCode, number>> = {
  ...{ usage: 400, empty: 400, unsupported: 400, diverged: 422, busy: 429, cancelled: 499, 'not-found': 404 },
};

function refusalOf(thrown: unknown): Refusal {
  if (thrown instanceof Refusal) return thrown;
  const { code, message, details } = toAppError(thrown);
  const status = STATUS[code] ?? 500;
  const param = typeof details['path'] === 'string' && code === 'usage' ? details['path'] : null;
  return new Refusal(status, message, { type: status < 500 ? 'invalid_request_error' : 'server_error', code, param });
}

async function answer(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const startedAt = performance.now();
  try {
    const path = check(state, request);
    if (path === '/v1/models') send(response, 200, modelList(state.serving.models, state.created));
    else if (path.startsWith('/v1/models/')) {
      const { id } = modelNamed(state, decodeURIComponent(path.slice('/v1/models/'.length)));
      send(response, 200, { id, object: 'model', created: state.created, owned_by: 'errata' });
    } else if (path === '/v1/completions') await completions(state, await bodyOf(request), response);
    else if (path === '/v1/chat/completions') await chat(state, await bodyOf(request), response);
  } catch (thrown) {
    const refusal = refusalOf(thrown);
    const { message, type, code, param, status } = refusal;
    const error = { error: { message, type, param, code } };
    if (response.headersSent) response.end(`data: ${JSON.stringify(error)}\n\n`);
    else {
      if (status === 429) response.setHeader('Retry-After', '1');
      if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
      if (!request.complete) response.setHeader('Connection', 'close'); // the rest of its body is not read
      send(response, status, error);
    }
  } finally {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(2);
    const [path] = (request.url ?? '').split('?', 1);
    state.log?.(`${request.method ?? ''} ${(path ?? '').slice(0, 100)} ${response.statusCode} ${seconds} s`);
  }
}

const METHODS: Readonly<Record<string, string>> = {
  '/v1/models': 'GET',
  '/v1/completions': 'POST',
  '/v1/chat/completions': 'POST',
};

/** @returns the path that is asked for. */
function check({ token }: State, { headers, method, url = '/' }: IncomingMessage): string {
  const name = headers.host?.replace(/:\d{1,5}$/u, '');
  if (name === undefined || !NAMES.includes(name)) throw new Refusal(403, 'Wrong host.');
  if (headers.origin !== undefined || ![undefined, 'none'].includes(headers['sec-fetch-site'])) {
    throw new Refusal(403, 'Web pages are not answered.');
  }
  const sent = /^Bearer (.+)$/u.exec(headers.authorization ?? '')?.[1];
  if (token !== null && (sent === undefined || !isSame(sent, token))) {
    throw new Refusal(401, 'Send the token that errata serve was given: Authorization: Bearer …', {
      code: 'invalid_api_key',
    });
  }
  const [path = ''] = url.split('?', 1);
  const wanted = path.startsWith('/v1/models/') ? 'GET' : METHODS[path];
  if (wanted === undefined) throw new Refusal(404, `There is no ${path.slice(0, 100)} here.`);
  if (method !== wanted) throw new Refusal(405, `${path.slice(0, 100)} is asked with ${wanted}.`);
  return path;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > LARGEST_BODY) throw new Refusal(413, `The request is larger than ${LARGEST_BODY >> 20} MiB.`);
    pieces.push(piece);
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString('utf8')) as unknown;
  } catch {
    throw new Refusal(400, 'The request is not JSON.');
  }
}

function modelNamed({ serving: { models } }: State, name: string): ServedModel {
  const found = name === '' ? models.at(-1) : models.find(({ id }) => id === name);
  if (found) return found;
  const known = models.map(({ id }) => id).join(', ');
  throw new Refusal(404, `There is no model ${JSON.stringify(name.slice(0, 100))} here, only ${known}.`, {
    ...{ code: 'model_not_found', param: 'model' },
  });
}

/** Aborted when the client hangs up. */
function hangUp(response: ServerResponse): AbortSignal {
  const abort = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) abort.abort();
  });
  return abort.signal;
}

/** Makes choices side by side; all end when one fails, or the client hangs up. */
async function makeChoices<T>(
  state: State,
  count: number,
  response: ServerResponse,
  make: (index: number, signal: AbortSignal) => Promise<T>,
): Promise<T[]> {
  if (state.choices + count > MOST_CHOICES_AT_ONCE) {
    throw new Refusal(429, 'Too many requests at once: try again in a moment.', { code: 'busy' });
  }
  state.choices += count;
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, hangUp(response)]);
  try {
    return await Promise.all(
      Array.from({ length: count }, (_, index) =>
        make(index, signal).catch((thrown: unknown) => {
          failed.abort();
          throw thrown;
        }),
      ),
    );
  } finally {
    state.choices -= count;
  }
}

/** Where the request names no seed, each choice is another draw. */
function seedOf(seed: number | null, choice: number): number {
  return seed === null ? randomInt(2 ** 31) : (Math.abs(seed) + choice) % 2 ** 31;
}

const inputOf = (
  { temperature, top_p: topP, stop }: Pick<CompletionRequest, 'temperature' | 'top_p' | 'stop'>,
  rest: Omit<CompletionInput, 'temperature' | 'topP' | 'stop'>,
): CompletionInput => ({ ...rest, temperature, topP, stop });

async function completions(state: State, body: unknown, response: ServerResponse): Promise<void> {
  const asked = read(completionSchema, body);
  const model = modelNamed(state, asked.model);
  const { n, echo, logprobs, best_of: best } = asked;
  if (best !== null && best !== n) throw new Refusal(400, 'best_of must equal n.', { param: 'best_of' });
  const prompts = promptsOf(asked.prompt);
  const heading = headingOf('cmpl', model);
  const withTokens = logprobs !== null;
  const stream = asked.stream ? new EventStream(response) : null;
  const made = await makeChoices(state, prompts.length * n, response, async (index, signal) => {
    const prompt = prompts[Math.floor(index / n)]!;
    let offset = 0;
    const completion = await state.serving.complete(
      model,
      inputOf(asked, {
        ...{ prompt, maxNewTokens: asked.max_tokens, seed: seedOf(asked.seed, index), alternatives: logprobs, echo },
        isStreamed: asked.stream && !echo,
      }),
      {
        signal,
        onChunk: ({ text, token }) => {
          const piece = { text, tokens: token ? [token] : [], promptTokens: [], promptText: '' };
          stream?.send({
            ...{ ...heading, object: 'text_completion' },
            choices: [textChoice(index, piece, { end: null, logprobs: withTokens, offset })],
          });
          offset += token?.text.length ?? 0;
        },
      },
    );
    const promptText = !echo ? '' : typeof prompt === 'string' ? prompt : completion.promptText;
    const end = completion.end;
    const whole = textChoice(index, { ...completion, promptText }, { end, logprobs: withTokens });
    const last = echo ? whole : { index, text: '', logprobs: null, finish_reason: end };
    stream?.send({ ...heading, object: 'text_completion', choices: [last] });
    return { completion, choice: whole };
  });
  const usage = usageOf(
    made.filter((_, index) => index % n === 0).reduce((sum, { completion }) => sum + completion.promptIds, 0),
    made.map(({ completion }) => completion),
  );
  if (stream) {
    if (asked.stream_options?.include_usage) stream.send({ ...heading, object: 'text_completion', choices: [], usage });
    stream.end();
    return;
  }
  send(response, 200, { ...heading, object: 'text_completion', choices: made.map(({ choice }) => choice), usage });
}

async function chat(state: State, body: unknown, response: ServerResponse): Promise<void> {
  const asked = read(chatSchema, body);
  const model = modelNamed(state, asked.model);
  const { n, logprobs } = asked;
  const heading = headingOf('chatcmpl', model);
  const stream = asked.stream ? new EventStream(response) : null;
  const chunk = (choices: readonly unknown[], more: object = {}) =>
    stream?.send({ ...heading, object: 'chat.completion.chunk', choices, ...more });
  const made = await makeChoices(state, n, response, async (index, signal) => {
    let isBegun = false;
    const begin = () => {
      if (!isBegun) chunk([chatDelta(index, { role: 'assistant', content: '' })]);
      isBegun = true;
    };
    const completion = await state.serving.complete(
      model,
      inputOf(asked, {
        prompt: { messages: messagesOf(asked.messages) },
        maxNewTokens: asked.max_completion_tokens ?? asked.max_tokens,
        seed: seedOf(asked.seed, index),
        alternatives: logprobs ? (asked.top_logprobs ?? 0) : null,
        echo: false,
        isStreamed: asked.stream,
      }),
      {
        signal,
        onChunk: ({ text, token }) => {
          begin();
          if (text !== '' || logprobs) {
            chunk([chatDelta(index, { content: text }, logprobs ? { tokens: token ? [token] : [] } : {})]);
          }
        },
      },
    );
    begin();
    chunk([chatDelta(index, {}, { end: completion.end })]);
    return completion;
  });
  const usage = usageOf(made[0]?.promptIds ?? 0, made);
  if (stream) {
    if (asked.stream_options?.include_usage) chunk([], { usage });
    stream.end();
    return;
  }
  const choices = made.map((completion, index) => chatChoice(index, completion, logprobs));
  send(response, 200, { ...heading, object: 'chat.completion', choices, usage });
}

function read<const Schema extends v.GenericSchema>(schema: Schema, body: unknown): v.InferOutput<Schema> {
  return validate(schema, body, 'The request');
}

function promptsOf(prompt: CompletionRequest['prompt']): readonly (string | number[])[] {
  if (typeof prompt === 'string') return [prompt];
  const isOneInTokens = prompt.every((each): each is number => typeof each === 'number');
  return isOneInTokens ? [prompt] : prompt;
}

function messagesOf(messages: ChatRequest['messages']): { role: string; content: string }[] {
  return messages.map(({ role, content }) => ({
    role: role === 'developer' ? 'system' : role,
    content: typeof content === 'string' ? content : (content ?? []).map(({ text }) => text).join(''),
  }));
}

function headingOf(kind: string, { id: model }: ServedModel): Heading {
  return { id: `${kind}-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response
    .writeHead(status, {
      ...{ 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': bytes.length },
      ...{ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' },
    })
    .end(bytes);
}

/** Server-sent events. The header goes out with the first, so that a request that fails before is refused as any other. */
class EventStream {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  send(event: unknown): void {
    if (!this.#response.headersSent) {
      this.#response.writeHead(200, {
        'Content-Type': 'text/event-stream; charset=utf-8',
        'Cache-Control': 'no-store',
      });
    }
    if (!this.#response.destroyed) this.#response.write(`data: ${JSON.stringify(event)}\n\n`);
  }

  end(): void {
    this.#response.end('data: [DONE]\n\n');
  }
}

/** @throws AppError in place of what listening throws. */
export function listeningError(thrown: unknown, port: number): unknown {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null;
  if (code === 'EADDRINUSE') return new AppError('usage', `The port ${port} is taken: choose another with --port.`);
  if (code === 'EACCES')
    return new AppError('permission', `The port ${port} is not for this user: choose one from 1024.`);
  return thrown;
}

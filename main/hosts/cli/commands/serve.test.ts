// `errata serve` asked by OpenAI's own client, and by clients that mean no good: the sample's model, and its edit. Real engine.
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { errata } from '../../../testing/hosts/commandLine.ts';
import { openModel } from '../../../core/models/model.ts';
import { openScorer } from '../../../core/models/scoring.ts';
import { createCpuRuntime } from '../../../core/onnx/cpuRuntime.ts';
import { startHost, type StartedHost } from '../../../testing/hosts/startHost.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const SAMPLE = join(import.meta.dirname, '../../../../resources/sample/model');
const TOKEN = 'secret of this test';
const QUESTION = 'What is the capital of France?';

let started: StartedHost;
let project: string;
let version: string;
let served: { readonly url: string; readonly end: Promise<unknown>; stop(): void };
let client: OpenAI;

beforeAll(async () => {
  started = await startHost();
  ({ folder: project } = await started.api.project.openSample());
  version = (await started.api.edit.log())[0]!.id.slice(0, 10);
  served = await serve(['--version', version, '--token', TOKEN]);
  client = new OpenAI({ baseURL: served.url, apiKey: TOKEN, maxRetries: 0 });
});
afterAll(async () => {
  served.stop();
  await served.end;
  await started.stop();
});

/** Runs the command until it is stopped. */
async function serve(words: readonly string[]): Promise<typeof served> {
  const address = Promise.withResolvers<string>();
  const abort = new AbortController();
  const end = errata(project, ['serve', '--port', '0', ...words], {
    signal: abort.signal,
    onPrint: (line) => {
      const url = /at (http:\S+)$/u.exec(line)?.[1];
      if (url !== undefined) address.resolve(url);
    },
  });
  end.catch(address.reject);
  return { url: await address.promise, end: end.catch(() => undefined), stop: () => abort.abort() };
}

const patched = () => `sample@${version}`;

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** A plain request, with whatever headers. */
async function ask(
  path: string,
  body: string | Buffer | null,
  headers: Readonly<Record<string, string>> = { Authorization: `Bearer ${TOKEN}` },
): Promise<Answer> {
  const url = new URL(`${served.url}${path}`);
  const request = httpRequest(url, { method: body === null ? 'GET' : 'POST', headers });
  request.on('error', () => undefined); // the server may answer before it has read all
  request.end(body ?? undefined);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const pieces: Buffer[] = [];
  for await (const piece of response as AsyncIterable<Buffer>) pieces.push(piece);
  return { status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(pieces).toString()) as unknown };
}

describe('a served version, asked by OpenAI’s client', () => {
  it('is two models, the original and the patched one', async () => {
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id)).toEqual(['sample', patched()]);
    expect(await client.models.retrieve('sample')).toMatchObject({ id: 'sample', object: 'model' });
    await expect(client.models.retrieve('gpt-4')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
  });

  it('answers a chat as the editor does, and each model as itself', async () => {
    const [forbidden] = (await started.api.behaviour.show({ ref: 'jailbreak' })).behaviour.cases;
    const messages = [
      ...(forbidden!.system === '' ? [] : [{ role: 'system' as const, content: forbidden!.system }]),
      { role: 'user' as const, content: forbidden!.prompt },
    ];
    const answers = await Promise.all(
      ['sample', patched()].map((model) => client.chat.completions.create({ model, messages, temperature: 0 })),
    );
    const texts = answers.map(({ choices }) => choices[0]!.message.content);
    const tried = await started.api.behaviour.tryCase({ case: forbidden!, maxNewTokens: 64, edit: version });
    expect(texts).toEqual([tried.before.output, tried.after?.output]);
    expect(texts[0]).not.toBe(texts[1]);
    expect(answers[0]).toMatchObject({ object: 'chat.completion', choices: [{ finish_reason: 'stop' }] });
    const { usage } = answers[0]!;
    expect(usage!.total_tokens).toBe(usage!.prompt_tokens + usage!.completion_tokens);
  });

  it('streams the same text in pieces, with the usage at the end', async () => {
    const asked = { model: 'sample', messages: [{ role: 'user' as const, content: QUESTION }], temperature: 0 };
    const whole = await client.chat.completions.create(asked);
    const stream = await client.chat.completions.create({
      ...asked,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let pieces = 0;
    let usage: unknown;
    const ends: unknown[] = [];
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      pieces += chunk.choices.length;
      if (chunk.choices[0]?.finish_reason) ends.push(chunk.choices[0].finish_reason);
      usage = chunk.usage ?? usage;
    }
    expect(text).toBe(whole.choices[0]!.message.content);
    expect(pieces).toBeGreaterThan(5);
    expect(ends).toEqual(['stop']);
    expect(usage).toEqual(whole.usage);
  });

  it('streams every token once with its probability, also where the text might have been about to stop', async () => {
    const asked = { model: 'sample', prompt: 'The nurse said that', temperature: 0, max_tokens: 12, logprobs: 1 };
    const whole = (await client.completions.create(asked)).choices[0]!;
    // What may be the beginning of a stop is held back, and told at the end.
    const stop = `${whole.text.slice(-1)}!`;
    const stream = await client.completions.create({ ...asked, stop, stream: true });
    let text = '';
    const tokens: string[] = [];
    for await (const { choices } of stream) {
      text += choices[0]!.text;
      tokens.push(...(choices[0]!.logprobs?.tokens ?? []));
    }
    expect(text).toBe(whole.text);
    expect(tokens).toEqual(whole.logprobs!.tokens);
  });

  it('completes many texts at once, each as it would alone, with stops and several choices', async () => {
    const prompts = ['The nurse said that', 'Once upon a time', 'The colour of snow is'];
    const asked = { model: patched(), max_tokens: 12, temperature: 0 };
    const together = await client.completions.create({ ...asked, prompt: prompts });
    for (const [index, prompt] of prompts.entries()) {
      const alone = await client.completions.create({ ...asked, prompt });
      expect(together.choices[index]).toMatchObject({ index, text: alone.choices[0]!.text });
    }
    const [first] = together.choices;
    const stop = first!.text.slice(4, 7);
    const stopped = await client.completions.create({ ...asked, prompt: prompts[0]!, stop });
    expect(stopped.choices[0]).toMatchObject({
      text: first!.text.slice(0, first!.text.indexOf(stop)),
      finish_reason: 'stop',
    });
    const drawn = { ...asked, temperature: 1.5, prompt: prompts[1]!, n: 3, seed: 4 };
    const choices = (await client.completions.create(drawn)).choices.map(({ text }) => text);
    expect(new Set(choices).size).toBeGreaterThan(1);
    expect((await client.completions.create(drawn)).choices.map(({ text }) => text)).toEqual(choices);
  });

  it('scores what lm-evaluation-harness sends: tokens with echo, one more token, the likeliest in each place', async () => {
    const context = [20, 31, 45, 7];
    const continuation = [12, 90, 33];
    const scorer = await openScorer(await openModel(SAMPLE), createCpuRuntime({ threads: 1 }));
    const { choices } = await client.completions.create({
      ...{
        model: 'sample',
        prompt: [
          [...context, ...continuation],
          [...continuation, ...context],
        ],
      },
      ...{ temperature: 0, max_tokens: 1, logprobs: 1, seed: 1234, echo: true },
    });
    for (const [index, ids] of [
      [...context, ...continuation],
      [...continuation, ...context],
    ].entries()) {
      const logprobs = choices[index]!.logprobs!;
      // As lm_eval/models/openai_completions.py reads it: what follows the context, without the token that was generated.
      const own = logprobs.token_logprobs!.slice(context.length, -1);
      expect(own).toHaveLength(ids.length - context.length);
      expect(logprobs.token_logprobs![0]).toBeNull();
      expect(logprobs.top_logprobs!.slice(1).every((top) => Object.keys(top).length === 1)).toBe(true);
      const [losses] = await scorer.losses([ids]);
      logprobs.token_logprobs!.slice(1, -1).forEach((logProb, position) => {
        expect(Math.abs(logProb + losses![position]!)).toBeLessThan(1e-4);
      });
    }
    await scorer.release();
    // Echo without probabilities gives the text back; without a new token, the text alone.
    const echoed = await client.completions.create({ model: 'sample', prompt: QUESTION, echo: true, max_tokens: 0 });
    expect(echoed.choices[0]).toMatchObject({ text: QUESTION, logprobs: null, finish_reason: 'length' });
  });
});

describe('a request that cannot be answered', () => {
  const chat = (more: object) => JSON.stringify({ messages: [{ role: 'user', content: QUESTION }], ...more });
  it.each([
    ['no JSON', '/completions', 'model=sample', 400, 'not JSON'],
    ['no prompt', '/completions', '{}', 400, 'prompt'],
    ['an empty list of prompts', '/completions', '{"prompt": []}', 400, 'prompt'],
    ['a token that the model does not have', '/completions', '{"prompt": [99999999]}', 400, '99999999'],
    ['a model that is not served', '/completions', '{"prompt": "a", "model": "gpt-4"}', 404, 'only sample'],
    ['a temperature of 3', '/completions', '{"prompt": "a", "temperature": 3}', 400, 'temperature: at most 2'],
    ['a penalty', '/completions', '{"prompt": "a", "presence_penalty": 1}', 400, 'presence_penalty: only 0'],
    ['tools', '/chat/completions', chat({ tools: [{}] }), 400, 'tools: only []'],
    ['JSON wanted', '/chat/completions', chat({ response_format: { type: 'json_object' } }), 400, 'response_format'],
    ['an unknown role', '/chat/completions', '{"messages": [{"role": "tool", "content": "a"}]}', 400, 'role'],
    [
      'a picture',
      '/chat/completions',
      '{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}',
      400,
      'content',
    ],
    [
      'a prompt longer than the context',
      '/completions',
      JSON.stringify({ prompt: 'a b '.repeat(5000) }),
      400,
      'tokens',
    ],
  ])('%s', async (_, path, body, status, words) => {
    const answer = await ask(path, body);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({
      error: { message: expect.stringContaining(words) as string, type: 'invalid_request_error' },
    });
  });

  it('a body of 10 MB, and one that never comes', async () => {
    expect((await ask('/completions', Buffer.alloc(10 << 20, 0x20))).status).toBe(413);
    const silent = connect(Number(new URL(served.url).port), '127.0.0.1');
    silent.write('POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{');
    expect((await client.models.list()).data).toHaveLength(2);
    silent.destroy();
  });

  it('is refused without the token, from a page, and under a foreign name', async () => {
    const authorization = { Authorization: `Bearer ${TOKEN}` };
    expect(await ask('/models', null, {})).toMatchObject({ status: 401, body: { error: { code: 'invalid_api_key' } } });
    expect((await ask('/models', null, { Authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await ask('/models', null, { ...authorization, Origin: 'https://example.org' })).status).toBe(403);
    expect((await ask('/models', null, { ...authorization, 'Sec-Fetch-Site': 'cross-site' })).status).toBe(403);
    expect((await ask('/models', null, { ...authorization, Host: 'example.org' })).status).toBe(403);
    expect((await ask('/files', null)).status).toBe(404);
    expect((await ask('/models', '{}')).status).toBe(405);
  });

  it('a thousand at once: some are answered, the others told to come again, and the server stays', async () => {
    const body = JSON.stringify({ model: 'sample', prompt: 'Once upon a time', max_tokens: 4 });
    const answers = await Promise.all(Array.from({ length: 1000 }, () => ask('/completions', body)));
    const statuses = new Set(answers.map(({ status }) => status));
    expect([...statuses].filter((status) => status !== 200 && status !== 429)).toEqual([]);
    expect(statuses.has(200)).toBe(true);
    expect((await ask('/completions', body)).status).toBe(200);
  });

  it('a client that hangs up in the middle: its work ends, and others are answered', async () => {
    const abort = new AbortController();
    const stream = await client.completions.create(
      { model: 'sample', prompt: 'Once upon a time', max_tokens: 400, temperature: 1, stream: true, n: 8 },
      { signal: abort.signal },
    );
    for await (const chunk of stream) {
      expect(chunk.object).toBe('text_completion');
      abort.abort();
      break;
    }
    const after = await client.completions.create({ model: 'sample', prompt: 'The', max_tokens: 2, temperature: 0 });
    expect(after.choices[0]!.text.length).toBeGreaterThan(0);
  });
});

it('a port that is taken is said, and a version that is not there', async () => {
  const { port } = new URL(served.url);
  await expect(serve(['--version', version, '--port', port])).rejects.toMatchObject({
    ...{ code: 'usage', message: expect.stringContaining(`The port ${port} is taken`) as string },
  });
  await expect(serve(['--version', 'nowhere'])).rejects.toMatchObject({ code: 'not-found' });
  await expect(serve([])).rejects.toMatchObject({ code: 'usage' });
});

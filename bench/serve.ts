// What other programs get of a served model, against generating without a server, in one process by turns: one client, and
// several at once, whose texts share a batch. The engine runs in a process of its own, as it does for a person.
//   direct   the engine's own generation, one prompt after another
//   one      the same prompts over HTTP, one after another
//   many     by as many clients at once
//   first    milliseconds from a request to its first token, streamed, with nobody else there
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AppError } from '../main/contract/base/errors.ts';
import { createEngine } from '../main/engine/engine.ts';
import { forkLauncher } from '../main/engine/launcher.ts';
import type { Tasks } from '../main/engine/tasks.ts';
import { serveCompletions } from '../main/hosts/completions/server.ts';
import type { Serving } from '../main/workbench/serving.ts';
import { writeRandomModel } from './data/randomModel.ts';
import { median } from './figures/median.ts';

/** 43 M parameters: a quarter of GPT-2 small's work for each token. */
const SIZE = { layers: 8, hidden: 512, heads: 8, feedForward: 1376, vocabulary: 1280, context: 512 };
const PROMPTS = [
  'Once upon a time',
  'The nurse said that',
  'There was a',
  'We went to the',
  'Tell me',
  'The young of a cow is',
];

/** @param options.args --model FOLDER, --clients, --requests, --tokens, --rounds */
export async function run({ args = [] }: { readonly args?: readonly string[] } = {}): Promise<Record<string, unknown>> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      model: { type: 'string' },
      clients: { type: 'string', default: '8' },
      requests: { type: 'string', default: '4' },
      tokens: { type: 'string', default: '64' },
      rounds: { type: 'string', default: '5' },
    },
  });
  const [clients, requests, tokens, rounds] = [values.clients, values.requests, values.tokens, values.rounds].map(
    Number,
  );
  if (![clients, requests, tokens, rounds].every((value) => Number.isSafeInteger(value) && value! > 0)) {
    throw new AppError('usage', 'serve: --clients, --requests, --tokens and --rounds are positive numbers.');
  }
  const made = values.model === undefined ? await mkdtemp(join(tmpdir(), 'errata-bench-serve-')) : null;
  if (made !== null) await writeRandomModel(made, SIZE);
  const engine = createEngine<Tasks>(forkLauncher(join(import.meta.dirname, '../main/engine/index.ts')));
  const model = { folder: values.model ?? made ?? '' };
  const serving: Serving = {
    models: [{ id: 'model', isPatched: false }],
    complete: (_, input, options) =>
      engine.run(
        'completion.create',
        { ...input, model, edit: { operations: [] }, dictionaries: [], isPatched: false },
        { device: 'cpu', ...options },
      ),
  };
  const server = await serveCompletions({ serving, port: 0, token: null });
  const body = (request: number, more: object = {}) =>
    JSON.stringify({
      prompt: PROMPTS[request % PROMPTS.length],
      max_tokens: tokens,
      temperature: 1,
      seed: request,
      ...more,
    });
  const post = (content: string) => fetch(`${server.url}/completions`, { method: 'POST', body: content });
  const completed = async (request: number): Promise<number> => {
    const answer = (await (await post(body(request))).json()) as { usage: { completion_tokens: number } };
    return answer.usage.completion_tokens;
  };
  const client = async (first: number): Promise<number> => {
    let count = 0;
    for (let request = 0; request < requests!; request++) count += await completed(first + request);
    return count;
  };
  const rate = async (work: () => Promise<number>): Promise<number> => {
    const startedAt = performance.now();
    return (await work()) / ((performance.now() - startedAt) / 1000);
  };
  const direct = async (): Promise<number> => {
    let count = 0;
    for (let request = 0; request < requests!; request++) {
      const prompts = [PROMPTS[request % PROMPTS.length]!];
      const input = { ...model, prompts, maxNewTokens: tokens!, temperature: 1, seed: request };
      count += (await engine.run('model.generate', input, { device: 'cpu' })).tokens;
    }
    return count;
  };
  const firstToken = async (): Promise<number> => {
    const startedAt = performance.now();
    const stream = (await post(body(0, { stream: true }))).body!.getReader();
    await stream.read();
    const elapsed = performance.now() - startedAt;
    await stream.cancel();
    return elapsed;
  };
  try {
    await client(0); // opens the model
    const figures = { direct: [] as number[], one: [] as number[], many: [] as number[], first: [] as number[] };
    for (let round = 0; round < rounds!; round++) {
      figures.direct.push(await rate(direct));
      figures.one.push(await rate(() => client(0)));
      figures.many.push(
        await rate(async () => {
          const all = await Promise.all(Array.from({ length: clients! }, (_, each) => client(each * requests!)));
          return all.reduce((sum, count) => sum + count, 0);
        }),
      );
      figures.first.push(await firstToken());
    }
    const [one, many] = [median(figures.one), median(figures.many)];
    return {
      ...{ model: values.model ?? SIZE, clients, requests, tokens },
      tokensPerSecond: { direct: median(figures.direct), one, many },
      manyToOne: many / one,
      firstTokenMs: median(figures.first),
    };
  } finally {
    await server.close();
    await engine.stop();
    if (made !== null) await rm(made, { recursive: true, force: true });
  }
}

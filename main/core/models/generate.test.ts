import { beforeAll, describe, expect, it } from 'vitest';
import type { Value } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import { openGenerator, type GeneratedToken, type GenerationOptions, type GeneratorOptions } from './generate.ts';
import type { Model } from './model.ts';
import { runtime } from '../../testing/models/runVariant.ts';
import { openTinyModel } from '../../testing/models/temporaryFolder.ts';
import { CONTEXT, randomTokens } from '../../testing/models/tinyModels.ts';

let gpt2: Model;
let llama: Model;
beforeAll(async () => {
  gpt2 = await openTinyModel('gpt2');
  llama = await openTinyModel('llama');
});

async function collect(
  model: Model,
  prompts: readonly number[][],
  options: GenerationOptions,
  generatorOptions: GeneratorOptions = {},
): Promise<GeneratedToken[]> {
  const generator = await openGenerator(model, runtime, generatorOptions);
  try {
    const tokens: GeneratedToken[] = [];
    for await (const token of generator.generate(prompts, options)) tokens.push(token);
    return tokens;
  } finally {
    await generator.release();
  }
}

const prompts = [randomTokens(4, 1), randomTokens(9, 2)];
const textOf = (tokens: readonly GeneratedToken[], sequence: number) =>
  tokens.filter((token) => token.sequence === sequence).map(({ id }) => id);

describe('generation', () => {
  it('streams one token per sequence and step, and says which is the last', async () => {
    const tokens = await collect(llama, prompts, { maxNewTokens: 3, stopIds: [] });
    expect(tokens.map(({ sequence, end }) => [sequence, end])).toEqual([
      [0, null],
      [1, null],
      [0, null],
      [1, null],
      [0, 'length'],
      [1, 'length'],
    ]);
  });

  it('ends a sequence at a stop token, and goes on with the others', async () => {
    const free = await collect(llama, prompts, { maxNewTokens: 8, stopIds: [] });
    const stop = textOf(free, 0)[2]!;
    const stopped = await collect(llama, prompts, { maxNewTokens: 8, stopIds: [stop] });
    const firstStop = (sequence: number) => textOf(free, sequence).indexOf(stop);
    for (const sequence of [0, 1]) {
      const at = firstStop(sequence);
      expect(textOf(stopped, sequence)).toEqual(textOf(free, sequence).slice(0, at === -1 ? 8 : at + 1));
    }
    expect(stopped.findLast(({ sequence }) => sequence === 0)?.end).toBe('stop');
  });

  it('is repeated by its seed, and a sequence does not depend on what else is in the batch', async () => {
    const options = { maxNewTokens: 10, temperature: 1, topK: 20, topP: 0.95, stopIds: [] };
    const together = await collect(llama, prompts, { ...options, seed: 3 });
    const again = await collect(llama, prompts, { ...options, seed: 3 });
    const alone = await collect(llama, prompts.slice(0, 1), { ...options, seed: 3 });
    const other = await collect(llama, prompts, { ...options, seed: 4 });
    expect(again).toEqual(together);
    expect(textOf(alone, 0)).toEqual(textOf(together, 0));
    expect(other).not.toEqual(together);
  });

  it('ends where the positions end, each sequence by itself', async () => {
    const long = [randomTokens(CONTEXT - 2, 3), randomTokens(CONTEXT - 5, 4)];
    for (const [model, cache] of [
      [gpt2, true],
      [gpt2, false],
      [llama, true],
    ] as const) {
      const tokens = await collect(model, long, { maxNewTokens: 20, stopIds: [] }, { cache });
      expect([textOf(tokens, 0).length, textOf(tokens, 1).length]).toEqual([2, 5]);
      expect(tokens.at(-1)?.end).toBe('length');
    }
  });

  it('applies patches to the prompt and to what is generated', async () => {
    const patches = [{ site: 'blocks.0.hook_resid_post', apply: (value: Value) => op.mul(value, -1) }];
    const cached = await collect(llama, prompts, { maxNewTokens: 8, stopIds: [] }, { patches });
    const uncached = await collect(llama, prompts, { maxNewTokens: 8, stopIds: [] }, { patches, cache: false });
    const plain = await collect(llama, prompts, { maxNewTokens: 8, stopIds: [] });
    expect(cached).toEqual(uncached);
    expect(cached).not.toEqual(plain);
  });

  it('stops when it is cancelled', async () => {
    const controller = new AbortController();
    const generator = await openGenerator(llama, runtime);
    const run = async () => {
      for await (const { sequence } of generator.generate(prompts, { maxNewTokens: 50, signal: controller.signal })) {
        if (sequence === 1) controller.abort();
      }
    };
    await expect(run()).rejects.toMatchObject({ code: 'cancelled' });
    await generator.release();
  });

  it.each([
    ['no prompt', [], {}, 'empty'],
    ['an empty prompt', [[]], {}, 'empty'],
    ['a token that is not in the vocabulary', [[1, 29]], {}, 'usage'],
    ['a negative length', [[1]], { maxNewTokens: -1 }, 'usage'],
    ['a senseless temperature', [[1]], { temperature: -1 }, 'usage'],
    ['a prompt longer than the model', [randomTokens(CONTEXT + 1, 1)], {}, 'usage'],
  ] as const)('refuses %s', async (_what, badPrompts, options, code) => {
    const run = collect(gpt2, badPrompts as readonly number[][], { maxNewTokens: 2, ...options });
    await expect(run).rejects.toMatchObject({ code });
  });
});

// Texts that share a batch against each text alone, of the model as it is and of an edit of it; probabilities against a softmax
// in double precision.
import { afterAll, expect, it } from 'vitest';
import { EMPTY_EDIT, type Edit } from '../../contract/domain/edit.ts';
import type { Operation } from '../../contract/domain/operations/index.ts';
import { randomDictionary } from '../../testing/dictionaries/randomDictionary.ts';
import { floats, runtime, runVariant, tokens } from '../../testing/models/runVariant.ts';
import { openTinyModel } from '../../testing/models/temporaryFolder.ts';
import { fixEdit } from '../edits/editPatches.ts';
import { openGenerator } from '../models/generate.ts';
import { Random } from '../numerics/random.ts';
import { SharedBatch, type SharedRequest, type SharedToken } from './sharedBatch.ts';

const model = await openTinyModel('llama');
const { bosTokenId, hiddenSize, vocabularySize, contextLength } = model.config;
const site = 'blocks.1.hook_resid_post';
const dictionary = 'a'.repeat(64);
const dictionaries = new Map([
  [dictionary, randomDictionary(new Random(3), 'jumprelu', { d: hiddenSize, size: 3 * hiddenSize, site })],
]);
const steer = (more: Partial<Operation> = {}): Edit => ({
  operations: [
    {
      ...{ feature: 4, dictionary, site, scope: { positions: 'all' }, gates: [], kind: 'steer', amount: 6 },
      ...more,
    } as Operation,
  ],
});
const batch = new SharedBatch({ model, runtime, dictionaries, places: [{ site, dictionary }] });
afterAll(() => batch.release());

const random = new Random(8);
const promptOf = (length: number) => Array.from({ length }, () => 3 + random.below(vocabularySize - 3));

interface Made {
  readonly ids: number[];
  readonly told: SharedToken[];
  readonly end: 'stop' | 'length';
}

async function made(request: Partial<SharedRequest> & Pick<SharedRequest, 'prompt'>): Promise<Made> {
  const told: SharedToken[] = [];
  const end = await batch.complete({
    ...{ edit: EMPTY_EDIT, maxNewTokens: 8, stopIds: [], alternatives: null },
    ...request,
    onToken: (token) => {
      told.push(token);
      return request.onToken?.(token) ?? false;
    },
  });
  return { ids: told.map(({ id }) => id), told, end };
}

async function alone(edit: Edit, prompt: readonly number[], maxNewTokens = 8): Promise<number[]> {
  const fixed = fixEdit(edit, dictionaries, bosTokenId);
  const generator = await openGenerator(model, runtime, { patches: fixed.patches });
  const feeds = fixed.feeds({ batch: 1, promptLengths: [prompt.length] });
  const ids: number[] = [];
  for await (const { id } of generator.generate([prompt], { maxNewTokens, stopIds: [], feeds })) ids.push(id);
  await generator.release();
  return ids;
}

/** log softmax of the logits after the last of `ids`. */
async function logProbs(ids: readonly number[]): Promise<number[]> {
  const { logits } = await runVariant(model, { head: 'logits' }, { input_ids: tokens(ids) });
  const row = [...floats(logits).subarray(-vocabularySize)];
  const normaliser = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
  return row.map((logit) => logit - normaliser);
}

it('gives each text what it would get alone, original and edited side by side, whenever it comes', async () => {
  const scoped = steer({ scope: { positions: 'generatedOnly' } });
  const firing = steer({ scope: { positions: 'fromFirstFiring', feature: 4 } });
  const asked = [EMPTY_EDIT, steer(), EMPTY_EDIT, scoped, firing].map((edit, index) => ({
    ...{ edit, prompt: promptOf(4 + 2 * index), maxNewTokens: 10 - index },
  }));
  const [first, ...others] = asked;
  const joined: Promise<Made>[] = [];
  // The others join one after another, between two tokens of the first.
  const one = await made({
    ...first!,
    onToken: () => {
      const next = others.shift();
      if (next) joined.push(made(next));
      return false;
    },
  });
  const all = [one, ...(await Promise.all(joined))];
  for (const [index, { edit, prompt, maxNewTokens }] of asked.entries()) {
    expect(all[index]!.ids, `text ${index}`).toEqual(await alone(edit, prompt, maxNewTokens));
    expect(all[index]!.end).toBe('length');
  }
  expect(all[1]!.ids).not.toEqual(await alone(EMPTY_EDIT, asked[1]!.prompt, asked[1]!.maxNewTokens));
});

it('tells how likely each token was, and the likeliest in its place', async () => {
  const prompt = promptOf(5);
  const { told } = await made({ prompt, alternatives: 3, maxNewTokens: 3 });
  for (const [index, { id, logProb, alternatives }] of told.entries()) {
    const expected = await logProbs([...prompt, ...told.slice(0, index).map((each) => each.id)]);
    expect(Math.abs(logProb - expected[id]!)).toBeLessThan(1e-4);
    const ranked = expected.map((value, each) => ({ each, value })).sort((a, b) => b.value - a.value);
    expect(alternatives.map((each) => each.id)).toEqual(ranked.slice(0, 3).map(({ each }) => each));
  }
});

it('scores a prompt where it stands', async () => {
  const prompt = promptOf(7);
  const scored = await batch.score(EMPTY_EDIT, prompt);
  expect(scored.map(({ id }) => id)).toEqual(prompt);
  expect(scored[0]).toMatchObject({ logProb: null, alternatives: [] });
  for (const [index, { id, logProb, alternatives }] of scored.entries()) {
    if (index === 0) continue;
    const expected = await logProbs(prompt.slice(0, index));
    expect(Math.abs(logProb! - expected[id]!)).toBeLessThan(1e-4);
    expect(Math.abs(alternatives[0]!.logProb - Math.max(...expected))).toBeLessThan(1e-4);
  }
  expect((await batch.score(steer(), prompt))[3]!.logProb).not.toBeCloseTo(scored[3]!.logProb!, 3);
});

it('draws the same with the same seed', async () => {
  const prompt = promptOf(5);
  const draw = (seed: number) => made({ prompt, seed, temperature: 1.5 });
  const [a, b, c] = await Promise.all([draw(1), draw(1), draw(2)]);
  expect(a.ids).toEqual(b.ids);
  expect(a.ids).not.toEqual(c.ids);
});

it('ends a text at a stop token, when it is told to, and at the end of the context', async () => {
  const prompt = promptOf(5);
  const [first = 0, second = 0] = await alone(EMPTY_EDIT, prompt);
  expect(await made({ prompt, stopIds: [first] })).toMatchObject({ ids: [], end: 'stop' });
  expect(await made({ prompt, onToken: ({ id }) => id === second })).toMatchObject({
    ids: [first, second],
    end: 'stop',
  });
  expect(await made({ prompt: promptOf(contextLength) })).toMatchObject({ ids: [], end: 'length' });
  expect((await made({ prompt: promptOf(contextLength - 2) })).ids).toHaveLength(2);
});

it('lets go of a text that nobody waits for, and the others go on', async () => {
  const abort = new AbortController();
  const prompt = promptOf(5);
  const left = made({ prompt, maxNewTokens: 20, signal: abort.signal, onToken: () => (abort.abort(), false) });
  const stays = made({ prompt, maxNewTokens: 20 });
  await expect(left).rejects.toMatchObject({ code: 'cancelled' });
  expect((await stays).ids).toEqual(await alone(EMPTY_EDIT, prompt, 20));
});

it('fails the text whose edit is too large for the model, and no other', async () => {
  const prompt = promptOf(5);
  const broken = made({ prompt, edit: steer({ amount: 1e38 }) });
  const whole = made({ prompt });
  await expect(broken).rejects.toMatchObject({ code: 'diverged' });
  expect((await whole).ids).toEqual(await alone(EMPTY_EDIT, prompt));
});

// The playground's engine against separate sessions: greedy texts against those of the generator, figures against whole
// passes of fixed edits with softmax and KL in double precision. Tolerance 2e-4 in nats and logits: float32 logits of size 10,
// summed in another order by a batch with a cache than by a pass over one text.
import { describe, expect, it } from 'vitest';
import { randomDictionary } from '../../testing/dictionaries/randomDictionary.ts';
import { EMPTY_EDIT, type Edit } from '../../contract/domain/edit.ts';
import type { Operation } from '../../contract/domain/operations/index.ts';
import type { Scope } from '../../contract/domain/operations/target.ts';
import { fixEdit } from '../edits/editPatches.ts';
import { openGenerator } from '../models/generate.ts';
import { floats, runtime, runVariant } from '../../testing/models/runVariant.ts';
import { openTinyModel } from '../../testing/models/temporaryFolder.ts';
import { tokenTensor } from '../models/tokenBatch.ts';
import { Random } from '../numerics/random.ts';
import { SideBySide, type ColumnName, type ColumnToken } from './sideBySide.ts';

const TOLERANCE = 2e-4;
const model = await openTinyModel('llama');
const { bosTokenId, hiddenSize, vocabularySize, contextLength } = model.config;
const site = 'blocks.1.hook_resid_post';
const dictionary = 'a'.repeat(64);
const dictionaries = new Map([
  [dictionary, randomDictionary(new Random(3), 'jumprelu', { d: hiddenSize, size: 3 * hiddenSize, site })],
]);
const operation = (more: Partial<Operation>): Operation =>
  ({
    feature: 4,
    dictionary,
    site,
    scope: { positions: 'all' },
    gates: [],
    kind: 'steer',
    amount: 3,
    ...more,
  }) as Operation;
const steer: Edit = { operations: [operation({})] };
const sides = new SideBySide({ model, runtime, dictionaries, places: [{ site, dictionary }] });
const random = new Random(8);
const prompt = Array.from({ length: 6 }, () => 3 + random.below(vocabularySize - 3));
const instructedPrompt = [...prompt.slice(3), 5, ...prompt];

async function written(edit: Edit, more: Partial<Parameters<SideBySide['generate']>[0]> = {}) {
  const columns = new Map<ColumnName, ColumnToken[]>();
  for await (const piece of sides.generate({ edit, prompt, maxNewTokens: 8, stopIds: [], ...more })) {
    columns.set(piece.column, [...(columns.get(piece.column) ?? []), piece]);
  }
  return columns;
}

const idsOf = (pieces: readonly ColumnToken[] | undefined) => (pieces ?? []).map(({ id }) => id);

async function alone(edit: Edit, ids: readonly number[], more = {}): Promise<number[]> {
  const fixed = fixEdit(edit, dictionaries, bosTokenId);
  const generator = await openGenerator(model, runtime, { patches: fixed.patches });
  const feeds = fixed.feeds({ batch: 1, promptLengths: [ids.length] });
  const result: number[] = [];
  for await (const { id } of generator.generate([ids], { maxNewTokens: 8, stopIds: [], feeds, ...more }))
    result.push(id);
  await generator.release();
  return result;
}

/** log softmax after each token of a text, in double precision from the logits of a pass without cache. */
async function logProbabilities(edit: Edit, ids: readonly number[], promptLength: number): Promise<Float64Array[]> {
  const fixed = fixEdit(edit, dictionaries, bosTokenId);
  const logits = floats(
    (
      await runVariant(
        model,
        { head: 'logits', patches: fixed.patches },
        { input_ids: tokenTensor([ids], 'right'), ...fixed.feeds({ batch: 1, promptLengths: [promptLength] }) },
      )
    )['logits'],
  );
  return ids.map((_, t) => {
    const row = Float64Array.from(logits.subarray(t * vocabularySize, (t + 1) * vocabularySize));
    const sum = row.reduce((total, logit) => total + Math.exp(logit), 0);
    return row.map((logit) => logit - Math.log(sum));
  });
}

const klOf = (p: Float64Array, q: Float64Array) =>
  p.reduce((sum, log, id) => sum + Math.exp(log) * (log - (q[id] ?? NaN)), 0);

const scopes: readonly Scope[] = [
  { positions: 'all' },
  { positions: 'notBos' },
  { positions: 'promptOnly' },
  { positions: 'generatedOnly' },
  { positions: 'fromFirstFiring', feature: 2 },
];

describe('two models side by side', () => {
  it.each(scopes)('write what each writes alone, with the KL of each token: %j', async (scope) => {
    const edit: Edit = { operations: [operation({ scope })] };
    const columns = await written(edit);
    expect(idsOf(columns.get('original'))).toEqual(await alone(EMPTY_EDIT, prompt));
    expect(idsOf(columns.get('patched'))).toEqual(await alone(edit, prompt));
    for (const column of ['original', 'patched'] as const) {
      const pieces = columns.get(column) ?? [];
      const text = [...prompt, ...idsOf(pieces)];
      const p = await logProbabilities(EMPTY_EDIT, text, prompt.length);
      const q = await logProbabilities(edit, text, prompt.length);
      for (const [index, { id, kl, originalProbability, treatedProbability }] of pieces.entries()) {
        const at = prompt.length + index - 1;
        expect(Math.abs((kl ?? NaN) - klOf(p[at]!, q[at]!))).toBeLessThan(TOLERANCE);
        expect(Math.abs((originalProbability ?? NaN) - Math.exp(p[at]![id]!))).toBeLessThan(TOLERANCE);
        expect(Math.abs((treatedProbability ?? NaN) - Math.exp(q[at]![id]!))).toBeLessThan(TOLERANCE);
      }
      if (scope.positions === 'all') expect(Math.max(...pieces.map(({ kl }) => kl ?? 0))).toBeGreaterThan(0.01);
    }
  });

  it('write what an instruction alone does, compared with the model without it', async () => {
    const columns = await written(steer, { instructedPrompt });
    const pieces = columns.get('instructed') ?? [];
    expect(idsOf(pieces)).toEqual(await alone(EMPTY_EDIT, instructedPrompt));
    const own = [...instructedPrompt, ...idsOf(pieces)];
    const plain = [...prompt, ...idsOf(pieces)];
    const q = await logProbabilities(EMPTY_EDIT, own, instructedPrompt.length);
    const p = await logProbabilities(EMPTY_EDIT, plain, prompt.length);
    for (const [index, { kl }] of pieces.entries()) {
      const expected = klOf(p[prompt.length + index - 1]!, q[instructedPrompt.length + index - 1]!);
      expect(Math.abs((kl ?? NaN) - expected)).toBeLessThan(TOLERANCE);
    }
    // What else is written beside it changes nothing.
    expect(idsOf(columns.get('patched'))).toEqual(await alone(steer, prompt));
  });

  it('draw the same random numbers, so an edit that does nothing writes the same text with no divergence', async () => {
    const silent: Edit = { operations: [operation({ gates: [{ feature: 1, threshold: 1e6 }] })] };
    const columns = await written(silent, { temperature: 1.3, seed: 5 });
    expect(idsOf(columns.get('patched'))).toEqual(idsOf(columns.get('original')));
    expect((columns.get('patched') ?? []).map(({ kl }) => kl)).toEqual(new Array(8).fill(0));
    expect(idsOf((await written(silent, { temperature: 1.3, seed: 6 })).get('original'))).not.toEqual(
      idsOf(columns.get('original')),
    );
  });

  it('without an edit, there is the original only, and nothing to compare it with', async () => {
    const columns = await written(EMPTY_EDIT);
    expect([...columns.keys()]).toEqual(['original']);
    expect(columns.get('original')?.every(({ kl }) => kl === null)).toBe(true);
  });

  it('end each by itself: at a stop token, at the longest context', async () => {
    const [first = 0] = idsOf((await written(steer)).get('original'));
    const columns = await written(steer, { stopIds: [first] });
    expect(columns.get('original')).toMatchObject([{ id: first, end: 'stop' }]);
    const patched = columns.get('patched') ?? [];
    expect(patched.at(-1)?.end).toBe(idsOf(patched).includes(first) ? 'stop' : 'length');
    const long = Array.from({ length: contextLength - 2 }, () => 3);
    const short = await written(steer, { prompt: long });
    expect(short.get('patched')).toHaveLength(2);
    await expect(written(steer, { prompt: [...long, 3, 3, 3] })).rejects.toMatchObject({ code: 'usage' });
  });

  it('end when they are told to', async () => {
    const abort = new AbortController();
    const pieces: ColumnToken[] = [];
    const run = async () => {
      for await (const piece of sides.generate({
        edit: steer,
        prompt,
        maxNewTokens: 50,
        stopIds: [],
        signal: abort.signal,
      })) {
        pieces.push(piece);
        abort.abort();
      }
    };
    await expect(run()).rejects.toMatchObject({ code: 'cancelled' });
    expect(pieces).toHaveLength(2); // one step of both columns
  });
});

describe('the next token at a place', () => {
  it('is that of whole passes, by the larger probability first', async () => {
    const text = [...prompt, 9, 4];
    const { kl, next } = await sides.nextTokens(steer, { ids: text, promptLength: prompt.length }, 5);
    const [p, q] = await Promise.all([
      logProbabilities(EMPTY_EDIT, text, prompt.length),
      logProbabilities(steer, text, prompt.length),
    ]);
    const [before, after] = [p.at(-1)!, q.at(-1)!];
    expect(Math.abs((kl ?? NaN) - klOf(before, after))).toBeLessThan(TOLERANCE);
    const best = (row: Float64Array) => [...row.keys()].sort((a, b) => row[b]! - row[a]!).slice(0, 5);
    expect(new Set(next.map(({ id }) => id))).toEqual(new Set([...best(before), ...best(after)]));
    for (const { id, original, patched } of next) {
      expect(Math.abs(original - Math.exp(before[id]!))).toBeLessThan(TOLERANCE);
      expect(Math.abs((patched ?? NaN) - Math.exp(after[id]!))).toBeLessThan(TOLERANCE);
    }
    // Differences of logits differ from those of log probabilities by one number for all tokens.
    const shifts = next.map(({ id, logitDifference }) => (logitDifference ?? NaN) - (after[id]! - before[id]!));
    for (const shift of shifts) expect(Math.abs(shift - shifts[0]!)).toBeLessThan(TOLERANCE);
    const larger = next.map(({ original, patched }) => Math.max(original, patched ?? 0));
    expect(larger).toEqual(larger.toSorted((a, b) => b - a));
  });

  it('follows the amount, also back to where it was', async () => {
    const at = (amount: number) =>
      sides.nextTokens({ operations: [operation({ amount })] }, { ids: prompt, promptLength: 6 }, 3);
    const [small, large, again] = [await at(1), await at(6), await at(1)];
    expect(large.kl).toBeGreaterThan(small.kl ?? NaN);
    expect(again).toEqual(small);
    expect((await at(0)).kl).toBe(0);
  });

  it('says when an amount is more than the model can bear', async () => {
    const edit: Edit = { operations: [operation({ amount: 1e30 })] };
    // Squares of 1e30 are beyond float32.
    await expect(sides.nextTokens(edit, { ids: prompt, promptLength: 6 }, 3)).rejects.toMatchObject({
      code: 'diverged',
    });
    await expect(written(edit)).rejects.toMatchObject({ code: 'diverged' });
  });
});

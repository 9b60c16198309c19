import { beforeAll, describe, expect, it } from 'vitest';
import type { Value } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import type { Model } from './model.ts';
import { openScorer } from './scoring.ts';
import { referenceLlama } from '../../testing/models/referenceForward.ts';
import { expectClose, runtime } from '../../testing/models/runVariant.ts';
import { openTinyModel } from '../../testing/models/temporaryFolder.ts';
import { randomTokens, tinyModel } from '../../testing/models/tinyModels.ts';

let model: Model;
beforeAll(async () => {
  model = await openTinyModel('llama');
});

/** −log p of every next token, in double precision. */
function referenceLosses(ids: readonly number[]): number[] {
  const { logits } = referenceLlama(tinyModel('llama'), ids);
  return ids.slice(1).map((next, position) => {
    const row = logits[position]!;
    return Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0)) - row[next]!;
  });
}

describe('scoring', () => {
  const contexts = [randomTokens(9, 1), randomTokens(2, 2), randomTokens(5, 3), randomTokens(9, 4)];

  it('gives each context its own losses, padded beside others or not', async () => {
    const scorer = await openScorer(model, runtime);
    const losses = await scorer.losses(contexts);
    for (const [index, context] of contexts.entries()) {
      expectClose(losses[index]!, referenceLosses(context), 3e-5, `context ${index}`);
    }
    await scorer.release();
  });

  it('averages over all predicted tokens, over as many batches as it takes', async () => {
    const many = Array.from({ length: 1200 }, (_, index) => contexts[index % 4]!);
    const expected = many.flatMap((context) => referenceLosses(context.slice()));
    const scorer = await openScorer(model, runtime);
    const reports: number[] = [];
    const { loss, tokens } = await scorer.meanLoss(many, { onWork: ({ done }) => reports.push(done) });
    expect(tokens).toBe(expected.length);
    expect(reports.at(-1)).toBe(tokens);
    const mean = expected.reduce((sum, value) => sum + value, 0) / expected.length;
    expect(Math.abs(loss - mean)).toBeLessThan(1e-5);
    await scorer.release();
  });

  it('leaves predictions of one token out of the mean: the BOS where the next document begins', async () => {
    const border = 5;
    const packed = [...randomTokens(6, 7), border, ...randomTokens(5, 8), border, ...randomTokens(4, 9)].map(
      (id, at) => (at !== 6 && at !== 12 && id === border ? border + 1 : id),
    );
    const expected = referenceLosses(packed).filter((_, position) => packed[position + 1] !== border);
    expect(expected).toHaveLength(packed.length - 3);
    const scorer = await openScorer(model, runtime);
    const { loss, tokens } = await scorer.meanLoss([packed], { unscored: border });
    expect(tokens).toBe(expected.length);
    expect(Math.abs(loss - expected.reduce((sum, value) => sum + value, 0) / expected.length)).toBeLessThan(3e-5);
    await scorer.release();
  });

  it('scores the patched model when there are patches', async () => {
    const patches = [{ site: 'blocks.1.hook_resid_post', apply: (value: Value) => op.mul(value, 0) }];
    const scorer = await openScorer(model, runtime, { patches });
    const { loss } = await scorer.meanLoss(contexts);
    expect(loss).toBeCloseTo(Math.log(29), 4); // nothing left to know: all tokens alike
    await scorer.release();
  });

  it('refuses a context with nothing to predict, and no contexts at all', async () => {
    const scorer = await openScorer(model, runtime);
    await expect(scorer.losses([[3]])).rejects.toMatchObject({ code: 'empty' });
    await expect(scorer.meanLoss([])).rejects.toMatchObject({ code: 'empty' });
    const aborted = scorer.meanLoss(contexts, { signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: 'cancelled' });
    await scorer.release();
  });
});

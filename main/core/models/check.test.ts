// The comparison with a reference file: on files of our own making, and on the real and random models of ../shared/fixtures
// (skipped where they are absent).
import { existsSync, readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeSafetensors, type TensorToWrite } from '../formats/safetensors.ts';
import { checkModel } from './check.ts';
import { openModel } from './model.ts';
import { openScorer } from './scoring.ts';
import { referenceLlama } from '../../testing/models/referenceForward.ts';
import { runtime } from '../../testing/models/runVariant.ts';
import { openTinyModel, temporaryFolder } from '../../testing/models/temporaryFolder.ts';
import { randomTokens, tinyModel, VOCABULARY } from '../../testing/models/tinyModels.ts';

const argMax = (row: readonly number[]): number => row.reduce((best, value, id) => (value > row[best]! ? id : best), 0);

/** A reference of the tiny Llama by the double-precision forward pass, with `change` applied to its tensors. */
async function writeReference(change: (tensors: TensorToWrite[]) => TensorToWrite[] = (same) => same): Promise<string> {
  const tiny = tinyModel('llama');
  const rows = [randomTokens(9, 1), randomTokens(9, 2)];
  const forwards = rows.map((row) => referenceLlama(tiny, row));
  const greedy = rows[0]!.slice(0, 4);
  while (greedy.length < 10) greedy.push(argMax(Array.from(referenceLlama(tiny, greedy).logits.at(-1)!)));
  const resid = (block: number) => forwards.flatMap(({ sites }) => sites.get(`blocks.${block}.hook_resid_pre`)!);
  const tensors: TensorToWrite[] = [
    { name: 'input_ids', dtype: 'I64', shape: [2, 9], data: BigInt64Array.from(rows.flat(), BigInt) },
    {
      name: 'logits',
      dtype: 'F32',
      shape: [2, 9, VOCABULARY],
      data: Float32Array.from(forwards.flatMap(({ logits }) => logits.flat())),
    },
    { name: 'greedy_ids', dtype: 'I64', shape: [1, 10], data: BigInt64Array.from(greedy, BigInt) },
    ...[0, 1].map((block): TensorToWrite => ({
      name: `resid_pre.${block}`,
      dtype: 'F32',
      shape: [2, 9, 16],
      data: Float32Array.from(resid(block).flat()),
    })),
  ];
  const path = join(await temporaryFolder(), 'reference.safetensors');
  await writeSafetensors(path, change(tensors));
  return path;
}

const replace = (name: string, tensor: Partial<TensorToWrite>) => (tensors: TensorToWrite[]) =>
  tensors.map((each) => (each.name === name ? { ...each, ...tensor } : each));

describe('checking a model against a reference', () => {
  it('finds a right import right', async () => {
    const check = await checkModel(await openTinyModel('llama'), runtime, await writeReference());
    expect(check.logitStd).toBeGreaterThan(0.5);
    expect(check.maxAbsLogitDiff).toBeLessThan(3e-5);
    expect(check.maxAbsResidDiff).toBeLessThan(3e-5);
    expect(check.greedyMatch).toEqual({ cached: true, uncached: true });
  });

  it('finds another model wrong, in every figure', async () => {
    const check = await checkModel(await openTinyModel(tinyModel('llama', 2)), runtime, await writeReference());
    expect(check.maxAbsLogitDiff).toBeGreaterThan(0.5);
    expect(check.maxAbsResidDiff).toBeGreaterThan(0.1);
    expect(check.greedyMatch).toEqual({ cached: false, uncached: false });
  });

  it('gives null for what the reference does not have, and infinity for numbers that are none', async () => {
    const model = await openTinyModel('llama');
    const small = await writeReference((all) => all.filter(({ name }) => ['input_ids', 'logits'].includes(name)));
    expect(await checkModel(model, runtime, small)).toMatchObject({ maxAbsResidDiff: null, greedyMatch: null });
    const broken = await writeReference(
      replace('logits', { data: new Float32Array(2 * 9 * VOCABULARY).fill(Number.NaN) }),
    );
    expect((await checkModel(model, runtime, broken)).maxAbsLogitDiff).toBe(Infinity);
  });

  it.each([
    ['no logits', (all: TensorToWrite[]) => all.filter(({ name }) => name !== 'logits'), 'not-found'],
    ['logits of another vocabulary', replace('logits', { shape: [2, 9, 5], data: new Float32Array(90) }), 'mismatch'],
    [
      'ids that are no whole numbers',
      replace('input_ids', { dtype: 'F64', data: new Float64Array(18).fill(0.5) }),
      'mismatch',
    ],
    ['ids of another vocabulary', replace('input_ids', { data: new BigInt64Array(18).fill(500n) }), 'usage'],
    [
      'greedy text of another prompt',
      replace('greedy_ids', { data: BigInt64Array.from(Array.from({ length: 10 }, () => 1n)) }),
      'mismatch',
    ],
  ] as const)('refuses a reference with %s', async (_what, change, code) => {
    const path = await writeReference(change);
    const checked = checkModel(await openTinyModel('llama'), runtime, path);
    await expect(checked).rejects.toMatchObject({ name: 'AppError', code });
  });

  it('refuses a file that is no reference', async () => {
    const path = join(await temporaryFolder(), 'reference.npz');
    await writeFile(path, 'nonsense');
    await expect(checkModel(await openTinyModel('llama'), runtime, path)).rejects.toMatchObject({
      code: 'invalid-file',
    });
  });
});

const fixtures = resolve(import.meta.dirname, '../../../../shared/fixtures');
const hasFixtures = existsSync(fixtures);
if (!hasFixtures) console.log(`Skipped: the models of ${fixtures} are not here.`);

describe.skipIf(!hasFixtures)('the reference models', () => {
  const architectures = join(fixtures, 'architectures');
  it.each(hasFixtures ? readdirSync(architectures) : [])('%s agrees with transformers', async (name) => {
    const folder = join(architectures, name);
    const check = await checkModel(await openModel(folder), runtime, join(folder, 'reference.safetensors'));
    // The project's own bound: single precision in another order of additions.
    const tolerance = Math.max(1e-4, 2e-4 * check.logitStd);
    expect(check.maxAbsLogitDiff).toBeLessThanOrEqual(tolerance);
    expect(check.maxAbsResidDiff).toBeLessThanOrEqual(tolerance);
    expect(check.greedyMatch).toEqual({ cached: true, uncached: true });
  });

  it('stories260K agrees with its published logits and its loss on TinyStories', async () => {
    const folder = join(fixtures, 'models/stories260K');
    const model = await openModel(folder);
    const check = await checkModel(model, runtime, join(folder, 'reference_logits.npz'));
    expect(check.maxAbsLogitDiff).toBeLessThanOrEqual(2e-4 * check.logitStd);

    const tokenizer = await model.tokenizer();
    const text = await readFile(join(fixtures, 'corpora/tinystories/tiny_stories.txt'), 'utf8');
    const ids = tokenizer.encode(text);
    expect(ids).toHaveLength(477_172);
    expect(tokenizer.decode(ids)).toBe(text);
    // Every 40th context: the whole corpus, which gives 1.8015, takes half a minute.
    const contexts: number[][] = [];
    for (let start = 0; start + 255 <= ids.length; start += 40 * 255) {
      contexts.push([tokenizer.bosTokenId!, ...ids.slice(start, start + 255)]);
    }
    const scorer = await openScorer(model, runtime);
    const { loss, tokens } = await scorer.meanLoss(contexts);
    await scorer.release();
    expect(tokens).toBe(contexts.length * 255);
    expect(Math.abs(loss - 1.8015)).toBeLessThan(0.05); // 47 contexts: the mean's standard error is about 0.03
  });
});

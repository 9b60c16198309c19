// The gradient at every site of every architecture against central differences: something is added at the site, both ways, and
// the metric is measured. The step is swept, since a model in float32 is too noisy for a small one and too curved for a
// large one, and where that is differs from model to model.
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { randomDictionary } from '../../testing/dictionaries/randomDictionary.ts';
import { runtime } from '../../testing/models/runVariant.ts';
import { openTinyModel } from '../../testing/models/temporaryFolder.ts';
import { randomTokens, TINY_NAMES } from '../../testing/models/tinyModels.ts';
import { hashDictionary } from '../dictionaries/dictionary.ts';
import { DICTIONARY_KINDS } from '../dictionaries/kinds/index.ts';
import { fixEdit } from '../edits/editPatches.ts';
import { parseEdit } from '../../contract/domain/edit.ts';
import { openModel, type Model } from '../models/model.ts';
import type { Patch } from '../models/variant.ts';
import { Random } from '../numerics/random.ts';
import type { Rules } from '../onnx/gradient/rule.ts';
import { EXACT } from '../onnx/gradient/rules.ts';
import * as op from '../onnx/ops.ts';
import { continuationMetric, logitMetric } from './metric.ts';
import { SiteGradients, type MetricOfText } from './siteGradients.ts';

const STEPS = Array.from({ length: 10 }, (_, index) => 0.128 / 2 ** index);
/** Of the derivative along a direction. Most sites are right to 1e-4; float32 gives no more. */
const TOLERANCE = 1e-3;

interface Options {
  readonly rules?: Rules;
  readonly patches?: readonly Patch[];
}

/** max over sites of |gradient·u − central difference along u|, relative; u leans towards the gradient and is else random. */
async function worstError(model: Model, options: Options = {}): Promise<{ error: number; site: string }> {
  const sites = model.sites.map(({ name }) => name);
  const gradients = new SiteGradients({ model, runtime, sites, ...options });
  const longest = Math.min(14, model.config.contextLength);
  const ids = (length: number, seed: number) =>
    randomTokens(length, seed).map((id) => id % model.config.vocabularySize);
  // Of unequal length, so that one is padded; a difference of logits, and a continuation.
  const long = ids(longest, 3);
  const texts: MetricOfText[] = [
    { ids: ids(longest - 5, 4), metric: logitMetric(longest - 6, 5, 7) },
    { ids: long, metric: continuationMetric(long, longest - 3) },
  ];
  let worst = { error: 0, site: '' };
  try {
    const results = await gradients.run(texts);
    const random = new Random(11);
    for (const { name, width } of gradients.sites) {
      const joined = new Float32Array(texts.length * longest * width);
      for (const [row, { sites: bySite }] of results.entries()) {
        joined.set(bySite.get(name)!.gradient, row * longest * width);
      }
      const norm = Math.hypot(...joined);
      const noise = joined.map(() => random.normal() / Math.sqrt(joined.length));
      const direction = joined.map((value, index) => value / norm + noise[index]!);
      const predicted = joined.reduce((sum, value, index) => sum + value * direction[index]!, 0);
      const errors = estimates(await measureAlong(gradients, texts, name, direction)).map(
        (estimate) => Math.abs(estimate - predicted) / Math.abs(estimate),
      );
      const error = Math.min(...errors);
      if (!(error <= worst.error)) worst = { error, site: name };
    }
  } finally {
    await gradients.release();
  }
  return worst;
}

/** The metric of all texts together at the site's value plus offset·direction, by the offset: all in one batch. */
async function measureAlong(
  gradients: SiteGradients,
  texts: readonly MetricOfText[],
  site: string,
  direction: Float32Array,
): Promise<(offset: number) => number> {
  const offsets = STEPS.flatMap((step) => [step, -step]);
  const values = new Float32Array(offsets.length * direction.length);
  for (const [index, offset] of offsets.entries()) {
    values.set(
      direction.map((value) => offset * value),
      index * direction.length,
    );
  }
  const batch = offsets.length * texts.length;
  const time = Math.max(...texts.map(({ ids }) => ids.length));
  const rows = offsets.flatMap(() => texts);
  const measured = await gradients.measure(rows, { nudges: new Map([[site, { values, batch, time }]]) });
  return (offset) => {
    const first = offsets.indexOf(offset) * texts.length;
    return measured.slice(first, first + texts.length).reduce((sum, value) => sum + value, 0);
  };
}

/** Central differences of second and of fourth order at every step. */
function estimates(at: (offset: number) => number): number[] {
  const central = STEPS.map((step) => (at(step) - at(-step)) / (2 * step));
  return central.flatMap((estimate, index) => {
    const wider = central[index - 1];
    return wider === undefined ? [estimate] : [estimate, (4 * estimate - wider) / 3];
  });
}

const seen: { what: string; error: number; site: string }[] = [];

async function expectRight(what: string, model: Model, options: Options = {}): Promise<void> {
  const worst = await worstError(model, options);
  seen.push({ what, ...worst });
  expect(worst.error, `${what}, ${worst.site}`).toBeLessThan(TOLERANCE);
}

afterAll(() => {
  const [worst] = seen.toSorted((a, b) => b.error - a.error);
  if (worst)
    console.info(
      `Gradients: the worst of ${seen.length} models is ${worst.what} at ${worst.site}, ${worst.error.toExponential(1)}.`,
    );
});

/** An edit of two features at each of two sites, in front of and behind the others. */
async function editOf(model: Model, kind: (typeof DICTIONARY_KINDS)[number]): Promise<readonly Patch[]> {
  const modelHash = await model.hash();
  const places = ['blocks.0.hook_resid_post', 'blocks.1.hook_mlp_out'].map((site, index) => {
    const shape = { d: model.config.hiddenSize, size: 12, site };
    const dictionary = { ...randomDictionary(new Random(5 + index), kind, shape), modelHash };
    return { site, dictionary, hash: hashDictionary(dictionary) };
  });
  const edit = parseEdit({
    operations: places.flatMap(({ site, hash }) =>
      [1, 4].map((feature, index) => ({
        kind: index === 0 ? 'scale' : 'project',
        factor: 0.5,
        feature,
        dictionary: hash,
        site,
        scope: { positions: 'all' },
        gates: [],
      })),
    ),
  });
  const dictionaries = new Map(places.map(({ hash, dictionary }) => [hash, dictionary]));
  return fixEdit(edit, dictionaries, model.config.bosTokenId).patches;
}

describe('the gradient at every site is that of central differences', () => {
  it.each(TINY_NAMES)('of a random %s', async (name) => {
    await expectRight(name, await openTinyModel(name));
  });

  it.each(DICTIONARY_KINDS)('with an edit of %s features in front of and behind the sites', async (kind) => {
    const model = await openTinyModel('gpt2');
    await expectRight(`gpt2 with an edit of ${kind} features`, model, { patches: await editOf(model, kind) });
  });

  const fixtures = resolve('../shared/fixtures/architectures');
  it.skipIf(!existsSync(fixtures))(
    'of every stored architecture (skipped where ../shared is not there)',
    async () => {
      for (const name of (await readdir(fixtures)).sort()) {
        await expectRight(`the stored ${name}`, await openModel(join(fixtures, name)));
      }
    },
    180_000,
  );
});

it('notices a wrong sign in any rule that a model uses', async () => {
  const model = await openTinyModel('gemma2');
  for (const operator of ['Mul', 'Div', 'Sqrt', 'Pow', 'ReduceMean', 'Softmax', 'Tanh', 'MatMul', 'Gemm', 'Gelu']) {
    const right = EXACT.table[operator]!;
    const table = {
      ...EXACT.table,
      [operator]: ((pullback) => right(pullback).map((pull) => pull && (() => op.neg(pull())))) satisfies typeof right,
    };
    const { error } = await worstError(model, { rules: { ...EXACT, table } });
    expect(error, operator).toBeGreaterThan(0.01);
  }
}, 60_000);

it('gives the same bits in every run', async () => {
  const model = await openTinyModel('llama');
  const sites = model.sites.map(({ name }) => name);
  const text = { ids: randomTokens(12, 3), metric: logitMetric(11, 4, null) };
  const runs: unknown[] = [];
  for (let run = 0; run < 2; run++) {
    const gradients = new SiteGradients({ model, runtime, sites });
    runs.push(await gradients.run([text]), await gradients.run([text]));
    await gradients.release();
  }
  for (const again of runs.slice(1)) expect(again).toEqual(runs[0]);
});

it('refuses a text longer than the context, a token that is not there and a site that is not there', async () => {
  const model = await openTinyModel('gpt2');
  const gradients = new SiteGradients({ model, runtime, sites: ['blocks.0.hook_resid_post'] });
  const run = (length: number, position: number, target: number) =>
    gradients.run([{ ids: randomTokens(length, 1), metric: logitMetric(position, target, null) }]);
  await expect(run(40, 3, 1)).rejects.toThrow(/40 tokens are more than this model's longest context of 32/);
  await expect(run(4, 4, 1)).rejects.toThrow(/Position 4 is outside the text, whose positions are 0 to 3/);
  await expect(run(4, 3, 99)).rejects.toThrow(/token id 99 is not in this model's vocabulary/);
  expect(() => new SiteGradients({ model, runtime, sites: ['blocks.9.hook_resid_post'] })).toThrow(/has no site/);
  await gradients.release();
});

it('refuses a text on which activations are not finite, and names where', async () => {
  const model = await openTinyModel('gpt2');
  const site = 'blocks.0.hook_resid_post';
  const gradients = new SiteGradients({ model, runtime, sites: [site] });
  const text = { ids: randomTokens(3, 1), metric: logitMetric(2, 1, null) };
  const values = new Float32Array(3 * gradients.sites[0]!.width).fill(NaN);
  const facts = { nudges: new Map([[site, { values, batch: 1, time: 3 }]]) };
  await expect(gradients.run([text], facts)).rejects.toThrow(/numbers that are not finite, at/);
  await expect(gradients.measure([text], facts)).rejects.toThrow(/numbers that are not finite, at/);
  await gradients.release();
});

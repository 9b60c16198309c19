// A dictionary and the same one with its features in another order: each must find itself, by both measures, to the last one.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { prepareStatistics, SITE } from '../../testing/features/tinyStatistics.ts';
import { randomDictionary, referenceActivations } from '../../testing/dictionaries/randomDictionary.ts';
import { checkDictionary, type Dictionary } from '../dictionaries/dictionary.ts';
import type { Model } from '../models/model.ts';
import { int64Tensor } from '../models/tokenBatch.ts';
import { buildVariant } from '../models/variant.ts';
import { Random } from '../numerics/random.ts';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import { matchFeatures } from './matchingFeatures.ts';

const runtime = createCpuRuntime({ threads: 1 });
const CONTEXTS = [
  [1, 3, 9, 14, 5, 22, 8, 17],
  [1, 20, 4, 4, 11, 7, 25, 13],
];
let folder: string;
let model: Model;
let dictionary: Dictionary;
/** Feature i of `dictionary` is `ORDER[i]` here. */
let other: Dictionary;
const ORDER = Array.from({ length: 40 }, (_, feature) => (feature * 7 + 3) % 40);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-match-'));
  ({ model, dictionary } = await prepareStatistics(folder, 100));
  const moved = (rows: Float32Array, width: number) => {
    const result = new Float32Array(rows.length);
    for (const [from, to] of ORDER.entries()) result.set(rows.subarray(from * width, (from + 1) * width), to * width);
    return result;
  };
  const { encoder, encoderBias, decoder, perFeature, d } = dictionary;
  other = checkDictionary(
    {
      ...dictionary,
      encoder: moved(encoder, d),
      encoderBias: moved(encoderBias, 1),
      decoder: moved(decoder, d),
      perFeature: Object.fromEntries(Object.entries(perFeature).map(([name, values]) => [name, moved(values, 1)])),
    },
    'test',
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** In double precision, from the activations that the dictionaries give. */
async function reference(feature: number, of: number, to: Dictionary): Promise<number> {
  const session = await runtime.createSession(buildVariant(model, { taps: [SITE] }), {
    weightsFolder: model.weightsFolder,
  });
  let [products, own, others] = [0, 0, 0];
  for (const ids of CONTEXTS) {
    const input = int64Tensor(ids);
    const x = (await session.run({ input_ids: input.reshape([1, ids.length]) }))[SITE]?.data as Float32Array;
    for (let at = 1; at < ids.length; at++) {
      const a = referenceActivations(dictionary, x.subarray(16 * at, 16 * (at + 1)))[feature]!;
      const b = referenceActivations(to, x.subarray(16 * at, 16 * (at + 1)))[of]!;
      products += a * b;
      own += a * a;
      others += b * b;
    }
  }
  await session.release();
  return products / Math.sqrt(own * others);
}

it('finds each feature of a dictionary in one whose features stand in another order', async () => {
  const sought = ORDER.slice(0, 30).map((_, feature) => ({ feature, contexts: [] }));
  const found = await matchFeatures(sought, { runtime, model, dictionary, other, count: 3 });
  for (const [feature, matches] of found.entries()) {
    expect(matches).toHaveLength(3);
    expect(matches[0]!.feature).toBe(ORDER[feature]);
    expect(matches[0]!.cosine).toBeCloseTo(1, 5);
    expect(matches[0]!.shared).toBeNull();
  }
});

it('says how alike two features fire on the contexts of the first, as the formula in double precision does', async () => {
  const [matches] = await matchFeatures([{ feature: 4, contexts: CONTEXTS }], {
    ...{ runtime, model, dictionary, other },
    count: 40,
  });
  expect(matches!.find(({ feature }) => feature === ORDER[4])!.shared).toBeCloseTo(1, 5);
  for (const { feature, shared } of matches!.filter(({ shared: of }) => of! > 0)) {
    expect(shared).toBeCloseTo(await reference(4, feature, other), 4);
  }
  expect(matches!.filter(({ shared }) => shared! > 0).length).toBeGreaterThan(3);
});

it('finds by shared examples what writes into vectors of another width', async () => {
  const wide = checkDictionary(
    {
      ...randomDictionary(new Random(8), 'topk', { d: 64, size: 24, site: 'blocks.0.mlp.hook_post' }),
      modelHash: await model.hash(),
    },
    'test',
  );
  const [matches] = await matchFeatures([{ feature: 4, contexts: CONTEXTS }], {
    ...{ runtime, model, dictionary, other: wide },
    count: 5,
  });
  expect(matches!.length).toBeGreaterThan(0);
  expect(matches!.every(({ cosine }) => cosine === null)).toBe(true);
  const shared = matches!.map(({ shared: of }) => of!);
  expect(shared).toEqual(shared.toSorted((a, b) => b - a));
});

it('refuses a dictionary of another model and a feature that there is not', async () => {
  const options = { runtime, model, dictionary, count: 1 };
  const foreign = { ...other, modelHash: 'f'.repeat(64) };
  await expect(matchFeatures([{ feature: 1, contexts: [] }], { ...options, other: foreign })).rejects.toMatchObject({
    code: 'mismatch',
  });
  await expect(matchFeatures([{ feature: 40, contexts: [] }], { ...options, other })).rejects.toMatchObject({
    code: 'usage',
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomDictionary } from '../../testing/dictionaries/randomDictionary.ts';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import { openModel } from '../models/model.ts';
import {
  tinyModel,
  VOCABULARY,
  writeTinyModel,
  type TinyModel,
  type TinyName,
} from '../../testing/models/tinyModels.ts';
import { Random } from '../numerics/random.ts';
import { decoderNeighbours } from './decoderNeighbours.ts';
import { EFFECT_TOKENS, hasLogitEffects, logitEffects } from './logitEffects.ts';

const runtime = createCpuRuntime({ threads: 1 });
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-effects-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const D = 16;
const SITE = 'blocks.1.hook_resid_post';
const dictionary = (size = 12, site = SITE) => randomDictionary(new Random(4), 'jumprelu', { d: D, size, site });

/** Where the last normalisation and the unembedding lie in the published checkpoints. */
const ENDS: Readonly<Record<string, { norm: string; head: string; centres: boolean; offset: number }>> = {
  gpt2: { norm: 'transformer.ln_f.weight', head: 'transformer.wte.weight', centres: true, offset: 0 },
  llama: { norm: 'model.norm.weight', head: 'lm_head.weight', centres: false, offset: 0 },
  gemma2: { norm: 'model.norm.weight', head: 'model.embed_tokens.weight', centres: false, offset: 1 },
  phi: { norm: 'model.final_layernorm.weight', head: 'lm_head.weight', centres: true, offset: 0 },
};

/** W_U·(γ ∘ centred d) less its mean, `[vocabulary]`, in double precision. */
function referenceEffects({ tensors }: TinyModel, name: string, direction: Float32Array): Float64Array {
  const { norm, head, centres, offset } = ENDS[name]!;
  const gamma = tensors.get(norm)!.values;
  const unembedding = tensors.get(head)!.values;
  const mean = centres ? direction.reduce((sum, value) => sum + value, 0) / D : 0;
  const effects = Float64Array.from({ length: VOCABULARY }, (_, token) => {
    let sum = 0;
    for (let j = 0; j < D; j++) sum += unembedding[token * D + j]! * (gamma[j]! + offset) * (direction[j]! - mean);
    return sum;
  });
  const average = effects.reduce((sum, value) => sum + value, 0) / VOCABULARY;
  return effects.map((value) => value - average);
}

describe('effects of decoder rows on the logits', () => {
  it.each(Object.keys(ENDS))('of %s are those of the formula in double precision', async (name) => {
    const tiny = tinyModel(name as TinyName);
    await writeTinyModel(join(folder, name), tiny);
    const model = await openModel(join(folder, name));
    const of = dictionary();
    const found = await logitEffects(of, { runtime, model });
    for (let feature = 0; feature < of.size; feature++) {
      const expected = referenceEffects(tiny, name, of.decoder.subarray(feature * D, (feature + 1) * D));
      const falling = [...expected.keys()].sort((a, b) => expected[b]! - expected[a]!);
      const first = feature * EFFECT_TOKENS;
      const list = (values: Int32Array | Float32Array) => [...values.subarray(first, first + EFFECT_TOKENS)];
      expect(list(found.topTokens)).toEqual(falling.slice(0, EFFECT_TOKENS));
      expect(list(found.bottomTokens)).toEqual(falling.toReversed().slice(0, EFFECT_TOKENS));
      // float32 over 16 products; and, of gemma2, the soft cap: 4 parts in 10⁶.
      const scale = Math.max(...expected.map(Math.abs));
      for (const [place, token] of falling.slice(0, EFFECT_TOKENS).entries()) {
        expect(Math.abs(found.topEffects[first + place]! - expected[token]!)).toBeLessThan(2e-5 * scale);
      }
      const total = expected.reduce((sum, value) => sum + value ** 2, 0);
      const entropy = expected.reduce((sum, value) => {
        const share = value ** 2 / total;
        return sum - (share === 0 ? 0 : share * Math.log(share));
      }, 0);
      expect(found.entropies[feature]).toBeCloseTo(entropy, 4);
    }
  });

  it('do not depend on how many features are computed, and are zero for a decoder row of zeros', async () => {
    const model = await openModel(join(folder, 'gpt2'));
    const of = dictionary(3);
    of.decoder.fill(0, D, 2 * D);
    const found = await logitEffects(of, { runtime, model });
    expect([...found.topEffects.subarray(EFFECT_TOKENS, 2 * EFFECT_TOKENS)]).toEqual(new Array(EFFECT_TOKENS).fill(0));
    expect(found.entropies.every(Number.isFinite)).toBe(true);
  });

  it('exist only where what is written is added to the residual stream', async () => {
    const model = await openModel(join(folder, 'llama'));
    const having = model.sites.filter(({ name }) => hasLogitEffects(model, name)).map(({ name }) => name);
    expect(having).toContain('blocks.0.hook_mlp_out');
    for (const site of ['blocks.0.attn.hook_z', 'blocks.1.mlp.hook_post', 'blocks.0.ln2.hook_normalized']) {
      expect(having).not.toContain(site);
      await expect(logitEffects(dictionary(2, site), { runtime, model })).rejects.toMatchObject({
        code: 'unsupported',
      });
    }
  });
});

describe('nearest decoder rows', () => {
  it('are those of cosines in double precision, itself left out', async () => {
    const of = dictionary(50);
    of.decoder.set(of.decoder.subarray(0, D), 7 * D); // a twin
    of.decoder.fill(0, 9 * D, 10 * D); // a row of zeros
    const row = (feature: number) => [...of.decoder.subarray(feature * D, (feature + 1) * D)];
    const product = (a: number[], b: number[]) => a.reduce((sum, value, j) => sum + value * b[j]!, 0);
    const norm = (a: number[]) => Math.sqrt(product(a, a)) || 1;
    const { features, cosines } = await decoderNeighbours(of, 5, { runtime });
    for (let feature = 0; feature < 50; feature++) {
      const expected = Array.from({ length: 50 }, (_, other) => other)
        .filter((other) => other !== feature)
        .map((other) => product(row(feature), row(other)) / norm(row(feature)) / norm(row(other)))
        .sort((a, b) => b - a);
      for (let place = 0; place < 5; place++) {
        const partner = features[5 * feature + place]!;
        expect(partner).not.toBe(feature);
        expect(cosines[5 * feature + place]).toBeCloseTo(expected[place]!, 5);
        expect(product(row(feature), row(partner)) / norm(row(feature)) / norm(row(partner))).toBeCloseTo(
          expected[place]!,
          5,
        );
      }
    }
    expect(features[0]).toBe(7);
    expect(features[5 * 7]).toBe(0);
  });

  it('are fewer than asked for where there are fewer', async () => {
    const { features } = await decoderNeighbours(dictionary(3), 5, { runtime });
    expect([...features.subarray(0, 5)].filter((feature) => feature >= 0).sort()).toEqual([1, 2]);
  });
});

// Variants: taps, patches, heads and the cut, on a tiny model; heads against double precision computed from the logits.
import { Tensor } from 'onnxruntime-common';
import { beforeAll, describe, expect, it } from 'vitest';
import { GraphBuilder, type Value } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import type { Model } from './model.ts';
import { expectClose, floats, runVariant, tokens } from '../../testing/models/runVariant.ts';
import { openTinyModel } from '../../testing/models/temporaryFolder.ts';
import { tinyModel, VOCABULARY } from '../../testing/models/tinyModels.ts';
import { buildVariant, type Patch } from './variant.ts';

let model: Model;
beforeAll(async () => {
  model = await openTinyModel('gpt2');
});

const rows = [
  [5, 8, 3, 21, 8, 14, 9],
  [27, 4, 4, 12, 19, 6, 23],
];
const inputIds = tokens(...rows);
const scaleBy = (site: string, factor: number): Patch => ({ site, apply: (value: Value) => op.mul(value, factor) });
// Single precision on logits of order 1 to 10, in at most a few hundred additions.
const TOLERANCE = 1e-5;

/** log softmax in double precision, for every position: `[2·7][vocabulary]`. */
async function logProbs(patches: readonly Patch[] = []): Promise<number[][]> {
  const logits = floats((await runVariant(model, { head: 'logits', patches }, { input_ids: inputIds }))['logits']);
  return Array.from({ length: logits.length / VOCABULARY }, (_, position) => {
    const row = Array.from(logits.slice(position * VOCABULARY, (position + 1) * VOCABULARY));
    const total = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0));
    return row.map((value) => value - total);
  });
}

function divergence(p: readonly number[][], q: readonly number[][]): number[] {
  return p.map((row, position) => row.reduce((sum, logP, id) => sum + Math.exp(logP) * (logP - q[position]![id]!), 0));
}

describe('heads', () => {
  it('give the loss of every next token', async () => {
    const { loss } = await runVariant(model, { head: 'loss' }, { input_ids: inputIds });
    const all = await logProbs();
    const expected = rows.flatMap((row, batch) => row.slice(1).map((id, time) => -all[batch * 7 + time]![id]!));
    expect(loss?.dims).toEqual([2, 6]);
    expectClose(floats(loss), expected, TOLERANCE, 'loss');
  });

  it('give the ranks of chosen tokens: how many are likelier there', async () => {
    const places = [
      [0, 0],
      [0, 5],
      [1, 3],
      [1, 6],
    ] as const;
    const targets = [8, 14, 12, 0];
    const results = await runVariant(
      model,
      { head: ['chosenLogProbs', 'chosenRanks'] },
      {
        input_ids: inputIds,
        scored_positions: new Tensor('int64', BigInt64Array.from(places.flat(), BigInt), [4, 2]),
        scored_targets: new Tensor('int64', BigInt64Array.from(targets, BigInt), [4, 1]),
      },
    );
    const all = await logProbs();
    const at = places.map(([row, position]) => all[row * 7 + position]!);
    const ranks = at.map((here, index) => here.filter((value) => value > here[targets[index]!]!).length);
    expect(results['chosen_ranks']?.dims).toEqual([4]);
    expect(Array.from(floats(results['chosen_ranks']))).toEqual(ranks);
    expectClose(
      floats(results['chosen_log_probs']),
      at.map((here, index) => here[targets[index]!]!),
      TOLERANCE,
      'chosen_log_probs',
    );
  });

  it('give log-probabilities of tokens asked for', async () => {
    const ids = Array.from({ length: 2 * 7 * 3 }, (_, index) => (index * 5) % VOCABULARY);
    const targets = new Tensor('int64', BigInt64Array.from(ids, BigInt), [2, 7, 3]);
    const results = await runVariant(model, { head: 'tokenLogProbs' }, { input_ids: inputIds, target_ids: targets });
    const all = await logProbs();
    const expected = ids.map((id, index) => all[Math.floor(index / 3)]![id]!);
    expect(results['token_log_probs']?.dims).toEqual([2, 7, 3]);
    expectClose(floats(results['token_log_probs']), expected, TOLERANCE, 'token_log_probs');
  });

  it('give the likeliest tokens, at the place where each row ends', async () => {
    const lastPosition = new Tensor('int64', BigInt64Array.of(6n, 3n), [2]);
    const results = await runVariant(
      model,
      { head: ['topTokens', 'lastLogits', 'argmax'], topTokenCount: 4 },
      { input_ids: inputIds, last_position: lastPosition },
    );
    const all = await logProbs();
    for (const [row, position] of [6, 7 + 3].entries()) {
      const sorted = all[position]!.map((value, id) => ({ value, id })).sort((a, b) => b.value - a.value);
      const ids = Array.from(results['top_ids']!.data as BigInt64Array, Number).slice(4 * row, 4 * row + 4);
      expect(ids).toEqual(sorted.slice(0, 4).map(({ id }) => id));
      const values = floats(results['top_log_probs']).slice(4 * row, 4 * row + 4);
      expectClose(
        values,
        sorted.slice(0, 4).map(({ value }) => value),
        TOLERANCE,
        'top_log_probs',
      );
      const argmax = results['argmax']!.data as BigInt64Array;
      expect(Number(argmax[position])).toBe(ids[0]);
    }
    expect(results['last_logits']?.dims).toEqual([2, VOCABULARY]);
  });

  it('give the divergence of the patched model from the unpatched one, or from logits given', async () => {
    const patches = [scaleBy('blocks.0.hook_mlp_out', 1.7), scaleBy('blocks.1.attn.hook_z', 0.2)];
    const { kl } = await runVariant(model, { head: 'kl', patches }, { input_ids: inputIds });
    const expected = divergence(await logProbs(), await logProbs(patches));
    expect(Math.max(...expected)).toBeGreaterThan(0.05);
    expect(kl?.dims).toEqual([2, 7]);
    expectClose(floats(kl), expected, TOLERANCE, 'kl');

    const { logits } = await runVariant(model, { head: 'logits' }, { input_ids: inputIds });
    const feeds = { input_ids: inputIds, reference_logits: logits! };
    const given = await runVariant(model, { head: 'klToReference', patches }, feeds);
    expectClose(floats(given['kl']), expected, TOLERANCE, 'kl to reference');

    const none = await runVariant(model, { head: 'kl' }, { input_ids: inputIds });
    expectClose(floats(none['kl']), new Float32Array(14), 1e-6, 'kl without patches');
  });

  it('share one run: several heads and taps together', async () => {
    const patches = [scaleBy('blocks.0.hook_mlp_out', 1.7)];
    const results = await runVariant(
      model,
      { head: ['loss', 'kl', 'logits'], taps: ['blocks.1.hook_resid_post'], patches },
      { input_ids: inputIds },
    );
    expect(Object.keys(results).sort()).toEqual(['blocks.1.hook_resid_post', 'kl', 'logits', 'loss']);
    const alone = await runVariant(model, { head: 'loss', patches }, { input_ids: inputIds });
    expectClose(floats(results['loss']), floats(alone['loss']), TOLERANCE, 'loss');
  });
});

describe('patches', () => {
  it('change what flows on: silencing a layer equals a checkpoint whose layer writes nothing', async () => {
    const tiny = tinyModel('gpt2');
    const silenced = new Map(tiny.tensors);
    for (const name of ['transformer.h.0.mlp.c_proj.weight', 'transformer.h.0.mlp.c_proj.bias']) {
      const tensor = tiny.tensors.get(name)!;
      silenced.set(name, { ...tensor, values: new Float32Array(tensor.values.length) });
    }
    const expected = await runVariant(
      await openTinyModel({ ...tiny, tensors: silenced }),
      { head: 'logits' },
      { input_ids: inputIds },
    );
    const patches = [scaleBy('blocks.0.hook_mlp_out', 0)];
    const actual = await runVariant(model, { head: 'logits', patches }, { input_ids: inputIds });
    expectClose(floats(actual['logits']), floats(expected['logits']), TOLERANCE, 'logits');
  });

  it('at one site act one after another, and taps see before or after them', async () => {
    const site = 'blocks.0.hook_resid_post';
    const patches = [scaleBy(site, 2), { site, apply: (value: Value) => op.add(value, 1) }];
    const plain = floats((await runVariant(model, { taps: [site] }, { input_ids: inputIds }))[site]);
    const before = await runVariant(model, { taps: [site], patches }, { input_ids: inputIds });
    const after = await runVariant(model, { taps: [site], patches, tapsAfterPatches: true }, { input_ids: inputIds });
    expect(floats(before[site])).toEqual(plain);
    expect(floats(after[site])).toEqual(plain.map((value) => 2 * value + 1));
    const next = 'blocks.1.hook_resid_pre';
    const onwards = await runVariant(model, { taps: [next], patches }, { input_ids: inputIds });
    expect(floats(onwards[next])).toEqual(floats(after[site]));
  });

  it('may read the tokens and inputs of their own', async () => {
    const site = 'blocks.0.hook_resid_post';
    const notFirst: Patch = {
      site,
      apply: (value) => {
        const { graph } = value;
        const isScoped = op.not(op.equal(graph.value('input_ids'), rows[0]![0]!));
        const direction = graph.input('direction', 'float32', [16]);
        return op.add(value, op.mul(op.unsqueeze(op.cast(isScoped, 'float32'), [-1]), direction));
      },
    };
    const direction = new Float32Array(16).fill(3);
    const options = { taps: [site], patches: [notFirst], tapsAfterPatches: true };
    const feeds = { input_ids: inputIds, direction: new Tensor('float32', direction, [16]) };
    const patched = floats((await runVariant(model, options, feeds))[site]);
    const plain = floats((await runVariant(model, { taps: [site] }, { input_ids: inputIds }))[site]);
    expect(patched.slice(0, 16)).toEqual(plain.slice(0, 16));
    expect(patched.slice(16, 32)).toEqual(plain.slice(16, 32).map((value) => value + 3));
  });

  it('must keep the shape', () => {
    const patch: Patch = { site: 'hook_embed', apply: (value) => op.reduceMean(value, [-1]) };
    expect(() => buildVariant(model, { head: 'logits', patches: [patch] })).toThrow(/keep type and shape/u);
  });
});

describe('the cut', () => {
  it('leaves out all that comes after the last thing needed', () => {
    const graph = GraphBuilder.open(buildVariant(model, { taps: ['blocks.0.hook_resid_post'] }));
    expect(graph.find('transformer.h.0.mlp.c_proj.weight')).toBeDefined();
    expect(graph.find('transformer.h.1.ln_1.weight')).toBeUndefined();
    expect(graph.find('transformer.ln_f.weight')).toBeUndefined();
    expect(graph.inputs.map((input) => input.name)).toEqual(['input_ids']);
  });

  it('keeps every site a named value of the whole graph, with the shape it promises', () => {
    const graph = GraphBuilder.open(model.buildGraph({ cache: false }).toBytes());
    for (const site of model.sites) expect(graph.value(site.name).shape).toEqual(site.shape);
  });
});

it('an unknown site is refused with the nearest names', () => {
  const build = () => buildVariant(model, { taps: ['blocks.1.hook_residpost'] });
  expect(build).toThrow(expect.objectContaining({ code: 'unknown-site' }));
  expect(build).toThrow(/Did you mean "blocks\.1\.hook_resid_post"/u);
  const patch: Patch = { site: 'blocks.2.hook_resid_pre', apply: (value) => value };
  expect(() => buildVariant(model, { patches: [patch] })).toThrow(expect.objectContaining({ code: 'unknown-site' }));
});

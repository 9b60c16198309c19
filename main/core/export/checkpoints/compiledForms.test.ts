// Edits compiled into plain checkpoints: biases and weights, of every architecture, against the edit in the workbench.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Operation } from '../../../contract/domain/operations/index.ts';
import { openFile } from '../../files/byteSource.ts';
import { readFloatTensor } from '../../formats/safetensors.ts';
import { openModel, type Model } from '../../models/model.ts';
import { TINY_NAMES, type TinyName } from '../../../testing/models/tinyModels.ts';
import { runtime } from '../../../testing/models/runVariant.ts';
import { openTinyModel, temporaryFolder } from '../../../testing/models/temporaryFolder.ts';
import type { WriteOptions } from '../../../testing/models/tinyModels.ts';
import { Random } from '../../numerics/random.ts';
import { changeTensor } from './compiledWeights.ts';
import { exportModel } from '../exportModel.ts';
import { exportLadder } from '../ladder.ts';
import { exportBench } from '../../../testing/export/exportBench.ts';
import { verifyArtifact } from '../verifyArtifact.ts';
import { planWeights } from './weightPlan.ts';

type Change = Pick<Operation, 'site'> & Partial<Operation>;

const steer = (site: string, feature = 1): Change => ({ site, feature, kind: 'steer', amount: 1.5 });
const project = (site: string, feature = 2, factor = 0): Change => ({ site, feature, kind: 'project', factor });

/** An edit of the first dictionary of the bench, at sites as wide as it. */
async function benchWith(model: Model, changes: readonly Change[]) {
  const bench = await exportBench(model);
  const [first] = bench.edit.operations;
  if (!first) throw new Error('no operation');
  const operations = changes.map(
    (change) => ({ dictionary: first.dictionary, scope: { positions: 'all' }, gates: [], ...change }) as Operation,
  );
  return { ...bench, edit: { operations }, runtime };
}

async function exportedAs(
  form: 'bias' | 'weights',
  name: TinyName,
  changes: readonly Change[],
  options?: WriteOptions,
) {
  const model = await openTinyModel(name, options);
  const bench = await benchWith(model, changes);
  const folder = join(await temporaryFolder(), 'artifact');
  return { ...(await exportModel({ ...bench, form, folder })), folder, model };
}

/** Which forms carry an edit, and with which badge. */
function badges(model: Model, changes: readonly Change[]): Record<string, string | null> {
  const operations = changes.map(
    (change) =>
      ({ dictionary: 'd'.repeat(64), feature: 1, scope: { positions: 'all' }, gates: [], ...change }) as Operation,
  );
  const { rungs } = exportLadder(model, operations, () => ({ architecture: 'batchtopk', size: 32, k: null }));
  return Object.fromEntries(rungs.map(({ form, badge }) => [form, badge]));
}

const WITH_BIASES: readonly TinyName[] = [
  'gpt2',
  'gpt_neo',
  'gpt_neox parallel',
  'gpt_neox sequential',
  'llama with biases, tied, one head per key',
  'opt',
  'opt post-norm, narrow embedding',
  'phi',
];

describe('a steer in a bias', () => {
  it.each(WITH_BIASES)('of a tiny %s does what the workbench shows, at every site of the stream', async (name) => {
    const { sites } = await openTinyModel(name);
    const hasPositions = ['gpt2', 'gpt_neo', 'opt'].some((prefix) => name.startsWith(prefix) && !name.includes('neox'));
    const there = sites
      .map((site) => site.name)
      .filter((site) => /hook_(?:embed|resid_\w+|attn_out|mlp_out)$/u.test(site))
      .filter((site) => hasPositions || !/hook_embed|blocks\.0\.hook_resid_pre/u.test(site));
    const { equivalence, effect, manifest, deviation } = await exportedAs(
      'bias',
      name,
      there.map((site, index) => steer(site, index)),
    );
    expect(equivalence.logits.maxAbsLogitDiff).toBeLessThanOrEqual(equivalence.tolerance.maxAbsLogitDiff);
    expect(equivalence.greedy.divergences).toBe(0);
    expect(effect.logits.maxAbsLogitDiff).toBeGreaterThan(0.1);
    expect(deviation).toBeNull();
    expect(new Set(manifest.exactness.map(({ badge }) => badge))).toEqual(new Set(['exact']));
  });

  it('is refused where there is no bias, and where the edit is no constant', async () => {
    const llama = await openTinyModel('llama');
    const gemma = await openTinyModel('gemma2');
    const gpt2 = await openTinyModel('gpt2');
    const site = 'blocks.1.hook_resid_post';
    expect(badges(llama, [steer(site)])).toEqual({
      embedded: 'exact',
      referenced: 'exact',
      bias: null,
      weights: null,
      huggingface: 'exact',
    });
    const cases: readonly (readonly [Model, Change, RegExp])[] = [
      [llama, steer(site), /mlp\.down_proj\.weight.*no bias/u],
      [llama, steer('blocks.0.hook_resid_pre'), /embedding has no bias/u],
      [gemma, steer(site), /norm.*no bias/u],
      [gpt2, { site, feature: 3, kind: 'clamp', value: 1 }, /clamp of feature 3 depends/u],
      [gpt2, project(site), /not constant/u],
      [gpt2, { ...steer(site), scope: { positions: 'notBos' } }, /leaves BOS alone/u],
      [gpt2, { ...steer(site), gates: [{ feature: 2, threshold: 0 }] }, /has gates/u],
      [gpt2, steer('blocks.0.mlp.hook_post'), /not in the residual stream/u],
      [gpt2, steer('blocks.9.hook_resid_post'), /no site/u],
    ];
    for (const [model, change, reason] of cases) {
      const { edit } = await benchWith(model, [change]);
      const plan = planWeights(model, edit.operations, 'bias');
      expect('refused' in plan ? plan.refused : 'planned').toMatch(reason);
    }
    const bench = await benchWith(llama, [steer(site)]);
    const parent = await temporaryFolder();
    const failing = exportModel({ ...bench, form: 'bias', folder: join(parent, 'artifact') });
    await expect(failing).rejects.toMatchObject({ code: 'unsupported' });
    expect(await readdir(parent)).toEqual([]);
  });
});

describe('a projection in weights', () => {
  it.each(TINY_NAMES)('of a tiny %s is exact where nothing reads the stream before', async (name) => {
    const model = await openTinyModel(name);
    const normalizesWrites = /^gemma\d|^olmo2$/u.test(name);
    const isMixture = model.config.mixtureBlocks?.includes(1) ?? false;
    const changes = [
      project('blocks.0.hook_resid_pre', 2),
      ...(normalizesWrites ? [] : [project('blocks.0.hook_attn_out', 3, 0.5)]),
      ...(normalizesWrites || isMixture ? [] : [project('blocks.1.hook_mlp_out', 4)]),
    ];
    expect(badges(model, changes)['weights']).toBe('exact');
    const { equivalence, effect, deviation, notes } = await exportedAs('weights', name, changes);
    expect(equivalence.logits.maxAbsLogitDiff).toBeLessThanOrEqual(equivalence.tolerance.maxAbsLogitDiff);
    expect(effect.logits.maxAbsLogitDiff).toBeGreaterThan(0.05);
    expect(deviation).toBeNull();
    const isTied = model.writers.head.sharesEmbedding;
    expect(notes.some((note) => note.includes('tie_word_embeddings'))).toBe(isTied);
  });

  it.each(['mixtral', 'qwen2_moe', 'gpt_oss'] as const)('of a tiny %s is refused behind its experts', async (name) => {
    const model = await openTinyModel(name);
    const { edit } = await benchWith(model, [project('blocks.0.hook_mlp_out', 2)]);
    const plan = planWeights(model, edit.operations, 'weights');
    expect('refused' in plan ? plan.refused : 'planned').toMatch(
      /^model\.layers\.0\..*experts.*is a mixture of experts/u,
    );
  });

  it.each(['gpt2', 'gpt_neox parallel', 'llama', 'opt'] as const)(
    'of a tiny %s equals the projection at every write, and says how far that is from the edit',
    async (name) => {
      const changes = [
        project('blocks.1.hook_resid_pre', 2),
        project('blocks.1.hook_resid_pre', 5, 0.25),
        project('blocks.1.hook_resid_post', 3),
        ...(name === 'llama' ? [] : [steer('blocks.1.hook_resid_post', 6)]),
      ];
      const { equivalence, deviation, manifest, folder } = await exportedAs('weights', name, changes);
      expect(equivalence.logits.maxAbsLogitDiff).toBeLessThanOrEqual(equivalence.tolerance.maxAbsLogitDiff);
      expect(deviation?.logits.maxAbsLogitDiff).toBeGreaterThan(0.05);
      expect(manifest.exactness.map(({ badge }) => badge)).toEqual(changes.map(() => 'approximate'));
      expect(await readFile(join(folder, 'README.md'), 'utf8')).toContain('not the edit at its site alone');
      const again = await verifyArtifact({ runtime, folder });
      expect(again.maxAbsLogitDiff).toBeLessThanOrEqual(again.equivalence.tolerance.maxAbsLogitDiff);
    },
  );

  it.each([{ dtype: 'BF16' }, { dtype: 'F16' }, { shards: 3 }] as const)(
    'keeps every other tensor as it was stored: %j',
    async (options) => {
      const { folder, model, equivalence } = await exportedAs(
        'weights',
        'gpt2',
        [project('blocks.1.hook_resid_pre')],
        options,
      );
      expect(equivalence.greedy.divergences).toBe(0);
      const exported = await openModel(folder);
      for (const [name, { dtype }] of model.storedTensors) {
        const isChanged = /wte|wpe|h\.0\.(?:attn|mlp)\.c_proj/u.test(name);
        expect(exported.storedTensors.get(name)?.dtype, name).toBe(isChanged ? 'F32' : dtype);
      }
      expect(exported.storedTensors.has('lm_head.weight')).toBe(true);
      const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;
      expect(config['tie_word_embeddings']).toBe(false);
      expect(config['dtype']).toBe('dtype' in options ? 'float32' : undefined);
    },
  );

  it('is refused where a norm stands between the product and the stream', async () => {
    const reason = (plan: ReturnType<typeof planWeights>) => ('refused' in plan ? plan.refused : 'planned');
    for (const name of ['gemma2', 'gemma3', 'opt post-norm, narrow embedding'] as const) {
      const model = await openTinyModel(name);
      const { edit } = await benchWith(model, [project('blocks.1.hook_resid_post')]);
      expect(reason(planWeights(model, edit.operations, 'weights')), name).toMatch(/passes a norm/u);
    }
  });
});

describe('a changed tensor', () => {
  it.each([0, 1] as const)('is what the formula says, with the stream along axis %i', (streamAxis) => {
    const random = new Random(4);
    const [rows, columns] = streamAxis === 1 ? [7, 5] : [5, 7];
    const values = Float32Array.from({ length: 35 }, () => random.normal());
    const unit = () => {
      const v = Float64Array.from({ length: 5 }, () => random.normal());
      const norm = Math.hypot(...v);
      return v.map((x) => x / norm);
    };
    const [a, b, add] = [unit(), unit(), unit()];
    const changed = changeTensor(values, [rows, columns], {
      streamAxis,
      changes: [
        {
          kind: 'project',
          terms: [
            { gain: -1, direction: a },
            { gain: -0.5, direction: b },
          ],
        },
        { kind: 'add', vector: add },
      ],
    });
    const at = (data: ArrayLike<number>, vector: number, j: number) =>
      data[streamAxis === 1 ? vector * 5 + j : j * 7 + vector] ?? NaN;
    for (let vector = 0; vector < 7; vector++) {
      const along = (d: Float64Array) => d.reduce((sum, dj, j) => sum + dj * at(values, vector, j), 0);
      for (let j = 0; j < 5; j++) {
        const expected = at(values, vector, j) - along(a) * (a[j] ?? 0) - 0.5 * along(b) * (b[j] ?? 0) + (add[j] ?? 0);
        expect(at(changed, vector, j)).toBeCloseTo(expected, 5);
      }
    }
  });

  it('of a projection to 0 has nothing left of the direction', async () => {
    const { folder, model } = await exportedAs('weights', 'llama', [project('blocks.1.hook_resid_post', 7)]);
    const [dictionary] = [...(await exportBench(model)).dictionaries.values()];
    const direction = dictionary?.decoder.subarray(7 * 16, 8 * 16) ?? [];
    const along = async (of: Model) => {
      const tensor = of.storedTensors.get('model.layers.1.mlp.down_proj.weight');
      if (!tensor) throw new Error('no tensor');
      const source = await openFile(tensor.file);
      const values = await readFloatTensor(source, tensor);
      await source.close();
      const columns = Array.from({ length: 24 }, (_, column) =>
        Array.from(direction).reduce((sum, d, row) => sum + d * (values[row * 24 + column] ?? NaN), 0),
      );
      return Math.max(...columns.map(Math.abs));
    };
    expect(await along(model)).toBeGreaterThan(0.1);
    expect(await along(await openModel(folder))).toBeLessThan(1e-6);
  });
});

// Dictionaries of the field against what their own formulas give: small files of an independent writer
// (main/testing/dictionaries/layouts/write.py), imported, loaded and run.
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openFile } from '../files/byteSource.ts';
import { readFloatTensor, readSafetensorsHeader } from '../formats/safetensors.ts';
import { writeForeignDictionary } from '../../testing/dictionaries/foreignDictionary.ts';
import { referenceActivations, referenceReconstruction } from '../../testing/dictionaries/randomDictionary.ts';
import { temporaryFolder } from '../../testing/models/temporaryFolder.ts';
import { hashDictionary } from './dictionary.ts';
import { importDictionary, inspectDictionaryFile } from './importDictionary.ts';
import { readImportRecord } from './importRecord.ts';
import { loadDictionary } from './saeLens.ts';

const layouts = fileURLToPath(new URL('../../testing/dictionaries/layouts/', import.meta.url));
/** Of float32 in two orders of summation, over 12 products of numbers near 1. */
const TOLERANCE = 5e-6;
const model = { name: 'tiny', hash: 'a'.repeat(64) };
const site = 'blocks.1.hook_resid_post';

async function imported(path: string) {
  const folder = await temporaryFolder();
  const { conclusions } = await inspectDictionaryFile(path);
  const record = await importDictionary({ path, folder, site, model, conclusions });
  return { folder, record, dictionary: await loadDictionary(folder) };
}

async function referenceOf(name: string) {
  const source = await openFile(join(layouts, 'references', `${name}.safetensors`));
  try {
    const { tensors } = await readSafetensorsHeader(source);
    const read = async (name: string) => readFloatTensor(source, tensors.get(name)!);
    return { x: await read('x'), features: await read('features'), reconstruction: await read('reconstruction') };
  } finally {
    await source.close();
  }
}

/** How far the features and the reconstruction are from the writer's. */
async function distances(name: string) {
  const { dictionary } = await imported(join(layouts, name));
  const { x, features, reconstruction } = await referenceOf(name);
  const { d, size } = dictionary;
  let [ofFeatures, ofReconstruction] = [0, 0];
  for (let token = 0; token < x.length / d; token++) {
    const row = x.subarray(token * d, (token + 1) * d);
    for (const [i, value] of referenceActivations(dictionary, row).entries()) {
      ofFeatures = Math.max(ofFeatures, Math.abs(value - features[token * size + i]!));
    }
    for (const [i, value] of referenceReconstruction(dictionary, row).entries()) {
      ofReconstruction = Math.max(ofReconstruction, Math.abs(value - reconstruction[token * d + i]!));
    }
  }
  return { ofFeatures, ofReconstruction };
}

const WRITTEN = [
  ['dictionary_learning/standard', 'relu', null, true],
  ['dictionary_learning/standard-new', 'relu', null, false],
  ['dictionary_learning/gated', 'gated', null, true],
  ['dictionary_learning/jumprelu', 'jumprelu', null, false],
  ['dictionary_learning/topk', 'topk', 5, true],
  ['dictionary_learning/topk-without-config', 'topk', 5, true],
  ['dictionary_learning/batchtopk', 'batchtopk', null, true],
  ['dictionary_learning/batchtopk-unset', 'topk', 5, true],
  ['dictionary_learning/matryoshka', 'batchtopk', null, true],
  ['saelens/standard', 'relu', null, false],
  ['saelens/gated', 'gated', null, true],
  ['saelens/jumprelu', 'jumprelu', null, true],
  ['saelens/jumprelu-checkpoint', 'jumprelu', null, true],
  ['saelens/topk-rescaled', 'topk', 5, true],
  ['saelens/before-6-topk', 'topk', 5, true],
  ['gemma_scope/gemma-scope-2b-pt-res/layer_1/width_40/average_l0_9', 'jumprelu', null, false],
  ['gemma_scope_2/resid_post/layer_1_width_40_l0_small', 'jumprelu', null, false],
  ['sparsify/topk/layers.1', 'topk', 5, true],
  ['sparsify/groupmax/layers.1', 'groupmax', 5, true],
  ['openai/relu', 'relu', null, true],
  ['llama_scope/L1R-1x/checkpoints', 'jumprelu', null, false],
  ['goodfire/tiny-SAE-l1', 'relu', null, false],
  ['qwen_scope/tiny-L0_5', 'topk', 5, false],
] as const;

describe.each(WRITTEN)('%s', (name, kind, k, subtractsDecoderBias) => {
  const path = join(layouts, name);

  it('computes what its own project computes', async () => {
    const { ofFeatures, ofReconstruction } = await distances(name);
    expect(ofFeatures).toBeLessThan(TOLERANCE);
    expect(ofReconstruction).toBeLessThan(TOLERANCE);
  });

  it(`is recognised by its tensors as ${kind}, and the copy has the hash of its record`, async () => {
    const { folder, record, dictionary } = await imported(path);
    expect(record).toMatchObject({ layout: name.split('/')[0], architecture: kind, d: 12, size: 40, k, site, model });
    expect(dictionary.centre).toEqual(subtractsDecoderBias ? dictionary.decoderBias : new Float32Array(12));
    expect(hashDictionary(dictionary)).toBe(record.hash);
    expect(await readImportRecord(folder)).toEqual(record);
    expect(record.conclusions[0]).toMatch(new RegExp(`^${record.layoutTitle.replace(/[()]/gu, '.')}: `, 'u'));
  });
});

describe('the site and L0 that a file claims', () => {
  it.each([
    ['saelens/standard', 'blocks.1.hook_resid_post', null],
    ['saelens/before-6-topk', 'blocks.1.hook_resid_pre', null],
    ['gemma_scope/gemma-scope-2b-pt-res/layer_1/width_40/average_l0_9', 'blocks.1.hook_resid_post', [9, 9]],
    ['gemma_scope_2/resid_post/layer_1_width_40_l0_small', 'blocks.1.hook_resid_post', [9, 9]],
    ['sparsify/topk/layers.1', 'blocks.1.hook_resid_post', [5, 5]],
    ['llama_scope/L1R-1x/checkpoints', 'blocks.1.hook_resid_post', null],
    ['goodfire/tiny-SAE-l1', 'blocks.1.hook_resid_post', null],
    ['qwen_scope/tiny-L0_5', 'blocks.1.hook_resid_post', [5, 5]],
    ['openai/relu', null, null],
  ])('of %s', async (name, claimed, l0) => {
    const inspected = await inspectDictionaryFile(join(layouts, name));
    expect(inspected.site).toBe(claimed);
    expect(inspected.claims.l0).toEqual(l0);
  });
});

describe('a dictionary that cannot be used here yet', () => {
  it.each([
    ['gemma_scope_2/transcoder/layer_1_width_40_l0_small_affine', 'it is a transcoder'],
    ['openai/topk', 'its activation is TopK and normalises every token (LayerNorm)'],
    ['circuit_tracer/set', 'it is a transcoder, which reads one site and writes another'],
    ['crosscoder/two-models', 'it is a crosscoder of several sites or models'],
  ])('is refused by name: %s', async (name, reason) => {
    await expect(inspectDictionaryFile(join(layouts, name))).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining(reason) as unknown,
    });
  });

  it.each([
    ['normalize_activations', 'layer_norm', 'it normalises activations (layer_norm)'],
    ['normalize_activations', 'expected_average_only_in', 'it normalises activations (expected_average_only_in)'],
    ['architecture', 'skip_transcoder', 'it is a transcoder'],
    ['architecture', 'matching_pursuit', 'dictionaries of the architecture matching_pursuit'],
  ])('is refused by name where cfg.json of SAELens says %s %s', async (key, value, reason) => {
    const folder = await temporaryFolder();
    await cp(join(layouts, 'saelens/standard'), folder, { recursive: true });
    const config = JSON.parse(await readFile(join(folder, 'cfg.json'), 'utf8')) as object;
    await writeFile(join(folder, 'cfg.json'), JSON.stringify({ ...config, [key]: value }));
    await expect(inspectDictionaryFile(folder)).rejects.toThrow(reason);
  });
});

describe('what is concluded', () => {
  it('says the layout, by which tensors, and what decides which features fire', async () => {
    const { conclusions, claims } = await inspectDictionaryFile(join(layouts, 'dictionary_learning/batchtopk'));
    expect(conclusions).toEqual([
      'dictionary_learning (saprmarks): it has the tensors encoder.weight, decoder.weight, encoder.bias, b_dec and k of BatchTopKSAE.',
      'Features fire above its threshold 0.9; k = 5 was the mean number in training.',
      'b_dec is subtracted before encoding, as its class does.',
      'Its site resid_post_layer_1 is blocks.1.hook_resid_post here.',
    ]);
    expect(claims).toEqual({ site: 'resid_post_layer_1', model: 'sample', l0: [5, 5] });
  });

  it('says what no file decides: topk or batchtopk without config.json', async () => {
    const { conclusions } = await inspectDictionaryFile(join(layouts, 'dictionary_learning/topk-without-config'));
    expect(conclusions.join(' ')).toContain('No config.json says whether it is AutoEncoderTopK or BatchTopKSAE');
  });

  it('is refused where config.json and the tensors differ', async () => {
    const folder = await temporaryFolder();
    await cp(join(layouts, 'dictionary_learning/topk'), folder, { recursive: true });
    const path = join(folder, 'config.json');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"dict_size": 40', '"dict_size": 48'));
    await expect(inspectDictionaryFile(join(folder, 'ae.pt'))).rejects.toThrow(
      `${join(folder, 'ae.pt')}: config.json says dict_size 48, but its tensors have 40.`,
    );
    await writeFile(path, text.replace('AutoEncoderTopK', 'GatedAutoEncoder'));
    await expect(inspectDictionaryFile(join(folder, 'ae.pt'))).rejects.toThrow('config.json says GatedAutoEncoder');
  });
});

describe('a file that is not a dictionary', () => {
  it('is refused with the tensors that it has', async () => {
    await expect(inspectDictionaryFile(join(layouts, '../../../../resources/sample/model'))).rejects.toThrow(
      /its tensors are those of no layout that is known here: .*\[/u,
    );
  });

  it('is refused where a folder has several, or none, or a link that leads out', async () => {
    const folder = await temporaryFolder();
    await expect(inspectDictionaryFile(folder)).rejects.toMatchObject({ code: 'not-found' });
    const outside = join(await temporaryFolder(), 'ae.pt');
    await cp(join(layouts, 'dictionary_learning/topk/ae.pt'), outside);
    await symlink(outside, join(folder, 'ae.pt'));
    await expect(inspectDictionaryFile(folder)).rejects.toThrow('a link that leads out of its folder');
    await mkdir(join(folder, 'two'));
    for (const name of ['a.pt', 'b.pt']) await cp(outside, join(folder, 'two', name));
    await expect(inspectDictionaryFile(join(folder, 'two'))).rejects.toThrow('it holds 2 files of tensors (a.pt, b.pt');
  });
});

describe('a hostile file', () => {
  const torch = fileURLToPath(new URL('../../testing/formats/torch/', import.meta.url));

  it.each(['attack.pt', 'attack-legacy.pt'])(
    'that calls a program is refused with the name of what it calls: %s',
    async (name) => {
      await expect(inspectDictionaryFile(join(torch, name))).rejects.toMatchObject({
        code: 'unsupported',
        message: expect.stringMatching(/posix\.system|os\.system/u) as unknown,
      });
    },
  );

  const safetensors = (header: object, bytes = 64) => {
    const json = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.length));
    return Buffer.concat([length, json, Buffer.alloc(bytes)]);
  };

  it.each([
    [
      'shapes that its bytes do not have',
      safetensors({ W_enc: { dtype: 'F32', shape: [4096, 65536], data_offsets: [0, 64] } }),
    ],
    [
      'a shape of 2⁴⁰ × 2⁴⁰',
      safetensors({ W_enc: { dtype: 'F32', shape: [2 ** 40, 2 ** 40], data_offsets: [0, 64] } }),
    ],
    ['bytes beyond its end', safetensors({ W_enc: { dtype: 'F32', shape: [2 ** 38], data_offsets: [0, 2 ** 40] } })],
    ['a header of 2⁴⁰ bytes', Buffer.from([0, 0, 0, 0, 0, 1, 0, 0, 0x7b, ...new Array<number>(64).fill(0x20)])],
  ])('that claims %s is refused with one error that names it', async (_, content) => {
    const path = join(await temporaryFolder(), 'sae.safetensors');
    await writeFile(path, content);
    await expect(inspectDictionaryFile(path)).rejects.toMatchObject({
      code: 'invalid-file',
      message: expect.stringContaining(path) as unknown,
    });
  });

  it('that inflates to more than it can hold is refused before it is inflated', async () => {
    const path = join(await temporaryFolder(), 'params.npz');
    await writeFile(path, zipOf('W_enc.npy', deflateRawSync(Buffer.alloc(1 << 16)), 2 ** 40));
    const before = process.memoryUsage().rss;
    await expect(inspectDictionaryFile(path)).rejects.toMatchObject({ code: 'invalid-file' });
    expect(process.memoryUsage().rss - before).toBeLessThan(256 << 20);
  });

  it('with a value that is not a number leaves nothing usable behind', async () => {
    const own = await loadDictionary((await imported(join(layouts, 'saelens/standard'))).folder);
    const spoilt = { ...own, encoder: own.encoder.map((value, i) => (i === 7 ? Number.NaN : value)) };
    const folder = await temporaryFolder();
    await writeForeignDictionary(folder, spoilt);
    const out = await temporaryFolder();
    const importing = importDictionary({ path: folder, folder: out, site, model, conclusions: [] });
    await expect(importing).rejects.toThrow('the encoder has a value that is not a finite number');
    await expect(readImportRecord(out)).rejects.toMatchObject({ code: 'not-found' });
  });
});

/** One deflated member that says it is `length` bytes long, as Zip64 does. */
function zipOf(name: string, data: Buffer, length: number): Buffer {
  const extra = Buffer.alloc(12);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(8, 2);
  extra.writeBigUInt64LE(BigInt(length), 4);
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(8, 8);
  local.writeUInt32LE(data.length, 18);
  local.writeUInt32LE(0xffffffff, 22);
  local.writeUInt16LE(name.length, 26);
  const entry = Buffer.alloc(46);
  entry.writeUInt32LE(0x02014b50, 0);
  entry.writeUInt16LE(8, 10);
  entry.writeUInt32LE(data.length, 20);
  entry.writeUInt32LE(0xffffffff, 24);
  entry.writeUInt16LE(name.length, 28);
  entry.writeUInt16LE(extra.length, 30);
  const directory = Buffer.concat([entry, Buffer.from(name), extra]);
  const body = Buffer.concat([local, Buffer.from(name), data]);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(body.length, 16);
  return Buffer.concat([body, directory, end]);
}

// Opening folders: what is wrong with one is said in one clear error, and what makes two the same is their content.
import { cp, mkdir, open, readFile, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { writeSafetensors } from '../formats/safetensors.ts';
import { openModel } from './model.ts';
import { expectClose, floats, runVariant, tokens } from '../../testing/models/runVariant.ts';
import { temporaryFolder } from '../../testing/models/temporaryFolder.ts';
import { tinyModel, writeTinyModel, type TinyModel, type TinyName } from '../../testing/models/tinyModels.ts';

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});

async function writeWith(
  name: TinyName,
  config: Readonly<Record<string, unknown>>,
  shards?: number,
): Promise<TinyModel> {
  const tiny = tinyModel(name);
  const changed = { ...tiny, config: { ...tiny.config, ...config } };
  await writeTinyModel(folder, changed, shards === undefined ? {} : { shards });
  return changed;
}

/** The error is of this kind and its sentence names the file and the reason. */
async function expectRefusal(code: string, file: string, reason: RegExp): Promise<void> {
  const opened = openModel(folder);
  await expect(opened).rejects.toMatchObject({ name: 'AppError', code });
  await expect(opened).rejects.toThrow(join(folder, file));
  await expect(opened).rejects.toThrow(reason);
}

describe('config.json that cannot be used is refused:', () => {
  it.each([
    ['missing model_type', { model_type: undefined }, 'invalid-file', /"model_type" is missing/u],
    ['unknown model_type', { model_type: 'bert' }, 'unsupported', /"bert" is not supported/u],
    ['a model_type from the prototype', { model_type: 'constructor' }, 'unsupported', /is not supported/u],
    ['unknown activation', { hidden_act: 'swoosh' }, 'unsupported', /activation function "swoosh"/u],
    [
      'unknown rope type',
      { rope_parameters: { rope_type: 'spiral', rope_theta: 1e4 } },
      'unsupported',
      /rope type "spiral"/u,
    ],
    [
      'unknown rope type, older key',
      { rope_parameters: undefined, rope_scaling: { type: 'ntk', factor: 2 } },
      'unsupported',
      /rope type "ntk"/u,
    ],
    [
      'llama3 rope without factor',
      { rope_parameters: { rope_type: 'llama3', rope_theta: 1e4 } },
      'invalid-file',
      /"rope_parameters.factor" is missing/u,
    ],
    ['missing size', { hidden_size: undefined }, 'invalid-file', /"hidden_size" is missing/u],
    ['a size that is text', { hidden_size: '16' }, 'invalid-file', /"hidden_size" must be a number, not "16"/u],
    ['a negative size', { vocab_size: -3 }, 'invalid-file', /"vocab_size" must be a whole number/u],
    ['a billion layers', { num_hidden_layers: 1e9 }, 'invalid-file', /"num_hidden_layers" must be .* 1024/u],
    ['heads that do not share evenly', { num_key_value_heads: 3 }, 'invalid-file', /cannot share 3/u],
    ['an odd head', { head_dim: 5 }, 'invalid-file', /cannot be turned in pairs/u],
    ['a token id that is none', { eos_token_id: [1, 'x'] }, 'invalid-file', /"eos_token_id" must be a token id/u],
  ] as const)('%s', async (_what, config, code, reason) => {
    await writeWith('llama', config);
    await expectRefusal(code, 'config.json', reason);
  });

  it('a list of layer types of the wrong length', async () => {
    await writeWith('gemma2', { layer_types: ['full_attention'] });
    await expectRefusal('invalid-file', 'config.json', /"layer_types" must be a list with 2 entries/u);
  });

  it('attention types that do not make up the layers', async () => {
    await writeWith('gpt_neo', { attention_types: [[['global', 'local'], 1e9]] });
    await expectRefusal('invalid-file', 'config.json', /"attention_types" does not describe 2 blocks/u);
  });

  it.each([
    ['no JSON', '{"model_type": "llama"', /not JSON at line 1, column 23: it ends in the middle/u],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), /not UTF-8, the first wrong byte is at offset 1/u],
    ['a list', '[]', /one JSON object/u],
  ])('%s', async (_what, content, reason) => {
    await writeTinyModel(folder, tinyModel('llama'));
    await writeFile(join(folder, 'config.json'), content);
    await expectRefusal('invalid-file', 'config.json', reason);
  });

  it('a number that Python wrote as NaN, by its line and column', async () => {
    await writeTinyModel(folder, tinyModel('llama'));
    const config = JSON.stringify({ ...tinyModel('llama').config, rms_norm_eps: 'x' }, null, 1);
    await writeFile(join(folder, 'config.json'), config.replace('"x"', 'NaN'));
    await expectRefusal('invalid-file', 'config.json', /"rms_norm_eps" must be .*, not line \d+, column \d+: NaN/u);
  });

  it('none', async () => {
    await expectRefusal('not-found', 'config.json', /does not exist/u);
  });
});

it('-1 as a token id, and null in a list of them, mean none', async () => {
  await writeWith('llama', { bos_token_id: -1, eos_token_id: -1, pad_token_id: -1 });
  expect((await openModel(folder)).config).toMatchObject({ bosTokenId: null, eosTokenIds: [] });
  await writeWith('llama', { eos_token_id: [7, -1, null] });
  expect((await openModel(folder)).config.eosTokenIds).toEqual([7]);
  await writeFile(join(folder, 'generation_config.json'), '\ufeff{"eos_token_id": -1, "temperature": Infinity}');
  expect((await openModel(folder)).config.eosTokenIds).toEqual([7]);
});

it('whatever stands in config.json, the model opens or one AppError says why not', async () => {
  const names = ['gpt2', 'gpt_neo', 'gpt_neox parallel', 'llama 3 rope', 'gemma3', 'opt', 'phi'] as const;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...names).chain((name) => {
        const keys = [...Object.keys(tinyModel(name).config), 'rope_parameters', 'layer_types', 'torch_dtype'];
        const value = fc.oneof(
          fc.jsonValue({ maxDepth: 3 }),
          fc.constantFrom(-1, 0, 1e9, 0.5, 1e308, '', [], {}, null),
        );
        return fc.tuple(fc.constant(name), fc.constantFrom(...keys), value);
      }),
      async ([name, key, value]) => {
        await writeWith(name, { [key]: value });
        const outcome = await openModel(folder).then(
          () => 'opened',
          (thrown: unknown) => thrown,
        );
        if (outcome === 'opened') return;
        expect(outcome).toMatchObject({ name: 'AppError' });
        expect((outcome as Error).message).toContain(folder);
      },
    ),
    { numRuns: 400 },
  );
});

describe('weights that do not fit are refused:', () => {
  it('none', async () => {
    await writeTinyModel(folder, tinyModel('llama'));
    await rm(join(folder, 'model.safetensors'));
    await expectRefusal('not-found', '', /neither model.safetensors nor/u);
  });

  it('a tensor missing', async () => {
    const tiny = tinyModel('llama');
    const tensors = new Map(tiny.tensors);
    tensors.delete('model.layers.1.mlp.up_proj.weight');
    await writeTinyModel(folder, { ...tiny, tensors });
    await expectRefusal('invalid-file', '', /no tensor model\.layers\.1\.mlp\.up_proj\.weight/u);
  });

  it('weights of another model', async () => {
    await writeTinyModel(folder, { config: tinyModel('llama').config, tensors: tinyModel('gpt2').tensors });
    await expectRefusal('invalid-file', '', /no tensor model\.embed_tokens\.weight/u);
  });

  it('a bias in some blocks only', async () => {
    for (const block of [0, 1]) {
      const tiny = tinyModel('gpt2');
      const tensors = new Map(tiny.tensors);
      tensors.delete(`transformer.h.${block}.attn.c_attn.bias`);
      await writeTinyModel(folder, { ...tiny, tensors });
      await expectRefusal('invalid-file', '', /no tensor transformer\.h\.[01]\.attn\.c_attn\.bias/u);
    }
  });

  it('a tensor of the wrong shape', async () => {
    await writeWith('llama', { intermediate_size: 25 });
    await expectRefusal('mismatch', 'model.safetensors', /is \[24, 16\], but config\.json makes it \[25, 16\]/u);
  });

  it('whole numbers', async () => {
    const { tensors } = await writeWith('llama', {});
    await writeSafetensors(
      join(folder, 'model.safetensors'),
      [...tensors].map(([name, { shape, values }]) => ({ name, dtype: 'I32', shape, data: Int32Array.from(values) })),
    );
    await expectRefusal('unsupported', 'model.safetensors', /stored as I32/u);
  });

  it('a truncated file', async () => {
    await writeWith('llama', {});
    await truncate(join(folder, 'model.safetensors'), 5000);
    await expectRefusal('invalid-file', 'model.safetensors', /the file has 5000/u);
  });

  it('a header that lies about its length', async () => {
    await writeWith('llama', {});
    const path = join(folder, 'model.safetensors');
    const bytes = await readFile(path);
    bytes.writeBigUInt64LE(2n ** 60n);
    await writeFile(path, bytes);
    await expectRefusal('invalid-file', 'model.safetensors', /header/u);
  });

  it('a shard missing', async () => {
    await writeWith('llama', {}, 3);
    await rm(join(folder, 'model-2-of-3.safetensors'));
    await expectRefusal('not-found', 'model.safetensors.index.json', /model-2-of-3\.safetensors .* is missing/u);
  });

  it('an index that points outside of the folder', async () => {
    await writeWith('llama', {}, 3);
    const path = join(folder, 'model.safetensors.index.json');
    await rename(join(folder, 'model-1-of-3.safetensors'), join(folder, '..', `${basename(folder)}.safetensors`));
    const index = await readFile(path, 'utf8');
    await writeFile(path, index.replaceAll('model-1-of-3', `../${basename(folder)}`));
    try {
      await expectRefusal('invalid-file', 'model.safetensors.index.json', /not inside its folder/u);
    } finally {
      await rm(join(folder, '..', `${basename(folder)}.safetensors`));
    }
  });
});

describe('a folder of links, as the caches of the Hub are', () => {
  it('works, its shards in other folders', async () => {
    const blobs = join(folder, 'blobs');
    const snapshot = join(folder, 'models', 'snapshots', 'abc');
    const tiny = tinyModel('llama');
    await writeTinyModel(blobs, tiny, { shards: 2 });
    await mkdir(join(blobs, 'deeper'));
    await mkdir(snapshot, { recursive: true });
    await rename(join(blobs, 'model-2-of-2.safetensors'), join(blobs, 'deeper', 'f00'));
    await symlink(join(blobs, 'deeper', 'f00'), join(snapshot, 'model-2-of-2.safetensors'));
    for (const name of ['config.json', 'model-1-of-2.safetensors', 'model.safetensors.index.json']) {
      await symlink(join(blobs, name), join(snapshot, name));
    }
    const plain = await temporaryFolder();
    await writeTinyModel(plain, tiny);
    const feeds = { input_ids: tokens([3, 4, 5]) };
    const linked = await runVariant(await openModel(snapshot), { head: 'logits' }, feeds);
    const direct = await runVariant(await openModel(plain), { head: 'logits' }, feeds);
    expectClose(floats(linked['logits']), floats(direct['logits']), 0, 'logits');
  });
});

describe('weights behind the first 2 GB of a file', () => {
  it('are read where they are, and the file never as a whole', async () => {
    const tiny = await writeWith('llama', {});
    const path = join(folder, 'model.safetensors');
    const plain = await temporaryFolder();
    await writeTinyModel(plain, tiny);
    await pushBack(path, 2 ** 31 + 2 ** 26);
    const before = process.memoryUsage.rss();
    const model = await openModel(folder);
    const feeds = { input_ids: tokens([3, 4, 5]) };
    const far = await runVariant(model, { head: 'logits' }, feeds);
    const near = await runVariant(await openModel(plain), { head: 'logits' }, feeds);
    expectClose(floats(far['logits']), floats(near['logits']), 0, 'logits');
    expect(await model.hash()).not.toBe(await (await openModel(plain)).hash()); // the whole file is hashed
    expect(process.memoryUsage.rss() - before).toBeLessThan(2 ** 29);
  }, 240_000);
});

/** Puts a tensor that nobody needs, a hole of so many bytes, before the others of a file. */
async function pushBack(path: string, bytes: number): Promise<void> {
  const content = await readFile(path);
  const start = 8 + Number(content.readBigUInt64LE());
  const header = JSON.parse(content.toString('utf8', 8, start)) as Record<string, { data_offsets?: [number, number] }>;
  for (const { data_offsets: offsets } of Object.values(header)) {
    if (!offsets) continue;
    offsets[0] += bytes;
    offsets[1] += bytes;
  }
  const hole = { dtype: 'F32', shape: [bytes / 4], data_offsets: [0, bytes] };
  const text = Buffer.from(JSON.stringify({ ...header, unused: hole }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = await open(path, 'w');
  await file.write(Buffer.concat([length, text]), 0, 8 + text.length, 0);
  await file.write(content, start, content.length - start, 8 + text.length + bytes);
  await file.close();
}

describe('the stop tokens', () => {
  it('come from generation_config.json, else from config.json', async () => {
    await writeWith('llama', { eos_token_id: [2, 7] });
    expect((await openModel(folder)).config.eosTokenIds).toEqual([2, 7]);
    await writeFile(join(folder, 'generation_config.json'), JSON.stringify({ eos_token_id: 5 }));
    expect((await openModel(folder)).config.eosTokenIds).toEqual([5]);
  });
});

describe('the hash of a model', () => {
  it('is that of its content, wherever the folder is', async () => {
    await writeWith('llama', {});
    const copy = join(await temporaryFolder(), 'copy');
    await cp(folder, copy, { recursive: true });
    const hash = await (await openModel(folder)).hash();
    expect(hash).toMatch(/^[0-9a-f]{64}$/u);
    expect(await (await openModel(copy)).hash()).toBe(hash);

    await writeTinyModel(copy, tinyModel('llama', 2));
    expect(await (await openModel(copy)).hash()).not.toBe(hash);
    await writeWith('llama', { rms_norm_eps: 1e-5 });
    expect(await (await openModel(folder)).hash()).not.toBe(hash);
  });

  it('is remembered while size and time of the files stay', async () => {
    await writeWith('llama', {});
    const hashCache = join(await temporaryFolder(), 'hashes.json');
    const hash = await (await openModel(folder, { hashCache })).hash();
    const path = join(folder, 'model.safetensors');
    const remembered = JSON.parse(await readFile(hashCache, 'utf8')) as Record<string, { sha256: string }>;
    expect(Object.keys(remembered)).toHaveLength(2);

    // Seen to be used: a wrong entry gives a wrong hash, until the file changes.
    const forged = Object.fromEntries(
      Object.entries(remembered).map(([file, entry]) => [file, { ...entry, sha256: '0'.repeat(64) }]),
    );
    await writeFile(hashCache, JSON.stringify(forged));
    expect(await (await openModel(folder, { hashCache })).hash()).not.toBe(hash);
    const later = new Date(Date.now() + 10_000);
    await utimes(path, later, later);
    await utimes(join(folder, 'config.json'), later, later);
    expect(await (await openModel(folder, { hashCache })).hash()).toBe(hash);
  });
});

// Saved and loaded, a dictionary computes the same: formulas in double precision, tolerance 1e-5, because the centre is
// folded into a float32 bias. Folders that SAELens would write are put together by hand from its own formulas.
import { copyFile, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../contract/base/errors.ts';
import { openFile } from '../files/byteSource.ts';
import { readFloatTensor, readSafetensorsHeader, writeSafetensors } from '../formats/safetensors.ts';
import { temporaryFolder } from '../../testing/models/temporaryFolder.ts';
import { float32ToBfloat16 } from '../numerics/halfPrecision.ts';
import { Random } from '../numerics/random.ts';
import { hashDictionary, type Dictionary } from './dictionary.ts';
import { DICTIONARY_KINDS } from './kinds/index.ts';
import { CONFIG_FILE, loadDictionary, saveDictionary, transposed, WEIGHTS_FILE } from './saeLens.ts';
import {
  randomDictionary,
  referenceActivations,
  referenceReconstruction,
} from '../../testing/dictionaries/randomDictionary.ts';

const d = 12;
const size = 40;
const METADATA = { modelName: 'tiny', contextLength: 128, errata: { seconds: 1.5, corpus: 'a text' } };

function normals(random: Random, count: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, () => random.normal());
}

const inputs = (count = 20) => Array.from({ length: count }, (_, seed) => normals(new Random(100 + seed), d));

function expectClose(actual: Float64Array, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  const worst = actual.reduce((most, value, i) => Math.max(most, Math.abs(value - (expected[i] ?? NaN))), 0);
  expect(worst).toBeLessThan(1e-5);
}

async function configOf(folder: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(folder, CONFIG_FILE), 'utf8')) as Record<string, unknown>;
}

async function tensorsOf(folder: string): Promise<Record<string, { shape: readonly number[]; values: Float32Array }>> {
  const source = await openFile(join(folder, WEIGHTS_FILE));
  const { tensors } = await readSafetensorsHeader(source);
  const entries = await Promise.all(
    [...tensors].map(
      async ([name, info]) => [name, { shape: info.shape, values: await readFloatTensor(source, info) }] as const,
    ),
  );
  await source.close();
  return Object.fromEntries(entries);
}

describe.each(DICTIONARY_KINDS)('a %s dictionary', (architecture) => {
  const dictionary = randomDictionary(new Random(3), architecture, { d, size, site: 'blocks.1.attn.hook_z' });

  it('is the same after it was saved and loaded', async () => {
    const folder = await temporaryFolder();
    await saveDictionary(folder, dictionary, METADATA);
    const loaded = await loadDictionary(folder);
    const { site, modelHash, k } = dictionary;
    expect(loaded).toMatchObject({ architecture, d, size, k, site, modelHash });
    let firings = 0;
    for (const x of inputs()) {
      const activations = referenceActivations(dictionary, x);
      firings += activations.filter((value) => value > 0).length;
      expectClose(referenceActivations(loaded, x), activations);
      expectClose(referenceReconstruction(loaded, x), referenceReconstruction(dictionary, x));
    }
    expect(firings).toBeGreaterThan(50);
  });

  it('saved again is the same to the byte, and keeps its hash', async () => {
    const [first, second] = [await temporaryFolder(), await temporaryFolder()];
    await saveDictionary(first, dictionary, METADATA);
    const loaded = await loadDictionary(first);
    await saveDictionary(second, loaded, METADATA);
    for (const file of [CONFIG_FILE, WEIGHTS_FILE]) {
      expect(await readFile(join(second, file))).toEqual(await readFile(join(first, file)));
    }
    expect(hashDictionary(await loadDictionary(second))).toBe(hashDictionary(loaded));
  });
});

it.each([
  ['relu', 'standard'],
  ['topk', 'topk'],
  ['batchtopk', 'jumprelu'],
  ['jumprelu', 'jumprelu'],
] as const)(
  "a %s dictionary is laid out as the field's tools read a %s one, and computes by their formula",
  async (architecture, saved) => {
    const dictionary = randomDictionary(new Random(3), architecture, { d, size, site: 'blocks.1.attn.hook_z' });
    const folder = await temporaryFolder();
    await saveDictionary(folder, dictionary, METADATA);
    const config = await configOf(folder);
    expect(config).toMatchObject({
      architecture: saved,
      d_in: d,
      d_sae: size,
      dtype: 'float32',
      device: 'cpu',
      apply_b_dec_to_input: true,
      normalize_activations: 'none',
      reshape_activations: 'hook_z',
      metadata: {
        model_name: 'tiny',
        hook_name: 'blocks.1.attn.hook_z',
        context_size: 128,
        prepend_bos: true,
        training_architecture: architecture,
        errata: METADATA.errata,
      },
    });
    expect(config['k']).toBe(architecture === 'topk' ? 4 : undefined);
    expect(config['rescale_acts_by_decoder_norm']).toBe(architecture === 'topk' ? false : undefined);
    const { W_enc, b_enc, W_dec, b_dec, threshold, ...others } = await tensorsOf(folder);
    expect(others).toEqual({});
    expect(W_enc?.shape).toEqual([d, size]);
    expect(b_enc?.shape).toEqual([size]);
    expect(W_dec?.shape).toEqual([size, d]);
    expect(b_dec?.shape).toEqual([d]);
    expect(threshold?.shape).toEqual(saved === 'jumprelu' ? [size] : undefined);
    for (const x of inputs(5)) {
      const pre = Float64Array.from({ length: size }, (_, feature) =>
        x.reduce(
          (sum, value, j) => sum + (value - b_dec!.values[j]!) * W_enc!.values[j * size + feature]!,
          b_enc!.values[feature]!,
        ),
      );
      const expected = referenceActivations(dictionary, x);
      const fires = (value: number, feature: number) =>
        saved === 'topk' ? expected[feature]! > 0 : value > Math.max(0, threshold?.values[feature] ?? 0);
      expectClose(
        pre.map((value, feature) => (fires(value, feature) ? value : 0)),
        expected,
      );
    }
  },
);

/** As SAELens writes it. */
interface SaeLensFolder {
  readonly config: Record<string, unknown>;
  readonly tensors: Readonly<Record<string, { shape: readonly number[]; values: Float32Array }>>;
}

function jumpRelu(changes: Record<string, unknown> = {}): SaeLensFolder {
  const random = new Random(9);
  return {
    config: {
      d_in: d,
      d_sae: size,
      dtype: 'float32',
      device: 'cuda:0',
      apply_b_dec_to_input: true,
      normalize_activations: 'none',
      reshape_activations: 'none',
      metadata: {
        sae_lens_version: '6.20.1',
        model_name: 'gpt2',
        hook_name: 'blocks.4.hook_resid_pre',
        hook_head_index: null,
        prepend_bos: true,
        training_architecture: 'jumprelu',
      },
      architecture: 'jumprelu',
      ...changes,
    },
    tensors: {
      W_enc: { shape: [d, size], values: normals(random, d * size) },
      b_enc: { shape: [size], values: normals(random, size) },
      W_dec: { shape: [size, d], values: normals(random, size * d) },
      b_dec: { shape: [d], values: normals(random, d) },
      threshold: { shape: [size], values: normals(random, size) },
    },
  };
}

async function write(folder: string, { config, tensors }: SaeLensFolder, dtype: 'F32' | 'BF16' = 'F32') {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, CONFIG_FILE), JSON.stringify(config));
  await writeSafetensors(
    join(folder, WEIGHTS_FILE),
    Object.entries(tensors).map(([name, { shape, values }]) => ({
      name,
      dtype,
      shape,
      data: dtype === 'F32' ? values : float32ToBfloat16(values),
    })),
    { format: 'pt' },
  );
  return folder;
}

describe('a folder of SAELens', () => {
  it.each([true, false, undefined])('is read by its own formulas, apply_b_dec_to_input %s', async (applied) => {
    const written = jumpRelu({ apply_b_dec_to_input: applied });
    const loaded = await loadDictionary(await write(await temporaryFolder(), written));
    expect(loaded).toMatchObject({
      architecture: 'jumprelu',
      d,
      size,
      k: null,
      site: 'blocks.4.hook_resid_pre',
      modelHash: '',
    });
    const { W_enc, b_enc, W_dec, b_dec, threshold } = written.tensors;
    const at = (tensor: typeof W_enc, index: number) => tensor!.values[index]!;
    let [firings, negativeThresholds] = [0, 0];
    for (const x of inputs()) {
      // sae_lens JumpReLUSAE: relu(pre) · (pre > relu(threshold)); decode: f @ W_dec + b_dec
      const activations = Float64Array.from({ length: size }, (_, feature) => {
        let pre = at(b_enc, feature);
        for (let j = 0; j < d; j++)
          pre += (x[j]! - (applied === false ? 0 : at(b_dec, j))) * at(W_enc, j * size + feature);
        if (at(threshold, feature) < 0) negativeThresholds += 1;
        return pre > Math.max(0, at(threshold, feature)) ? Math.max(0, pre) : 0;
      });
      firings += activations.filter((value) => value > 0).length;
      expectClose(referenceActivations(loaded, x), activations);
      const reconstruction = Array.from({ length: d }, (_, j) =>
        activations.reduce((sum, value, feature) => sum + value * at(W_dec, feature * d + j), at(b_dec, j)),
      );
      expectClose(referenceReconstruction(loaded, x), reconstruction);
    }
    expect(firings).toBeGreaterThan(50);
    expect(negativeThresholds).toBeGreaterThan(50);
  });

  it('is read in half precision', async () => {
    const written = jumpRelu();
    const loaded = await loadDictionary(await write(await temporaryFolder(), written, 'BF16'));
    const exact = transposed(written.tensors['W_enc']!.values, d, size);
    // bfloat16 keeps 8 bits.
    loaded.encoder.forEach((value, i) =>
      expect(Math.abs(value - exact[i]!)).toBeLessThanOrEqual(2 ** -8 * Math.abs(exact[i]!)),
    );
  });

  it('of a topk or a standard dictionary needs no threshold', async () => {
    const { config, tensors } = jumpRelu();
    const { threshold: _, ...others } = tensors;
    const topk = {
      config: { ...config, architecture: 'topk', k: 3, rescale_acts_by_decoder_norm: false },
      tensors: others,
    };
    expect(await loadDictionary(await write(await temporaryFolder(), topk))).toMatchObject({
      architecture: 'topk',
      k: 3,
    });
    const standard = { config: { ...config, architecture: 'standard' }, tensors: others };
    expect(await loadDictionary(await write(await temporaryFolder(), standard))).toMatchObject({
      architecture: 'relu',
    });
  });
});

describe('what is refused, with the file named', () => {
  async function refusal(folder: string): Promise<AppError> {
    const thrown: unknown = await loadDictionary(folder).then(
      () => 'it was loaded',
      (error: unknown) => error,
    );
    if (!(thrown instanceof AppError)) throw new Error(String(thrown));
    return thrown;
  }

  const withTensor = (
    name: string,
    shape: readonly number[],
    change: (values: Float32Array) => void = () => undefined,
  ): SaeLensFolder => {
    const whole = jumpRelu();
    const values = normals(
      new Random(1),
      shape.reduce((product, dim) => product * dim, 1),
    );
    change(values);
    return { ...whole, tensors: { ...whole.tensors, [name]: { shape, values } } };
  };
  const without = (name: string): SaeLensFolder => {
    const { config, tensors } = jumpRelu();
    return { config, tensors: Object.fromEntries(Object.entries(tensors).filter(([other]) => other !== name)) };
  };

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['an unknown architecture', { architecture: 'unheard_of' }, /architecture: "unheard_of" cannot be read/],
    ['no architecture', { architecture: undefined }, /architecture/],
    ['normalized activations', { normalize_activations: 'layer_norm' }, /normalize_activations: .*layer_norm/],
    ['rescaled activations', { rescale_acts_by_decoder_norm: true }, /rescale_acts_by_decoder_norm/],
    ['topk without k', { architecture: 'topk' }, /needs a k/],
    ['topk with too many', { architecture: 'topk', k: size + 1 }, /needs a k/],
    ['k that is no number', { architecture: 'topk', k: '4' }, /k: /],
    ['a huge d_sae', { d_sae: 1e12 }, /d_sae/],
    ['a negative d_in', { d_in: -1 }, /d_in/],
    ['d_in not whole', { d_in: 12.5 }, /d_in/],
    ['metadata that is none', { metadata: 'none' }, /metadata/],
  ])('cfg.json with %s', async (_, changes, reason) => {
    const error = await refusal(await write(await temporaryFolder(), jumpRelu(changes)));
    expect(error).toMatchObject({ code: 'invalid-file', message: expect.stringMatching(reason) as string });
    expect(error.message).toContain(CONFIG_FILE);
  });

  it.each<[string, SaeLensFolder, AppError['code'], RegExp]>([
    ['no b_dec', without('b_dec'), 'invalid-file', /b_dec is missing/],
    ['no W_enc', without('W_enc'), 'invalid-file', /W_enc is missing/],
    ['no threshold', without('threshold'), 'invalid-file', /threshold is missing/],
    [
      'W_enc turned around',
      withTensor('W_enc', [size, d]),
      'mismatch',
      /W_enc has the shape \[40, 12\], not \[12, 40\]/,
    ],
    ['a W_dec of another size', withTensor('W_dec', [size - 1, d]), 'mismatch', /W_dec/],
    ['a b_enc of another rank', withTensor('b_enc', [size, 1]), 'mismatch', /b_enc/],
    [
      'NaN in W_dec',
      withTensor('W_dec', [size, d], (values) => (values[7] = NaN)),
      'invalid-file',
      /decoder has a value/,
    ],
    ['∞ in b_enc', withTensor('b_enc', [size], (values) => (values[7] = Infinity)), 'invalid-file', /encoder bias has/],
    [
      'NaN in threshold',
      withTensor('threshold', [size], (values) => (values[7] = NaN)),
      'invalid-file',
      /threshold has/,
    ],
    [
      'tensors for another d_sae',
      { ...jumpRelu(), config: { ...jumpRelu().config, d_sae: 1 << 24 } },
      'mismatch',
      /not \[12, 16777216\]/,
    ],
  ])('weights with %s', async (_, folder, code, reason) => {
    const error = await refusal(await write(await temporaryFolder(), folder));
    expect(error).toMatchObject({ code, message: expect.stringMatching(reason) as string });
    expect(error.message).toContain(WEIGHTS_FILE);
  });

  it('weights of whole numbers', async () => {
    const folder = await write(await temporaryFolder(), jumpRelu());
    const names: [string, number[]][] = [
      ['W_enc', [d, size]],
      ['b_enc', [size]],
      ['W_dec', [size, d]],
      ['b_dec', [d]],
    ];
    await writeSafetensors(
      join(folder, WEIGHTS_FILE),
      names.map(([name, shape]) => ({
        name,
        dtype: 'I32',
        shape,
        data: new Int32Array(shape.reduce((a, b) => a * b)),
      })),
    );
    expect(await refusal(folder)).toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining(WEIGHTS_FILE) as string,
    });
  });

  it.each([CONFIG_FILE, WEIGHTS_FILE])('a folder without %s', async (file) => {
    const folder = await write(await temporaryFolder(), jumpRelu());
    await rm(join(folder, file));
    expect(await refusal(folder)).toMatchObject({
      code: 'not-found',
      message: expect.stringContaining(file) as string,
    });
  });

  it.each([
    ['not JSON', '{"architecture": "topk",'],
    ['no object', '[]'],
    ['empty', ''],
    ['far too long', `{"x": "${'x'.repeat(17 << 20)}"}`],
  ])('a cfg.json that is %s', async (_, text) => {
    const folder = await write(await temporaryFolder(), jumpRelu());
    await writeFile(join(folder, CONFIG_FILE), text);
    expect(await refusal(folder)).toMatchObject({
      code: 'invalid-file',
      message: expect.stringContaining(CONFIG_FILE) as string,
    });
  });

  it('weights that are cut off, or something else', async () => {
    const folder = await write(await temporaryFolder(), jumpRelu());
    const path = join(folder, WEIGHTS_FILE);
    await truncate(path, (await readFile(path)).length - 4);
    const expected = { code: 'invalid-file', message: expect.stringContaining(WEIGHTS_FILE) as string };
    expect(await refusal(folder)).toMatchObject(expected);
    await copyFile(join(folder, CONFIG_FILE), path);
    expect(await refusal(folder)).toMatchObject(expected);
  });

  it('nothing is left half-written where the folder is missing', async () => {
    const dictionary: Dictionary = randomDictionary(new Random(1), 'topk', { d, size });
    const folder = join(await temporaryFolder(), 'none');
    await expect(saveDictionary(folder, dictionary, METADATA)).rejects.toMatchObject({ code: 'not-found' });
  });
});

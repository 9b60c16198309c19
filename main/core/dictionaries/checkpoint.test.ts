// A checkpoint gives back every bit, or is refused with the file named.
import { mkdir, readFile, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../contract/base/errors.ts';
import { openFile } from '../files/byteSource.ts';
import { readSafetensorsHeader, readTensor, writeSafetensors, type TensorToWrite } from '../formats/safetensors.ts';
import { temporaryFolder } from '../../testing/models/temporaryFolder.ts';
import { Random } from '../numerics/random.ts';
import { CHECKPOINT_FILE, hasCheckpoint, loadCheckpoint, saveCheckpoint, type Checkpoint } from './checkpoint.ts';
import { prepare, REQUEST, trainOptions } from '../../testing/dictionaries/trainingRun.ts';
import { resume, train } from './train.ts';
import { completeConfig } from './trainingConfig.ts';
import { FEATURE_PARAMETERS, initialState, type TrainingState } from './trainingState.ts';

const d = 5;
const size = 9;
const config = completeConfig({ architecture: 'batchtopk', d, size, k: 2, batchSize: 8, steps: 100, seed: 4 });

function arrays({ normalisation, features, decoderBias, ...state }: TrainingState) {
  return [
    normalisation.mean,
    ...FEATURE_PARAMETERS.flatMap((name) => [features[name].value, features[name].mean, features[name].square]),
    decoderBias.value,
    decoderBias.mean,
    decoderBias.square,
    state.lastUpdate,
    state.weight1,
    state.weight2,
    state.lastFired,
  ];
}

const bits = (state: TrainingState) => arrays(state).map(({ buffer }) => Buffer.from(buffer).toString('hex'));

/** Every array full of numbers that a careless round trip would change. */
function someCheckpoint(): Checkpoint {
  const random = new Random(8);
  const state = initialState(config, { mean: new Float32Array(d), scale: 1 / 3 });
  for (const array of arrays(state)) {
    for (let at = 0; at < array.length; at++) array[at] = random.normal() * 1e6 ** random.normal();
    if (!(array instanceof Int32Array)) array.set([-0, 1.401298464324817e-45, 0.1]);
  }
  state.lastFired[0] = 2 ** 40 + 1;
  Object.assign(state, { step: 70, tokens: 560, threshold: 0.1 });
  return { config, state, cursor: { epoch: 1, position: 33, order: 'seed 4, “rows”' }, seconds: 12.75 };
}

async function saved(): Promise<{ folder: string; path: string }> {
  const folder = await temporaryFolder();
  await saveCheckpoint(folder, someCheckpoint());
  return { folder, path: join(folder, CHECKPOINT_FILE) };
}

/** Writes the file once more, changed. */
async function rewrite(
  path: string,
  {
    tensor = (original) => original,
    metadata = (original) => original,
  }: {
    tensor?: (original: TensorToWrite) => TensorToWrite | null;
    metadata?: (original: Record<string, unknown>) => unknown;
  },
): Promise<void> {
  const source = await openFile(path);
  const header = await readSafetensorsHeader(source);
  const tensors: TensorToWrite[] = [];
  for (const [name, info] of header.tensors) {
    const changed = tensor({ name, dtype: info.dtype, shape: info.shape, data: await readTensor(source, info) });
    if (changed) tensors.push(changed);
  }
  await source.close();
  const progress = metadata(JSON.parse(header.metadata.get('progress') ?? '') as Record<string, unknown>);
  const text = typeof progress === 'string' ? progress : JSON.stringify(progress);
  await writeSafetensors(path, tensors, progress === undefined ? {} : { progress: text });
}

async function expectRefused(folder: string, reason: RegExp): Promise<void> {
  const thrown: unknown = await loadCheckpoint(folder).then(
    () => 'it was loaded',
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(AppError);
  expect(thrown).toMatchObject({ code: 'invalid-file', message: expect.stringMatching(reason) as string });
  expect((thrown as AppError).message).toContain(join(folder, CHECKPOINT_FILE));
}

describe('a checkpoint', () => {
  it('gives back every bit', async () => {
    const { folder } = await saved();
    const expected = someCheckpoint();
    const loaded = await loadCheckpoint(folder);
    expect(bits(loaded.state)).toEqual(bits(expected.state));
    expect(loaded).toEqual(expected);
  });

  it('replaces the one before, and leaves nothing else', async () => {
    const { folder } = await saved();
    const { state, ...checkpoint } = someCheckpoint();
    await saveCheckpoint(folder, { ...checkpoint, state: Object.assign(state, { step: 71 }) });
    expect((await loadCheckpoint(folder)).state.step).toBe(71);
    expect(await readdir(folder)).toEqual([CHECKPOINT_FILE]);
  });

  it('is there or not', async () => {
    const { folder } = await saved();
    expect(await hasCheckpoint(folder)).toBe(true);
    const empty = await temporaryFolder();
    expect(await hasCheckpoint(empty)).toBe(false);
    await expect(loadCheckpoint(empty)).rejects.toMatchObject({ code: 'not-found' });
    await mkdir(join(empty, CHECKPOINT_FILE));
    expect(await hasCheckpoint(empty)).toBe(false);
  });
});

describe('a damaged checkpoint is refused', () => {
  it.each<[string, (progress: Record<string, unknown>) => unknown, RegExp]>([
    ['without progress', () => undefined, /not a checkpoint/],
    ['that is not JSON', () => '{"version": 1', /not a checkpoint/],
    ['that is a list', () => [], /version/],
    ['of another version', (progress) => ({ ...progress, version: 2 }), /version/],
    ['with a negative step', (progress) => ({ ...progress, step: -1 }), /step/],
    ['with tokens that are no whole number', (progress) => ({ ...progress, tokens: 1.5 }), /tokens/],
    ['with a scale of zero', (progress) => ({ ...progress, scale: 0 }), /scale/],
    ['with no threshold', ({ threshold, ...progress }) => progress, /threshold/],
    ['with no seconds', (progress) => ({ ...progress, seconds: null }), /seconds/],
    [
      'with an impossible configuration',
      (progress) => ({ ...progress, config: { ...config, beta1: 1 } }),
      /config\.beta1/,
    ],
    [
      'that claims more than fits into any memory',
      (progress) => ({ ...progress, config: { ...config, d: 1 << 20, size: 1 << 22 } }),
      /4194304 features of width 1048576/,
    ],
  ])('metadata %s', async (_, change, reason) => {
    const { folder, path } = await saved();
    await rewrite(path, { metadata: change });
    await expectRefused(folder, reason);
  });

  const tensorNames = [
    'mean',
    'W_enc',
    'W_enc.mean',
    'b_enc.square',
    'W_dec',
    'b_dec',
    'lastUpdate',
    'weight1',
    'lastFired',
  ];

  it.each(tensorNames)('without %s', async (name) => {
    const { folder, path } = await saved();
    await rewrite(path, { tensor: (tensor) => (tensor.name === name ? null : tensor) });
    await expectRefused(folder, name === 'W_enc' ? /features of width/ : new RegExp(`tensor ${name} is missing`, 'u'));
  });

  it.each(tensorNames)('with %s of another shape or type', async (name) => {
    const { folder, path } = await saved();
    const whole = await readFile(path);
    await rewrite(path, {
      tensor: (tensor) => (tensor.name === name ? { ...tensor, shape: [1, ...tensor.shape] } : tensor),
    });
    await expectRefused(
      folder,
      name === 'W_enc' ? /features of width/ : new RegExp(`tensor ${name} is missing or not`, 'u'),
    );
    await writeFile(path, whole);
    await rewrite(path, {
      tensor: (tensor) => {
        const count = tensor.shape.reduce((product, dim) => product * dim, 1);
        return tensor.name === name ? { ...tensor, dtype: 'I16', data: new Int16Array(count) } : tensor;
      },
    });
    await expectRefused(folder, new RegExp(`tensor ${name} is missing or not`, 'u'));
  });

  it.each([NaN, Infinity])('with %d in it', async (value) => {
    const { folder, path } = await saved();
    await rewrite(path, {
      tensor: (tensor) => {
        if (tensor.name === 'W_dec.mean') (tensor.data as Float32Array)[11] = value;
        return tensor;
      },
    });
    await expectRefused(folder, /W_dec\.mean has a value that is not a finite number/);
  });

  it('cut off anywhere', async () => {
    const { folder, path } = await saved();
    const whole = await readFile(path);
    for (const length of [0, 7, 8, 100, whole.length >> 1, whole.length - 1]) {
      await writeFile(path, whole);
      await truncate(path, length);
      await expectRefused(folder, /./);
    }
  });

  it('of another run, when a run is resumed', async () => {
    const folder = await temporaryFolder();
    const model = await prepare(folder);
    const options = trainOptions(folder, model);
    const cancel = new AbortController();
    const running = train(REQUEST, { ...options, signal: cancel.signal, onWork: () => cancel.abort() });
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    const checkpoint = await loadCheckpoint(options.folder);
    await saveCheckpoint(options.folder, { ...checkpoint, config: { ...checkpoint.config, learningRate: 0.5 } });
    await expect(resume(options)).rejects.toMatchObject({ code: 'mismatch' });
    await saveCheckpoint(options.folder, checkpoint);
    expect((await resume(options)).trainedTokens).toBe(REQUEST.steps * REQUEST.batchSize);
  });
});

// Compares a model with a reference that another program computed for it: logits, residual streams, greedy text. This is how
// a person makes sure that their model was imported right.
import { Tensor } from 'onnxruntime-common';
import { AppError } from '../../contract/base/errors.ts';
import { openFile, type ByteSource } from '../files/byteSource.ts';
import type { TensorValues } from '../formats/dtype.ts';
import { openNpz } from '../formats/npz.ts';
import { readSafetensorsHeader, readTensor } from '../formats/safetensors.ts';
import type { Runtime } from '../onnx/runtime.ts';
import { openGenerator } from './generate.ts';
import type { Model } from './model.ts';
import { checkTokens } from './modelInput.ts';
import { buildVariant } from './variant.ts';

export interface ModelCheck {
  readonly maxAbsLogitDiff: number;
  /** Standard deviation of the reference's logits: what the difference is to be compared with. */
  readonly logitStd: number;
  /** Over all `resid_pre.i` of the reference; null when it has none. */
  readonly maxAbsResidDiff: number | null;
  /** Whether greedy generation gives the reference's `greedy_ids`, with and without the cache; null when it has none. */
  readonly greedyMatch: { readonly cached: boolean; readonly uncached: boolean } | null;
}

interface ReferenceArray {
  readonly shape: readonly number[];
  readonly values: TensorValues;
}

interface Reference {
  readonly path: string;
  readonly names: readonly string[];
  readonly array: (name: string) => Promise<ReferenceArray>;
}

/**
 * @param path .safetensors or .npz with `input_ids` `[batch, time]` or `[time]`, `logits` `[…, vocabularySize]`, and
 * optionally `resid_pre.i` and `greedy_ids` `[rows, length]`, whose rows begin like those of `input_ids` and go on
 * greedily.
 * @throws AppError `not-found`, `invalid-file`, `mismatch` when it does not fit the model.
 */
export async function checkModel(model: Model, runtime: Runtime, path: string): Promise<ModelCheck> {
  const source = await openFile(path);
  try {
    return await compare(model, runtime, await openReference(source));
  } finally {
    await source.close();
  }
}

async function openReference(source: ByteSource): Promise<Reference> {
  const path = source.name;
  if (path.toLowerCase().endsWith('.npz')) {
    const npz = await openNpz(source);
    return { path, names: npz.names, array: (name) => npz.array(name) };
  }
  const { tensors } = await readSafetensorsHeader(source);
  return {
    path,
    names: [...tensors.keys()],
    array: async (name) => {
      const info = tensors.get(name);
      if (!info) throw new AppError('not-found', `${path}: it holds no array "${name}".`, { details: { path, name } });
      return { shape: info.shape, values: await readTensor(source, info) };
    },
  };
}

async function compare(model: Model, runtime: Runtime, reference: Reference): Promise<ModelCheck> {
  const { layers, vocabularySize, hiddenSize } = model.config;
  const rows = tokenRows(reference, 'input_ids', await reference.array('input_ids'));
  checkTokens(model.config, rows);
  const shape = [rows.length, rows[0]?.length ?? 0];
  const residBlocks = Array.from({ length: layers }, (_, block) => block).filter((block) =>
    reference.names.includes(`resid_pre.${block}`),
  );
  const tap = (block: number) => `blocks.${block}.hook_resid_pre`;
  const session = await runtime.createSession(buildVariant(model, { head: 'logits', taps: residBlocks.map(tap) }), {
    weightsFolder: model.weightsFolder,
  });
  let results: Readonly<Record<string, Tensor>>;
  try {
    const ids = BigInt64Array.from(rows.flat(), BigInt);
    results = await session.run({ input_ids: new Tensor('int64', ids, shape) });
  } finally {
    await session.release();
  }
  const expected = async (name: string, width: number) =>
    floats(reference, name, await reference.array(name), (shape[0] ?? 0) * (shape[1] ?? 0) * width);
  const computed = (name: string) => {
    const data = results[name]?.data;
    if (data instanceof Float32Array) return data;
    throw new AppError('internal', `The engine gave no ${name}.`);
  };

  const logits = await expected('logits', vocabularySize);
  let maxAbsResidDiff: number | null = null;
  for (const block of residBlocks) {
    const diff = maxAbsDiff(computed(tap(block)), await expected(`resid_pre.${block}`, hiddenSize));
    maxAbsResidDiff = Math.max(maxAbsResidDiff ?? 0, diff);
  }
  return {
    maxAbsLogitDiff: maxAbsDiff(computed('logits'), logits),
    logitStd: standardDeviation(logits),
    maxAbsResidDiff,
    greedyMatch: reference.names.includes('greedy_ids') ? await compareGreedy(model, runtime, reference, rows) : null,
  };
}

async function compareGreedy(
  model: Model,
  runtime: Runtime,
  reference: Reference,
  inputs: readonly (readonly number[])[],
): Promise<{ cached: boolean; uncached: boolean }> {
  const expected = tokenRows(reference, 'greedy_ids', await reference.array('greedy_ids'));
  const prompts = expected.map((row, index) => {
    const input = inputs[index] ?? [];
    const differing = row.findIndex((id, position) => id !== input[position]);
    // If the whole row were the prompt there would be nothing to compare.
    return row.slice(0, differing === -1 ? row.length - 1 : differing);
  });
  if (prompts.some((prompt) => prompt.length === 0)) {
    throw new AppError('mismatch', `${reference.path}: the rows of greedy_ids do not begin like those of input_ids.`);
  }
  const matches = async (cache: boolean): Promise<boolean> => {
    const generator = await openGenerator(model, runtime, { cache });
    try {
      const texts = prompts.map((prompt) => [...prompt]);
      const length = Math.max(...expected.map((row, index) => row.length - (prompts[index]?.length ?? 0)));
      for await (const { sequence, id } of generator.generate(prompts, { maxNewTokens: length, stopIds: [] })) {
        texts[sequence]?.push(id);
      }
      return expected.every((row, index) => row.every((id, position) => id === texts[index]?.[position]));
    } finally {
      await generator.release();
    }
  };
  return { cached: await matches(true), uncached: await matches(false) };
}

function tokenRows({ path }: Reference, name: string, { shape, values }: ReferenceArray): number[][] {
  const [rows, width] = shape.length === 1 ? [1, shape[0] ?? 0] : [shape[0] ?? 0, shape[1] ?? 0];
  const ids = Array.from(values, Number);
  if (shape.length < 1 || shape.length > 2 || !ids.every(Number.isInteger)) {
    throw new AppError('mismatch', `${path}: ${name} must be whole numbers in one or two axes.`);
  }
  return Array.from({ length: rows }, (_, row) => ids.slice(row * width, (row + 1) * width));
}

function floats({ path }: Reference, name: string, { shape, values }: ReferenceArray, count: number): Float32Array {
  if (values.length !== count) {
    throw new AppError('mismatch', `${path}: ${name} is [${shape.join(', ')}], but this model gives ${count} numbers.`);
  }
  if (values instanceof Float32Array) return values;
  if (values instanceof Float64Array || values instanceof Float16Array) return Float32Array.from(values);
  throw new AppError('mismatch', `${path}: ${name} must be floats.`);
}

/** Infinite as soon as a number is missing (NaN) on either side. */
function maxAbsDiff(a: Float32Array, b: Float32Array): number {
  let largest = 0;
  for (let index = 0; index < a.length; index++) {
    const diff = Math.abs((a[index] as number) - (b[index] as number));
    if (!(diff <= largest)) largest = Number.isNaN(diff) ? Infinity : diff;
  }
  return largest;
}

function standardDeviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

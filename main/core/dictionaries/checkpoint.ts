// A training run on disk while it is under way: checkpoint.safetensors holds the whole TrainingState, and in its metadata the
// configuration and the cursor of the reader. It is replaced atomically, so after any crash there is one whole checkpoint.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';
import { validate } from '../../contract/base/validate.ts';
import { openFile } from '../files/byteSource.ts';
import type { Dtype, TensorValues } from '../formats/dtype.ts';
import {
  readSafetensorsHeader,
  readTensor,
  writeSafetensors,
  type SafetensorsHeader,
  type TensorToWrite,
} from '../formats/safetensors.ts';
import { TrainingConfigSchema, type TrainingConfig } from './trainingConfig.ts';
import { FEATURE_PARAMETERS, initialState, type TrainingState } from './trainingState.ts';

export const CHECKPOINT_FILE = 'checkpoint.safetensors';

export interface Checkpoint {
  readonly config: TrainingConfig;
  readonly state: TrainingState;
  /** The cursor of the ShuffledReader. */
  readonly cursor: unknown;
  /** Seconds of training so far. */
  readonly seconds: number;
}

const Progress = v.object({
  version: v.literal(1),
  config: TrainingConfigSchema,
  scale: v.pipe(v.number(), v.finite(), v.gtValue(0)),
  step: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  tokens: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  threshold: v.pipe(v.number(), v.finite()),
  seconds: v.pipe(v.number(), v.finite()),
  cursor: v.unknown(),
});

interface StateArray {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly array: Float32Array | Float64Array | Int32Array;
}

/** Every array of a state, as views on it: reading a checkpoint fills them, writing one saves them. */
function arraysOf({ d, size }: TrainingConfig, state: TrainingState): StateArray[] {
  const { decoderBias } = state;
  return [
    { name: 'mean', dtype: 'F32', shape: [d], array: state.normalisation.mean },
    ...FEATURE_PARAMETERS.flatMap((name): StateArray[] => {
      const { width, value, mean, square } = state.features[name];
      return [
        { name, dtype: 'F32', shape: [size, width], array: value },
        { name: `${name}.mean`, dtype: 'F32', shape: [size, width], array: mean },
        { name: `${name}.square`, dtype: 'F32', shape: [size], array: square },
      ];
    }),
    { name: 'b_dec', dtype: 'F32', shape: [d], array: decoderBias.value },
    { name: 'b_dec.mean', dtype: 'F32', shape: [d], array: decoderBias.mean },
    { name: 'b_dec.square', dtype: 'F32', shape: [d], array: decoderBias.square },
    { name: 'lastUpdate', dtype: 'I32', shape: [size], array: state.lastUpdate },
    { name: 'weight1', dtype: 'F64', shape: [size], array: state.weight1 },
    { name: 'weight2', dtype: 'F64', shape: [size], array: state.weight2 },
    { name: 'lastFired', dtype: 'F64', shape: [size], array: state.lastFired },
  ];
}

/** @throws AppError `disk-full`, `permission`; the checkpoint before it is then still there. */
export async function saveCheckpoint(folder: string, { config, state, cursor, seconds }: Checkpoint): Promise<void> {
  const { step, tokens, threshold, normalisation } = state;
  const progress: v.InferOutput<typeof Progress> = {
    version: 1,
    config,
    scale: normalisation.scale,
    step,
    tokens,
    threshold,
    seconds,
    cursor,
  };
  const tensors = arraysOf(config, state).map(({ array, ...tensor }): TensorToWrite => ({ ...tensor, data: array }));
  await writeSafetensors(join(folder, CHECKPOINT_FILE), tensors, { progress: JSON.stringify(progress) });
}

export async function hasCheckpoint(folder: string): Promise<boolean> {
  return stat(join(folder, CHECKPOINT_FILE)).then(
    (file) => file.isFile(),
    () => false,
  );
}

/** @throws AppError `not-found`, `invalid-file`, naming the file. */
export async function loadCheckpoint(folder: string): Promise<Checkpoint> {
  const path = join(folder, CHECKPOINT_FILE);
  const source = await openFile(path);
  try {
    const { tensors, metadata } = await readSafetensorsHeader(source);
    const { config, scale, cursor, seconds, ...counters } = validate(
      Progress,
      parse(metadata.get('progress'), path),
      path,
      'invalid-file',
    );
    checkSize(config, tensors, path);
    const state = initialState(config, { mean: new Float32Array(config.d), scale });
    for (const { name, dtype, shape, array } of arraysOf(config, state)) {
      const info = tensors.get(name);
      if (info?.dtype !== dtype || info.shape.join() !== shape.join()) {
        throw new AppError(
          'invalid-file',
          `${path}: the tensor ${name} is missing or not ${dtype} [${shape.join(', ')}].`,
        );
      }
      fill(array, await readTensor(source, info), path, name);
    }
    const { step, tokens, threshold } = counters;
    return { config, state: Object.assign(state, { step, tokens, threshold }), cursor, seconds };
  } finally {
    await source.close();
  }
}

/** Before anything is made in the size that the metadata claim: W_enc, which is in the file, tells the real one. */
function checkSize({ d, size }: TrainingConfig, tensors: SafetensorsHeader['tensors'], path: string): void {
  const shape = tensors.get('W_enc')?.shape.join();
  if (shape === [size, d].join()) return;
  throw new AppError('invalid-file', `${path}: its tensors are not those of ${size} features of width ${d}.`);
}

function fill(target: StateArray['array'], values: TensorValues, path: string, name: string): void {
  for (let index = 0; index < target.length; index++) {
    const value = Number(values[index]);
    if (!Number.isFinite(value))
      throw new AppError('invalid-file', `${path}: ${name} has a value that is not a finite number.`);
    target[index] = value;
  }
}

function parse(text: string | undefined, path: string): unknown {
  try {
    return JSON.parse(text ?? '') as unknown;
  } catch (cause) {
    throw new AppError('invalid-file', `${path}: this is not a checkpoint of a training run.`, { cause });
  }
}

// An edit compiled into the weights of a plain Hugging Face checkpoint, which anything that loads the original loads too.
//
// Changed tensors are stored as float32, whatever the others are stored as: a bias rounded to bfloat16 would be another edit.
// config.json then says float32, which is what transformers takes by itself.
import { join } from 'node:path';
import { AppError } from '../../../contract/base/errors.ts';
import type { OnWork } from '../../../contract/base/progress.ts';
import { writeFileAtomic } from '../../files/atomicWrite.ts';
import { openFile, type ByteSource } from '../../files/byteSource.ts';
import { readFloatTensor, writeSafetensors, type TensorToWrite } from '../../formats/safetensors.ts';
import type { StoredTensor } from '../../formats/safetensorsFolder.ts';
import { isObject, readJsonObject, type JsonObject } from '../../files/json.ts';
import type { Model } from '../../models/model.ts';
import { CONFIG_FILE, copyCompanions } from './companions.ts';
import { changeTensor, compileWeights, mustUntie, type CompiledWeights, type TensorChange } from './compiledWeights.ts';
import type { WriteOptions } from '../forms/form.ts';
import type { WrittenFile } from '../manifest.ts';
import type { WeightPlan } from './weightPlan.ts';

export const WEIGHTS_FILE = 'model.safetensors';
const PIECE_BYTES = 8 << 20;

export interface WrittenCheckpoint {
  readonly files: readonly WrittenFile[];
  readonly compiled: CompiledWeights;
  /** What a person should know of the checkpoint. */
  readonly notes: readonly string[];
}

/** @throws AppError `disk-full`, `cancelled` … */
export async function writeCheckpoint(
  folder: string,
  plan: WeightPlan,
  { model, edit, dictionaries, signal, onWork }: WriteOptions,
): Promise<WrittenCheckpoint> {
  const compiled = compileWeights(plan, edit, dictionaries);
  const isUntied = mustUntie(model.writers, compiled);
  const stored = [...model.storedTensors];
  const isMixed = stored.some(([, { dtype }]) => dtype !== 'F32');
  const config = await readJsonObject(join(model.folder, CONFIG_FILE));
  const dtypeKeys = ['dtype', 'torch_dtype'].filter((key) => config[key] !== undefined && config[key] !== 'float32');
  const changedConfig = {
    ...config,
    ...Object.fromEntries(dtypeKeys.map((key) => [key, 'float32'])),
    ...(isMixed && dtypeKeys.length === 0 ? { dtype: 'float32' } : {}),
    ...(isUntied ? untied(config) : {}),
  };
  await writeFileAtomic(join(folder, CONFIG_FILE), `${JSON.stringify(changedConfig, null, 2)}\n`);
  await writeWeights(join(folder, WEIGHTS_FILE), model, compiled, { isUntied, ...given(signal, onWork) });
  const companions = await copyCompanions(model.folder, folder, false);
  const own = (name: string): WrittenFile => ({ name, storage: 'own' });
  return {
    files: [CONFIG_FILE, WEIGHTS_FILE, ...companions].map(own),
    compiled,
    notes: [
      `Changed: ${[...compiled.tensors.keys()].join(', ')}. Every other tensor has the bytes of the original.`,
      ...(isUntied
        ? [
            `The output head shared its tensor with the embedding, which changes: it is stored by itself now, as ${model.writers.head.weight}, and config.json says tie_word_embeddings false.`,
          ]
        : []),
      ...(isMixed || dtypeKeys.length > 0
        ? [
            'Changed tensors are float32, and config.json says so. Loaded in a narrower type they are rounded, and the model is no longer the one that was verified.',
          ]
        : []),
    ],
  };
}

function given(signal: AbortSignal | undefined, onWork: OnWork | undefined) {
  return { ...(signal ? { signal } : {}), ...(onWork ? { onWork } : {}) };
}

async function writeWeights(
  path: string,
  model: Model,
  { tensors }: CompiledWeights,
  { isUntied, signal, onWork }: { isUntied: boolean; signal?: AbortSignal; onWork?: OnWork },
): Promise<void> {
  const { prefix, head, embedding } = model.writers;
  // A bare model's names, with a head beside them, would be read as another layout: then all get the names of the whole model.
  const nameOf = (name: string) =>
    isUntied && prefix.here !== prefix.canonical && name.startsWith(prefix.here)
      ? prefix.canonical + name.slice(prefix.here.length)
      : name;
  const sources = new Sources(model.weightFiles);
  const total = model.weightSize.bytes;
  let done = 0;
  const onBytes = (bytes: number) =>
    onWork?.({ stage: 'Writing the weights', done: (done += bytes), total, unit: 'bytes' });
  try {
    const written: TensorToWrite[] = [];
    for (const [name, tensor] of model.storedTensors) {
      if (isUntied && name === head.weight) continue; // a copy of the shared tensor, which some checkpoints carry
      const change = tensors.get(name);
      const copy = () => pieces(sources, tensor, signal, onBytes);
      const { dtype, shape, byteLength } = tensor;
      if (!change) written.push({ name: nameOf(name), dtype, shape, byteLength, data: copy });
      else
        written.push({ name: nameOf(name), dtype: 'F32', shape, data: () => changed(sources, tensor, change, signal) });
      if (isUntied && name === embedding.weight)
        written.push({ name: head.weight, dtype, shape, byteLength, data: copy });
    }
    await writeSafetensors(path, written, { format: 'pt' });
  } finally {
    await sources.close();
  }
}

async function* changed(
  sources: Sources,
  tensor: StoredTensor,
  change: TensorChange,
  signal: AbortSignal | undefined,
): AsyncIterable<Float32Array> {
  refuseCancelled(signal);
  const values = await readFloatTensor(await sources.of(tensor.file), tensor);
  const [rows = 1, columns] = tensor.shape;
  yield changeTensor(values, columns === undefined ? [1, rows] : [rows, columns], change);
}

async function* pieces(
  sources: Sources,
  { file, fileOffset, byteLength }: StoredTensor,
  signal: AbortSignal | undefined,
  onBytes: (bytes: number) => void,
): AsyncIterable<Uint8Array> {
  const source = await sources.of(file);
  for (let start = 0; start < byteLength; start += PIECE_BYTES) {
    refuseCancelled(signal);
    const piece = await source.read(fileOffset + start, Math.min(PIECE_BYTES, byteLength - start));
    yield piece;
    onBytes(piece.length);
  }
}

function refuseCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AppError('cancelled', 'The export was cancelled.');
}

/** The original weight files, open until the end. */
class Sources {
  readonly #opened = new Map<string, ByteSource>();
  readonly #known: ReadonlySet<string>;

  constructor(files: readonly string[]) {
    this.#known = new Set(files);
  }

  async of(file: string): Promise<ByteSource> {
    if (!this.#known.has(file)) throw new AppError('internal', `${file} is not a weight file of the model.`);
    const source = this.#opened.get(file) ?? (await openFile(file));
    this.#opened.set(file, source);
    return source;
  }

  async close(): Promise<void> {
    for (const source of this.#opened.values()) await source.close();
  }
}

/** A model that also sees keeps the fields of its language model in an object of their own. */
function untied({ text_config: text }: JsonObject): JsonObject {
  const field = { tie_word_embeddings: false };
  return isObject(text) ? { ...field, text_config: { ...text, ...field } } : field;
}

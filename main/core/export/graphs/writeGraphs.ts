// The forms for ONNX Runtime: graphs with the edit in them, and weights inside, beside them, or linked.
import { join, relative, sep } from 'node:path';
import { AppError } from '../../../contract/base/errors.ts';
import { linkOrCopy } from '../linkOrCopy.ts';
import type { WriteOptions } from '../forms/form.ts';
import type { WrittenFile } from '../manifest.ts';
import {
  embeddedSize,
  LARGEST_ONNX_FILE,
  relocate,
  weightBytes,
  writeDataFile,
  writeEmbedded,
  writeGraph,
} from './onnxFile.ts';

const DATA_FILE = 'model.onnx_data';

export const MODEL_FILE = 'model.onnx';
export const CACHED_MODEL_FILE = 'model_with_past.onnx';

export type ModelProtos = Parameters<typeof relocate>[0];

const GRAPH_FILES = [MODEL_FILE, CACHED_MODEL_FILE] as const;

/** Weights inside the .onnx files; where those would become too long, in one data file that both share. */
export async function writeOwnWeights(
  folder: string,
  models: ModelProtos,
  { model, signal, onWork, largestFile = LARGEST_ONNX_FILE }: WriteOptions,
): Promise<WrittenFile[]> {
  const total = models.reduce((sum, proto) => sum + weightBytes(proto), 0);
  const report = (before: number) => (bytes: number) =>
    onWork?.({ stage: 'Writing the weights', done: before + bytes, total, unit: 'bytes' });
  const fits = models.every((proto) => embeddedSize(proto) <= largestFile);
  const copying = (before: number) => ({ ...(signal ? { signal } : {}), onBytes: report(before) });
  if (!fits) {
    await writeDataFile(folder, DATA_FILE, models, model.weightsFolder, copying(0));
    return [...(await writeGraphs(folder, models)), { name: DATA_FILE, storage: 'own' }];
  }
  let before = 0;
  for (const [index, proto] of models.entries()) {
    await writeEmbedded(join(folder, graphFile(index)), proto, model.weightsFolder, copying(before));
    before += weightBytes(proto);
  }
  return GRAPH_FILES.map((name) => ({ name, storage: 'own' }));
}

/**
 * The model's own weight files in the artifact, as hard links where the file system can. Not under their names: with
 * config.json beside a model.safetensors, other tools would load the unpatched model from here.
 */
export async function linkWeights(
  folder: string,
  models: ModelProtos,
  { model, onWork }: WriteOptions,
): Promise<WrittenFile[]> {
  const written: WrittenFile[] = [];
  const names = new Map<string, string>();
  for (const [index, file] of model.weightFiles.entries()) {
    onWork?.({ stage: 'Linking the weights', done: index, total: model.weightFiles.length, unit: 'files' });
    const name = `original-weights-${index + 1}.safetensors`;
    names.set(relative(model.weightsFolder, file).split(sep).join('/'), name);
    written.push({ name, storage: await linkOrCopy(file, join(folder, name)) });
  }
  relocate(models, ({ location, offset }) => {
    const name = names.get(location);
    if (name === undefined) throw new AppError('internal', `The weights in ${location} were not linked.`);
    return { location: name, offset };
  });
  return [...(await writeGraphs(folder, models)), ...written];
}

async function writeGraphs(folder: string, models: ModelProtos): Promise<WrittenFile[]> {
  for (const [index, proto] of models.entries()) await writeGraph(join(folder, graphFile(index)), proto);
  return GRAPH_FILES.map((name) => ({ name, storage: 'own' }));
}

function graphFile(index: number): string {
  const name = GRAPH_FILES[index];
  if (name !== undefined) return name;
  throw new AppError('internal', 'An artifact has two graphs.');
}

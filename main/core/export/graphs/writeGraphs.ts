// The forms for ONNX Runtime: graphs with the edit in them, and weights inside, beside them, or linked.
import { constants, copyFile, link } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { AppError } from '../../../contract/base/errors.ts';
import type { OnWork } from '../../../contract/base/progress.ts';
import { toFileError } from '../../files/fileError.ts';
import type { Model } from '../../models/model.ts';
import { buildVariantGraph, type Patch } from '../../models/variant.ts';
import { CACHED_MODEL_FILE, MODEL_FILE } from '../artifactModel.ts';
import type { OnnxForm } from '../ladder.ts';
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

export interface OnnxFormOptions {
  readonly model: Model;
  readonly patches: readonly Patch[];
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
  /** Embedded weights that would make a longer .onnx file go to a data file beside it; for tests. */
  readonly largestFile?: number;
}

export async function writeOnnx(folder: string, form: OnnxForm, options: OnnxFormOptions): Promise<WrittenFile[]> {
  const { model, patches } = options;
  const models = [false, true].map((cache) =>
    buildVariantGraph(model, { head: 'logits', patches, cache }).toModelProto(),
  );
  return (form === 'embedded' ? writeOwnWeights : linkWeights)(folder, models, options);
}

type ModelProtos = Parameters<typeof relocate>[0];

const GRAPH_FILES = [MODEL_FILE, CACHED_MODEL_FILE] as const;

/** Weights inside the .onnx files; where those would become too long, in one data file that both share. */
async function writeOwnWeights(
  folder: string,
  models: ModelProtos,
  { model, signal, onWork, largestFile = LARGEST_ONNX_FILE }: OnnxFormOptions,
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
async function linkWeights(
  folder: string,
  models: ModelProtos,
  { model, onWork }: OnnxFormOptions,
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

/** Another file system, one without links, or one that forbids them. */
const NO_LINK = ['EXDEV', 'EPERM', 'EACCES', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

/** A hard link where the file system can, else a copy. */
export async function linkOrCopy(from: string, to: string): Promise<'link' | 'copy'> {
  try {
    await link(from, to);
    return 'link';
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    if (!NO_LINK.includes(code)) throw toFileError(thrown, basename(to));
  }
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
    return 'copy';
  } catch (thrown) {
    throw toFileError(thrown, basename(to));
  }
}

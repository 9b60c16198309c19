// A tiny model, its captured activations and a training run over them, for tests. As a program,
// `trainingRun.ts FOLDER`, it makes what is missing in the folder and trains slowly, to be killed.
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tensor } from 'onnxruntime-common';
import { openCorpus } from '../../activations/corpus.ts';
import { packCorpus, ContextFile } from '../../activations/packing.ts';
import { StoreWriter } from '../../activations/storeWriter.ts';
import { createOrtRuntime } from '../../engine/ortRuntime.ts';
import { openModel, type Model } from '../../models/model.ts';
import { tinyModel, writeTinyModel } from '../../models/testing/tinyModels.ts';
import { buildVariant } from '../../models/variant.ts';
import { resume, train, type RunRequest, type TrainOptions, type TrainResult } from '../train.ts';

export const SITE = 'blocks.0.hook_resid_post';
const CONTEXT_LENGTH = 16;
const LETTERS = 6000;

export const REQUEST: RunRequest = { architecture: 'batchtopk', size: 48, k: 4, batchSize: 64, steps: 200, auxK: 4 };

/** Makes `model` and `store` in the folder unless they are there. */
export async function prepare(folder: string): Promise<Model> {
  const modelFolder = join(folder, 'model');
  if (!(await exists(modelFolder))) {
    await mkdir(modelFolder, { recursive: true });
    await writeTinyModel(modelFolder, tinyModel('gpt2'));
  }
  const model = await openModel(modelFolder);
  if (!(await exists(join(folder, 'store')))) await capture(model, folder);
  return model;
}

async function capture(model: Model, folder: string): Promise<void> {
  const contextsPath = join(folder, 'contexts.safetensors');
  const textPath = join(folder, 'letters.txt');
  await writeFile(textPath, 'x'.repeat(LETTERS));
  const encoder = {
    bosTokenId: 0,
    encode: (text: string) => Int32Array.from(text, (_, at) => 1 + ((at * at + 7 * Math.floor(at / 5)) % 28)),
  };
  await packCorpus(contextsPath, await openCorpus(textPath), encoder, { contextLength: CONTEXT_LENGTH });
  const contexts = await ContextFile.open(contextsPath);
  const site = model.sites.find(({ name }) => name === SITE);
  const width = site?.width ?? 0;
  const description = {
    model: await model.hash(),
    tokenizer: 'b'.repeat(64),
    corpus: 'c'.repeat(64),
    site: SITE,
    width,
    dtype: 'f32' as const,
    contextLength: CONTEXT_LENGTH,
    contexts: contexts.contexts,
    bosTokenId: 0,
    batchSize: contexts.contexts,
    rowsPerShard: 1000,
  };
  const tokens = await contexts.read(0, contexts.contexts);
  await contexts.close();
  const session = await createOrtRuntime('cpu', { threads: 1 }).createSession(buildVariant(model, { taps: [SITE] }), {
    weightsFolder: model.weightsFolder,
  });
  const ids = new Tensor('int64', BigInt64Array.from(tokens, BigInt), [description.contexts, CONTEXT_LENGTH]);
  const { [SITE]: activations } = await session.run({ input_ids: ids });
  await session.release();
  const writer = await StoreWriter.open(join(folder, 'store'), description, contextsPath);
  await writer.write(0, (activations as Tensor).data as Float32Array);
  await writer.finish();
  await rm(contextsPath);
}

export function trainOptions(folder: string, model: Model, name = 'run'): TrainOptions {
  return {
    runtime: createOrtRuntime('cpu', { threads: 1 }),
    folder: join(folder, name),
    storeFolder: join(folder, 'store'),
    model,
    modelName: 'tiny',
    checkpointSeconds: 0,
  };
}

/** Trains in FOLDER/run, or continues there. */
export async function trainOrResume(folder: string, onStep: () => void = () => undefined): Promise<TrainResult> {
  const model = await prepare(folder);
  const options = { ...trainOptions(folder, model), onWork: onStep };
  return (await exists(join(options.folder, 'run.json'))) ? resume(options) : train(REQUEST, options);
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

const [, program, folder] = process.argv;
if (program === import.meta.filename && folder !== undefined) {
  await trainOrResume(folder, () => process.stdout.write('.'));
}

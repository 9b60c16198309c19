// A tiny model, its captured activations and a training run over them, for tests. As a program,
// `trainingRun.ts FOLDER`, it makes what is missing in the folder and trains slowly, to be killed.
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { captureActivations } from '../../core/activations/capture.ts';
import { openCorpus } from '../../core/activations/corpus.ts';
import { TOKENIZER } from '../activations/tinyCapture.ts';
import { createCpuRuntime } from '../../core/onnx/cpuRuntime.ts';
import { openModel, type Model } from '../../core/models/model.ts';
import { tinyModel, writeTinyModel } from '../models/tinyModels.ts';
import { Random } from '../../core/numerics/random.ts';
import { resume, train, type RunRequest, type TrainOptions, type TrainResult } from '../../core/dictionaries/train.ts';

export const SITE = 'blocks.0.hook_resid_post';
const LETTERS = 6000;

export const REQUEST: RunRequest = { architecture: 'batchtopk', size: 48, k: 4, batchSize: 64, steps: 200, auxK: 4 };

/** Makes `model` and `store` in the folder unless they are there. */
export async function prepare(folder: string): Promise<Model> {
  const modelFolder = join(folder, 'model');
  const random = new Random(1);
  if (!(await exists(modelFolder))) {
    await writeTinyModel(modelFolder, tinyModel('gpt2'));
    await writeFile(join(modelFolder, 'tokenizer.json'), JSON.stringify(TOKENIZER));
    await writeFile(
      join(modelFolder, 'tokenizer_config.json'),
      JSON.stringify({ bos_token: '<s>', add_bos_token: true }),
    );
    const text = Array.from({ length: LETTERS }, () => String.fromCharCode(97 + random.below(26))).join('');
    await writeFile(join(folder, 'letters.txt'), text);
  }
  const model = await openModel(modelFolder);
  await captureActivations({
    runtime: createCpuRuntime({ threads: 1 }),
    model,
    sites: [SITE],
    corpus: await openCorpus(join(folder, 'letters.txt')),
    contextLength: 16,
    folderOf: () => join(folder, 'store'),
  });
  return model;
}

export function trainOptions(folder: string, model: Model, name = 'run'): TrainOptions {
  return {
    runtime: createCpuRuntime({ threads: 1 }),
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

// Whether training stays within its memory when the activations are larger than it: a whole run (normalisation, steps,
// checkpoint, calibration, evaluation) over a synthetic store of more than 2 GB on disk, in a process of its own whose peak
// is measured. The model is a tiny GPT-2 as wide as the store, so that what is measured is the training and not a model.
//   beyond = peak − what the process took before − parameters and moments − one batch
// Beside it, what predictMemory says of the same run.
//
// With --capture the store is captured from the model instead, at a site before its first MLP, and that is what is measured:
//   beyond = peak − what the process took before
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { captureActivations } from '../main/core/activations/capture.ts';
import { openCorpus } from '../main/core/activations/corpus.ts';
import { packCorpus } from '../main/core/activations/packing.ts';
import { TOKENIZER } from '../main/testing/activations/tinyCapture.ts';
import { StoreWriter } from '../main/core/activations/storeWriter.ts';
import { AppError } from '../main/contract/base/errors.ts';
import { train, type RunRequest } from '../main/core/dictionaries/train.ts';
import { TRAINED_KIND_NAMES } from '../main/contract/domain/dictionaryKinds.ts';
import { completeConfig } from '../main/core/dictionaries/trainingConfig.ts';
import { predictMemory } from '../main/core/dictionaries/trainingMemory.ts';
import { createCpuRuntime } from '../main/core/onnx/cpuRuntime.ts';
import { openModel } from '../main/core/models/model.ts';
import { tinyModel, writeTinyModel } from '../main/testing/models/tinyModels.ts';
import { Random } from '../main/core/numerics/random.ts';

const WIDTH = 768;
const CONTEXT_LENGTH = 32;
/** 750 016 rows of 3 072 bytes. */
const CONTEXTS = 23_438;
const STORE_BYTES = CONTEXTS * CONTEXT_LENGTH * WIDTH * 4;
const CONTEXTS_PER_WRITE = 64;
const SITE = 'blocks.0.hook_resid_post';
const CAPTURED_SITE = 'blocks.0.hook_resid_mid';
const BUFFER_BYTES = 256 << 20;

/**
 * @param options.args --size, --k, --batch, --steps, --architecture; --capture; and --folder for the store, by default a
 * temporary one.
 */
export async function run({ args }: { readonly args: readonly string[] }): Promise<Record<string, unknown>> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      size: { type: 'string', default: '4096' },
      k: { type: 'string', default: '32' },
      batch: { type: 'string', default: '2048' },
      steps: { type: 'string', default: '60' },
      architecture: { type: 'string', default: 'batchtopk' },
      capture: { type: 'boolean', default: false },
      folder: { type: 'string', default: tmpdir() },
    },
  });
  const architecture = TRAINED_KIND_NAMES.find((known) => known === values.architecture);
  if (!architecture) throw new AppError('usage', `There is no architecture "${values.architecture}".`);
  const request: RunRequest = {
    architecture,
    size: Number(values.size),
    k: Number(values.k),
    batchSize: Number(values.batch),
    steps: Number(values.steps),
  };
  const { bavail, bsize } = await statfs(values.folder);
  if (bavail * bsize < 1.5 * STORE_BYTES) {
    throw new AppError('disk-full', `${values.folder}: a store of ${STORE_BYTES} bytes does not fit here.`);
  }
  const folder = await mkdtemp(join(values.folder, 'errata-memory-'));
  try {
    if (values.capture) {
      await prepareModel(folder);
      const { stdout } = await promisify(execFile)(process.execPath, [import.meta.filename, folder, 'capture']);
      const captured = JSON.parse(stdout) as Captured;
      return { width: WIDTH, ...captured, beyond: captured.peakRss - captured.rssAtStart };
    }
    await prepare(folder);
    const child = await promisify(execFile)(process.execPath, [import.meta.filename, folder, JSON.stringify(request)]);
    return figures(request, JSON.parse(child.stdout) as Measured);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Measured {
  readonly rssAtStart: number;
  /** The peak up to the end of each stage. */
  readonly peaks: Readonly<Record<string, number>>;
  readonly peakRss: number;
  readonly tokensPerSecond: number;
  readonly fvu: number;
}

function figures(request: RunRequest, measured: Measured): Record<string, unknown> {
  const config = completeConfig({ ...request, d: WIDTH });
  const predicted = predictMemory(config, BUFFER_BYTES);
  const oneBatch = 4 * config.batchSize * WIDTH;
  return {
    ...request,
    width: WIDTH,
    storeBytes: STORE_BYTES,
    ...measured,
    parametersAndMoments: predicted.state,
    oneBatch,
    beyond: measured.peakRss - measured.rssAtStart - predicted.state - oneBatch,
    predicted: predicted.total,
    predictedOverMeasured: predicted.total / (measured.peakRss - measured.rssAtStart),
  };
}

interface Captured {
  readonly storeBytes: number;
  readonly rssAtStart: number;
  readonly peakRss: number;
  readonly tokensPerSecond: number;
}

/** Makes `model`, with a tokenizer, and a text in the folder. */
async function prepareModel(folder: string): Promise<{ modelFolder: string; text: string }> {
  const modelFolder = join(folder, 'model');
  await mkdir(modelFolder);
  await writeWideModel(modelFolder);
  await writeFile(join(modelFolder, 'tokenizer.json'), JSON.stringify(TOKENIZER));
  await writeFile(
    join(modelFolder, 'tokenizer_config.json'),
    JSON.stringify({ bos_token: '<s>', add_bos_token: true }),
  );
  const text = join(folder, 'letters.txt');
  await writeFile(text, 'x'.repeat(CONTEXTS * (CONTEXT_LENGTH - 1)));
  return { modelFolder, text };
}

/** Makes `model` and `store` in the folder. */
async function prepare(folder: string): Promise<void> {
  const { modelFolder, text } = await prepareModel(folder);
  const model = await openModel(modelFolder);
  const encoder = {
    bosTokenId: 1,
    opening: [1],
    encode: (piece: string) => Int32Array.from(piece, (_, i) => 3 + (i % 26)),
  };
  const writer = await StoreWriter.open(
    join(folder, 'store'),
    {
      model: await model.hash(),
      tokenizer: '0'.repeat(64),
      corpus: '0'.repeat(64),
      site: SITE,
      width: WIDTH,
      dtype: 'f32',
      contextLength: CONTEXT_LENGTH,
      maxContexts: null,
      bosTokenId: encoder.bosTokenId,
      batchSize: CONTEXTS_PER_WRITE,
      rowsPerShard: Math.floor((256 << 20) / (4 * WIDTH)),
    },
    async (path) => packCorpus(path, await openCorpus(text), encoder, { contextLength: CONTEXT_LENGTH }),
  );
  const random = new Random(1);
  const directions = normals(random, 64 * WIDTH);
  const noise = normals(random, 1 << 20);
  for (let first = 0; first < writer.contexts; first += CONTEXTS_PER_WRITE) {
    const contexts = Math.min(CONTEXTS_PER_WRITE, writer.contexts - first);
    await writer.write(first * CONTEXT_LENGTH, sampleRows(random, contexts * CONTEXT_LENGTH, directions, noise));
  }
  await writer.finish();
}

/** The tests' GPT-2 with a wider residual stream. */
async function writeWideModel(folder: string): Promise<void> {
  const narrow = tinyModel('gpt2');
  const narrowWidth = Number(narrow.config['n_embd']);
  const random = new Random(1);
  const tensors = [...narrow.tensors].map(([name, { shape }]) => {
    // Queries, keys and values stand side by side.
    const wide = shape.map((dim) => ([1, 3].includes(dim / narrowWidth) ? (dim / narrowWidth) * WIDTH : dim));
    const values = normals(
      random,
      wide.reduce((product, dim) => product * dim, 1),
    ).map((value) => 0.05 * value);
    return [name, { shape: wide, values }] as const;
  });
  await writeTinyModel(folder, { config: { ...narrow.config, n_embd: WIDTH }, tensors: new Map(tensors) });
}

function normals(random: Random, count: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, () => random.normal());
}

/** Four of 64 directions and noise, `[rows, WIDTH]`: some features fire often and many seldom, as in life. */
function sampleRows(random: Random, rows: number, directions: Float32Array, noise: Float32Array): Float32Array {
  const values = new Float32Array(rows * WIDTH);
  for (let row = 0; row < rows; row++) {
    const target = values.subarray(row * WIDTH, (row + 1) * WIDTH);
    const from = random.below(noise.length - WIDTH);
    target.set(noise.subarray(from, from + WIDTH));
    for (let term = 0; term < 4; term++) {
      const direction = Math.floor(64 * random.uniform() ** 2) * WIDTH;
      for (let j = 0; j < WIDTH; j++) target[j]! += directions[direction + j] as number;
    }
  }
  return values;
}

/** As a program, `memory.ts FOLDER REQUEST`, it trains, and prints what the process took. */
async function measure(folder: string, request: RunRequest): Promise<Measured> {
  const runtime = createCpuRuntime();
  const model = await openModel(join(folder, 'model'));
  const peak = () => process.resourceUsage().maxRSS * 1024;
  const rssAtStart = peak();
  const peaks: Record<string, number> = {};
  const { tokensPerSecond, fvu } = await train(request, {
    runtime,
    folder: join(folder, 'run'),
    storeFolder: join(folder, 'store'),
    model,
    modelName: 'wide',
    bufferBytes: BUFFER_BYTES,
    heldOutFraction: 0.02,
    // Often, so that checkpoints are part of the peak.
    checkpointSeconds: 2,
    onWork: ({ stage }) => {
      if (!(stage in peaks)) peaks[`first ${stage}`] = peak();
      peaks[stage] = peak();
    },
  });
  return { rssAtStart, peaks, peakRss: peak(), tokensPerSecond, fvu };
}

/** As a program, `memory.ts FOLDER capture`, it captures. */
async function measureCapture(folder: string): Promise<Captured> {
  const model = await openModel(join(folder, 'model'));
  const peak = () => process.resourceUsage().maxRSS * 1024;
  const rssAtStart = peak();
  const startedAt = performance.now();
  const { tokens } = await captureActivations({
    runtime: createCpuRuntime(),
    model,
    sites: [CAPTURED_SITE],
    corpus: await openCorpus(join(folder, 'letters.txt')),
    contextLength: CONTEXT_LENGTH,
    folderOf: () => join(folder, 'store'),
  });
  const tokensPerSecond = tokens / ((performance.now() - startedAt) / 1000);
  return { storeBytes: tokens * WIDTH * 4, rssAtStart, peakRss: peak(), tokensPerSecond };
}

const [, program, folder, request] = process.argv;
if (program === import.meta.filename && folder !== undefined && request !== undefined) {
  const measured = request === 'capture' ? measureCapture(folder) : measure(folder, JSON.parse(request) as RunRequest);
  console.log(JSON.stringify(await measured));
}

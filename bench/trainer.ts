// The training step against its floor, the encoder product alone on the same engine, in one run. Where a Python with PyTorch
// is at hand (--python PATH) the peer's script runs beside it (--peer PATH, by default ../shared/peers/torch_topk_step.py).
// Batches are standard normal, as the peer's are.
//
// Of what a run returns, ONNX Runtime's package for Node makes a copy (1.30, whether or not a buffer is given), and the
// product's 4·batch·n bytes are new pages every time. So there are two floors: the product as a program gets it
// (stepOverProduct), and the product that stays in the engine, of which only the columns' maxima come out (stepOverKept).
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { Tensor } from 'onnxruntime-common';
import { createTrainingStep } from '../main/core/dictionaries/createTrainingStep.ts';
import type { TrainedKind } from '../main/contract/domain/dictionaryKinds.ts';
import { completeConfig } from '../main/core/dictionaries/trainingConfig.ts';
import { initialState } from '../main/core/dictionaries/trainingState.ts';
import { createCpuRuntime } from '../main/core/onnx/cpuRuntime.ts';
import { Random } from '../main/core/numerics/random.ts';
import { GraphBuilder } from '../main/core/onnx/graph.ts';
import * as op from '../main/core/onnx/ops.ts';
import type { Runtime } from '../main/core/onnx/runtime.ts';
import { median } from './figures/median.ts';

interface Size {
  readonly d: number;
  readonly n: number;
  readonly k: number;
  readonly batch: number;
}

const SIZES: readonly Size[] = [
  { d: 768, n: 16384, k: 32, batch: 2048 },
  { d: 256, n: 4096, k: 32, batch: 4096 },
  { d: 64, n: 1024, k: 32, batch: 2048 },
];
const WARM_UP = 1;

export async function run({ args }: { json: boolean; args: readonly string[] }): Promise<Record<string, unknown>> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '7' },
      sizes: { type: 'string' },
      python: { type: 'string' },
      peer: { type: 'string', default: join(import.meta.dirname, '../../shared/peers/torch_topk_step.py') },
    },
  });
  const sizes = values.sizes?.split(';').map(parseSize) ?? SIZES;
  const runtime = createCpuRuntime();
  const results: Record<string, unknown>[] = [];
  for (const size of sizes) {
    for (const architecture of ['topk', 'batchtopk'] as const) {
      results.push(await measure(runtime, size, architecture, Number(values.rounds)));
    }
    if (values.python !== undefined && existsSync(values.peer)) {
      results.push({ ...size, peer: await measurePeer(values.python, values.peer, size) });
    }
  }
  return { sizes: results };
}

function parseSize(text: string): Size {
  const [d, n, k, batch] = text.split(',').map(Number) as [number, number, number, number];
  return { d, n, k, batch };
}

async function measure(
  runtime: Runtime,
  size: Size,
  architecture: TrainedKind,
  rounds: number,
): Promise<Record<string, unknown>> {
  const { d, n, k, batch } = size;
  const config = completeConfig({ architecture, d, size: n, k, batchSize: batch, steps: 1_000_000 });
  const state = initialState(config, { mean: new Float32Array(d), scale: 1 / Math.sqrt(d) });
  const step = await createTrainingStep(runtime, config, state);
  const product = await encoderProduct(runtime, size, state.features.W_enc.value, false);
  const kept = await encoderProduct(runtime, size, state.features.W_enc.value, true);
  const random = new Random(1);
  const batches = Array.from({ length: 3 }, () => Float32Array.from({ length: batch * d }, () => random.normal()));
  const stepSeconds: number[] = [];
  const productSeconds: number[] = [];
  const keptSeconds: number[] = [];
  for (let round = 0; round < WARM_UP + rounds; round++) {
    const productTimes = await timesInARow(batches, product);
    const keptTimes = await timesInARow(batches, kept);
    const stepTimes = await timesInARow(batches, (x) => step.step(x, 1e-3));
    if (round < WARM_UP) continue;
    productSeconds.push(...productTimes);
    keptSeconds.push(...keptTimes);
    stepSeconds.push(...stepTimes);
  }
  await step.release();
  const [stepTime, productTime, keptTime] = [median(stepSeconds), median(productSeconds), median(keptSeconds)];
  return {
    architecture,
    ...size,
    stepOverProduct: stepTime / productTime,
    stepOverKept: stepTime / keptTime,
    stepSeconds: stepTime,
    productSeconds: productTime,
    keptSeconds: keptTime,
    tokensPerSecond: batch / stepTime,
  };
}

/** x·W_encᵀ and nothing else, returned or kept in the engine. */
async function encoderProduct(runtime: Runtime, { d, n, batch }: Size, weights: Float32Array, isKept: boolean) {
  const graph = new GraphBuilder('product');
  const x = graph.input('x', 'float32', ['batch', d]);
  const y = op.gemm(x, graph.input('W', 'float32', [n, d]), null, { transB: true });
  graph.output(isKept ? op.reduceMax(y, [0]) : y, 'y');
  const session = await runtime.createSession(graph.toBytes());
  const W = new Tensor('float32', weights, [n, d]);
  return async (values: Float32Array) => {
    await session.run({ x: new Tensor('float32', values, [batch, d]), W });
  };
}

/**
 * Seconds of the work on each batch, but for the first: it clears away what other work has left, which the product's large
 * results would else put on the step.
 */
async function timesInARow(
  batches: readonly Float32Array[],
  work: (batch: Float32Array) => Promise<unknown>,
): Promise<readonly number[]> {
  const seconds: number[] = [];
  for (const batch of batches) seconds.push(await time(() => work(batch)));
  return seconds.slice(1);
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

async function measurePeer(python: string, script: string, { d, n, k, batch }: Size): Promise<unknown[]> {
  const args = [script, '--d', d, '--n', n, '--k', k, '--batch', batch, '--steps', '5'].map(String);
  const { stdout } = await promisify(execFile)(python, args);
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): unknown => JSON.parse(line));
}

// Capture against the raw forward pass of the same cut graph, on the same contexts, in turns in one run, so that other load
// on the machine falls on both. Tokenizing is not part of either.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Tensor } from 'onnxruntime-common';
import { captureActivations } from '../main/core/activations/capture.ts';
import { openCorpus } from '../main/core/activations/corpus.ts';
import { TOKENS_FILE } from '../main/core/activations/manifest.ts';
import { ContextFile, TOKENIZING } from '../main/core/activations/packing.ts';
import { createCpuRuntime } from '../main/core/onnx/cpuRuntime.ts';
import { openModel } from '../main/core/models/model.ts';
import { buildVariant } from '../main/core/models/variant.ts';
import { median } from './figures/median.ts';

const CONTEXT_LENGTH = 256;
const BATCH_SIZE = 16;
const MAX_CONTEXTS = 320;
/** Of both, in turns; the medians are reported. */
const ROUNDS = 9;

const shared = join(import.meta.dirname, '../../shared/fixtures');

/**
 * @param options.args MODEL-FOLDER, CORPUS, SITE; by default stories260K, TinyStories, the last hook_resid_post but one.
 * @returns tokens per second of both and their ratio, by medians over the rounds.
 */
export async function run({ args = [] }: { readonly args?: readonly string[] } = {}): Promise<Record<string, unknown>> {
  const [modelFolder, corpusPath, siteName] = args;
  const model = await openModel(modelFolder ?? join(shared, 'models/stories260K'));
  const corpus = await openCorpus(corpusPath ?? join(shared, 'corpora/tinystories/tiny_stories.txt'));
  const site = siteName ?? `blocks.${Math.max(0, model.config.layers - 2)}.hook_resid_post`;
  const runtime = createCpuRuntime();
  const folder = await mkdtemp(join(tmpdir(), 'errata-bench-'));
  try {
    let cpuStart = process.cpuUsage();
    const capture = (name: string) =>
      captureActivations({
        runtime,
        model,
        sites: [site],
        corpus,
        contextLength: CONTEXT_LENGTH,
        batchSize: BATCH_SIZE,
        maxContexts: MAX_CONTEXTS,
        folderOf: () => join(folder, name),
        onWork: ({ stage }) => {
          if (stage === TOKENIZING) cpuStart = process.cpuUsage(); // until the last such report
        },
      });
    await capture('warm-up');
    const contexts = await ContextFile.open(join(folder, 'warm-up', TOKENS_FILE));
    const batches: Tensor[] = [];
    for (let first = 0; first < contexts.contexts; first += BATCH_SIZE) {
      const ids = await contexts.read(first, Math.min(BATCH_SIZE, contexts.contexts - first));
      const shape = [ids.length / CONTEXT_LENGTH, CONTEXT_LENGTH];
      batches.push(new Tensor('int64', BigInt64Array.from(ids, BigInt), shape));
    }
    await contexts.close();
    const session = await runtime.createSession(buildVariant(model, { taps: [site] }), {
      weightsFolder: model.weightsFolder,
    });
    const forwardRates: number[] = [];
    const captureRates: number[] = [];
    const cpuRatios: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const forwardCpuStart = process.cpuUsage();
      const start = performance.now();
      for (const batch of batches) await session.run({ input_ids: batch });
      forwardRates.push((contexts.contexts * CONTEXT_LENGTH) / ((performance.now() - start) / 1000));
      const forwardCpu = cpuSeconds(forwardCpuStart);
      const { tokens, seconds } = await capture(`round-${round}`);
      cpuRatios.push(forwardCpu / cpuSeconds(cpuStart));
      captureRates.push(tokens / seconds);
      await rm(join(folder, `round-${round}`), { recursive: true });
    }
    await session.release();
    const ratios = captureRates.map((rate, i) => rate / forwardRates[i]!);
    return {
      model: basename(model.folder),
      site,
      contexts: contexts.contexts,
      contextLength: CONTEXT_LENGTH,
      batchSize: BATCH_SIZE,
      forwardTokensPerSecond: Math.round(median(forwardRates)),
      captureTokensPerSecond: Math.round(median(captureRates)),
      captureOverForward: Number(median(ratios).toFixed(3)),
      /** The same by processor time, which other load on the machine does not change. */
      captureOverForwardByCpu: Number(median(cpuRatios).toFixed(3)),
      ratios: ratios.map((ratio) => Number(ratio.toFixed(3))),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function cpuSeconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
}

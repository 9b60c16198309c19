// The statistics of all features against encoding alone, on the same activations, in turns in one run, so that other load on
// the machine falls on both. Encoding alone is the session's run over batches that lie in memory, its result looked at by
// nobody. The pass reads a store and counts and keeps everything; what is computed of the dictionary alone (neighbours,
// effects on the logits, the map) is not part of it and told by itself.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openCorpus } from '../main/core/activations/corpus.ts';
import { packCorpus } from '../main/core/activations/packing.ts';
import { openStore } from '../main/core/activations/store.ts';
import { StoreWriter } from '../main/core/activations/storeWriter.ts';
import { AppError } from '../main/contract/base/errors.ts';
import type { Dictionary } from '../main/core/dictionaries/dictionary.ts';
import { createCpuRuntime } from '../main/core/onnx/cpuRuntime.ts';
import { decoderNeighbours, unitRows } from '../main/core/features/decoderNeighbours.ts';
import { FeatureEncoder } from '../main/core/features/featureEncoder.ts';
import { featureMap } from '../main/core/features/featureMap.ts';
import { runPass } from '../main/core/features/statisticsPass.ts';
import { storeSource } from '../main/core/features/textSource.ts';
import { Random } from '../main/core/numerics/random.ts';
import { median } from './figures/median.ts';

const CONTEXT_LENGTH = 256;
const CONTEXTS_PER_WRITE = 16;
const HASH = '0'.repeat(64);

/**
 * @param options.args --width, --features, --l0, --contexts, --rounds
 * @returns tokens per second of both and their ratio, by medians over the rounds, and seconds of the rest.
 */
export async function run({ args = [] }: { readonly args?: readonly string[] } = {}): Promise<Record<string, unknown>> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      width: { type: 'string', default: '768' },
      features: { type: 'string', default: '16384' },
      l0: { type: 'string', default: '32' },
      contexts: { type: 'string', default: '64' },
      rounds: { type: 'string', default: '5' },
    },
  });
  const [d, size, l0, contexts, rounds] = [
    Number(values.width),
    Number(values.features),
    Number(values.l0),
    Number(values.contexts),
    Number(values.rounds),
  ];
  if (![d, size, contexts, rounds].every((value) => Number.isSafeInteger(value) && value > 0) || !(l0 > 0)) {
    throw new AppError('usage', 'features: --width, --features, --l0, --contexts and --rounds are positive numbers.');
  }
  const folder = await mkdtemp(join(tmpdir(), 'errata-bench-'));
  const runtime = createCpuRuntime();
  try {
    await writeStore(folder, d, contexts);
    const store = await openStore(join(folder, 'store'));
    const source = storeSource(store);
    const { values: sample } = await source.read(0, Math.min(contexts, 8));
    const dictionary = dictionaryOf(d, size, l0, sample);
    const encoder = await FeatureEncoder.open(runtime, dictionary);
    const batches = await batchesOf(encoder, source, d);
    const encodeAlone = async () => {
      for (const batch of batches) await encoder.encode(batch);
    };
    let firings = 0;
    const pass = async () => {
      const result = await runPass({ encoder, source, checkpoint: null });
      firings = result.firings.reduce((sum, count) => sum + count, 0) / result.tokens;
    };
    const tokens = contexts * CONTEXT_LENGTH;
    const measure = async (work: () => Promise<void>) => {
      const startedAt = performance.now();
      const cpuAtStart = process.cpuUsage();
      await work();
      const { user, system } = process.cpuUsage(cpuAtStart);
      return { perSecond: tokens / ((performance.now() - startedAt) / 1000), cpuSeconds: (user + system) / 1e6 };
    };
    await encodeAlone();
    await pass();
    const turns: { alone: Measured; pass: Measured }[] = [];
    for (let round = 0; round < rounds; round++) {
      turns.push({ alone: await measure(encodeAlone), pass: await measure(pass) });
    }
    await encoder.release();
    await source.close();
    const seconds = async <T>(work: () => Promise<T>): Promise<[number, T]> => {
      const startedAt = performance.now();
      const result = await work();
      return [(performance.now() - startedAt) / 1000, result];
    };
    const [neighbourSeconds, neighbours] = await seconds(() => decoderNeighbours(dictionary, 15, { runtime }));
    const [mapSeconds] = await seconds(() => featureMap(unitRows(dictionary.decoder, d), d, neighbours));
    const ratios = turns.map(({ alone, pass }) => pass.perSecond / alone.perSecond);
    return {
      width: d,
      features: size,
      l0: Number(firings.toFixed(2)),
      tokens,
      contextLength: CONTEXT_LENGTH,
      encodingTokensPerSecond: Math.round(median(turns.map(({ alone }) => alone.perSecond))),
      statisticsTokensPerSecond: Math.round(median(turns.map(({ pass }) => pass.perSecond))),
      statisticsOverEncoding: Number(median(ratios).toFixed(3)),
      /** The same by processor time, which other load on the machine does not change. */
      statisticsOverEncodingByCpu: Number(
        median(turns.map(({ alone, pass }) => alone.cpuSeconds / pass.cpuSeconds)).toFixed(3),
      ),
      ratios: ratios.map((ratio) => Number(ratio.toFixed(3))),
      decoderNeighbourSeconds: Number(neighbourSeconds.toFixed(2)),
      mapSeconds: Number(mapSeconds.toFixed(2)),
      peakMegabytes: Math.round(process.resourceUsage().maxRSS / 1024),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Measured {
  readonly perSecond: number;
  readonly cpuSeconds: number;
}

/** Mixtures of a few of 4 096 directions, the common ones far more often than the rare, and noise. */
async function writeStore(folder: string, d: number, contexts: number): Promise<void> {
  const text = join(folder, 'letters.txt');
  const random = new Random(1);
  await writeFile(
    text,
    Array.from({ length: contexts * (CONTEXT_LENGTH - 1) }, () => 'abcdefgh'[random.below(8)]).join(''),
  );
  const encoder = {
    bosTokenId: 1,
    opening: [1],
    encode: (piece: string) => Int32Array.from(piece, (letter) => letter.charCodeAt(0)),
  };
  const writer = await StoreWriter.open(
    join(folder, 'store'),
    {
      model: HASH,
      tokenizer: HASH,
      corpus: HASH,
      site: 'blocks.0.hook_resid_post',
      width: d,
      dtype: 'f32',
      contextLength: CONTEXT_LENGTH,
      maxContexts: null,
      bosTokenId: encoder.bosTokenId,
      batchSize: CONTEXTS_PER_WRITE,
      rowsPerShard: Math.max(1, Math.floor((64 << 20) / (4 * d))),
    },
    async (path) => packCorpus(path, await openCorpus(text), encoder, { contextLength: CONTEXT_LENGTH }),
  );
  const directions = Float32Array.from({ length: 4096 * d }, () => random.normal());
  const noise = Float32Array.from({ length: 1 << 20 }, () => 0.3 * random.normal());
  for (let first = 0; first < contexts; first += CONTEXTS_PER_WRITE) {
    const rows = Math.min(CONTEXTS_PER_WRITE, contexts - first) * CONTEXT_LENGTH;
    const batch = new Float32Array(rows * d);
    for (let row = 0; row < rows; row++) {
      const from = random.below(noise.length - d);
      const target = batch.subarray(row * d, (row + 1) * d);
      target.set(noise.subarray(from, from + d));
      for (let term = 0; term < 8; term++) {
        const direction = Math.floor(4096 * random.uniform() ** 3) * d;
        for (let j = 0; j < d; j++) target[j]! += directions[direction + j]!;
      }
    }
    await writer.write(first * CONTEXT_LENGTH, batch);
  }
  await writer.finish();
}

/** Random unit rows, and one threshold that leaves `l0` features per token on the sample. */
function dictionaryOf(d: number, size: number, l0: number, sample: Float32Array): Dictionary {
  const random = new Random(2);
  const encoder = unitRows(
    Float32Array.from({ length: size * d }, () => random.normal()),
    d,
  );
  const rows = Math.min(256, sample.length / d);
  const drawn = Math.min(size, 2048);
  const products: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (let feature = 0; feature < drawn; feature++) {
      let sum = 0;
      for (let j = 0; j < d; j++) sum += encoder[feature * d + j]! * sample[row * d + j]!;
      products.push(sum);
    }
  }
  products.sort((a, b) => b - a);
  const threshold = products[Math.min(products.length - 1, Math.round((rows * drawn * l0) / size))]!;
  return {
    architecture: 'batchtopk',
    d,
    size,
    k: null,
    encoder,
    encoderBias: new Float32Array(size),
    decoder: encoder,
    decoderBias: new Float32Array(d),
    centre: new Float32Array(d),
    perFeature: { threshold: new Float32Array(size).fill(threshold) },
    site: 'blocks.0.hook_resid_post',
    modelHash: HASH,
  };
}

async function batchesOf(
  encoder: FeatureEncoder,
  source: ReturnType<typeof storeSource>,
  d: number,
): Promise<Float32Array[]> {
  const batches: Float32Array[] = [];
  const contextsPerRead = 16;
  for (let first = 0; first < source.contexts; first += contextsPerRead) {
    const { values } = await source.read(first, Math.min(contextsPerRead, source.contexts - first));
    for (let row = 0; row < values.length / d; row += encoder.positionsPerRun) {
      batches.push(values.slice(row * d, Math.min(values.length, (row + encoder.positionsPerRun) * d)));
    }
  }
  return batches;
}

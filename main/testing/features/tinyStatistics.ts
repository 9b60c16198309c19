// Statistics of a random dictionary of a tiny GPT-2 over a short text, for tests. As a program, `tinyStatistics.ts FOLDER`,
// it runs slowly and saves its state often, to be killed.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mkdir, writeFile } from 'node:fs/promises';
import { openCorpus } from '../../core/activations/corpus.ts';
import { prepare } from '../activations/tinyCapture.ts';
import { checkDictionary, type Dictionary } from '../../core/dictionaries/dictionary.ts';
import { loadDictionary, saveDictionary } from '../../core/dictionaries/saeLens.ts';
import { randomDictionary } from '../dictionaries/randomDictionary.ts';
import { createCpuRuntime } from '../../core/onnx/cpuRuntime.ts';
import { openModel, type Model } from '../../core/models/model.ts';
import { Random } from '../../core/numerics/random.ts';
import type { Runtime } from '../../core/onnx/runtime.ts';
import { computeStatistics, type StatisticsOptions, type StatisticsResult } from '../../core/features/statistics.ts';

export const SITE = 'blocks.0.hook_resid_post';
const runtime = createCpuRuntime({ threads: 1 });

/** Letters in words of a few kinds, in paragraphs; long enough for several groups of the pass. */
export function letters(length: number, seed = 3): string {
  const random = new Random(seed);
  let text = '';
  while (text.length < length) {
    for (let word = 0; word < 6; word++)
      text += 'abcdefghijklmnopqrstuvwxyz'.slice(random.below(20), 26).slice(0, 3 + random.below(4));
    if (random.uniform() < 0.3) text += '\n\n';
  }
  return text;
}

/** A model, a dictionary of it with some dead features, a text. */
export async function prepareStatistics(
  folder: string,
  length = 40_000,
): Promise<{ model: Model; dictionary: Dictionary }> {
  const model = await prepare(folder);
  await writeFile(join(folder, 'letters.txt'), letters(length));
  const drawn = randomDictionary(new Random(2), 'jumprelu', { d: 16, size: 40, site: SITE });
  drawn.perFeature['threshold']?.fill(1e6, 30); // dead: most of them would be in a badly trained dictionary
  const dictionary = checkDictionary({ ...drawn, modelHash: await model.hash() }, 'test');
  await mkdir(join(folder, 'dictionary'), { recursive: true });
  await saveDictionary(join(folder, 'dictionary'), dictionary, { modelName: 'tiny', contextLength: 16, errata: {} });
  return { model, dictionary: await loadDictionary(join(folder, 'dictionary')) };
}

export async function tinyStatistics(
  folder: string,
  changes: Partial<StatisticsOptions> = {},
  delayMs = 0,
): Promise<StatisticsResult> {
  return computeStatistics({
    runtime: slowed(runtime, delayMs),
    model: await openModel(join(folder, 'model')),
    dictionary: await loadDictionary(join(folder, 'dictionary')),
    text: {
      from: 'corpus',
      corpus: await openCorpus(join(folder, 'letters.txt'), { textDocuments: 'paragraph' }),
      contextLength: 16,
    },
    parent: folder,
    ...changes,
  });
}

function slowed(fast: Runtime, delayMs: number): Runtime {
  if (delayMs === 0) return fast;
  return {
    ...fast,
    createSession: async (...options) => {
      const session = await fast.createSession(...options);
      return {
        ...session,
        run: async (...feeds) => {
          await sleep(delayMs);
          return session.run(...feeds);
        },
      };
    },
  };
}

const [, program, folder, delayMs] = process.argv;
if (program === import.meta.filename && folder !== undefined) {
  await tinyStatistics(folder, { checkpointSeconds: 0 }, Number(delayMs));
}

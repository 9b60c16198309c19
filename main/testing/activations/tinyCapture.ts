// A capture of a tiny GPT-2 over a short text, for tests. As a program, `tinyCapture.ts FOLDER`, it runs slowly, to be killed.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCpuRuntime } from '../../core/onnx/cpuRuntime.ts';
import { openModel, type Model } from '../../core/models/model.ts';
import { tinyModel, writeTinyModel } from '../models/tinyModels.ts';
import type { Runtime } from '../../core/onnx/runtime.ts';
import { captureActivations, type CaptureOptions, type CaptureResult } from '../../core/activations/capture.ts';
import { openCorpus } from '../../core/activations/corpus.ts';

export const SITES = ['blocks.0.attn.hook_z', 'blocks.1.hook_resid_mid'];
/** 46 contexts of BOS and 7 letters. */
export const TEXT = 'the quick brown fox jumps over the lazy dog '
  .replaceAll(' ', '')
  .repeat(10)
  .slice(0, 46 * 7 + 3);

const runtime = createCpuRuntime({ threads: 1 });

/** Letters are the tokens 3 to 28; 1 is BOS. */
export const TOKENIZER = {
  version: '1.0',
  added_tokens: ['<unk>', '<s>', '</s>'].map((content, id) => ({ id, content, special: true, normalized: false })),
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: null,
  model: {
    type: 'BPE',
    unk_token: '<unk>',
    vocab: Object.fromEntries(
      ['<unk>', '<s>', '</s>', ...'abcdefghijklmnopqrstuvwxyz'].map((token, id) => [token, id]),
    ),
    merges: [],
  },
};

/** Writes model and corpus into `folder`. */
export async function prepare(folder: string): Promise<Model> {
  await writeTinyModel(join(folder, 'model'), tinyModel('gpt2'));
  await writeFile(join(folder, 'model', 'tokenizer.json'), JSON.stringify(TOKENIZER));
  await writeFile(
    join(folder, 'model', 'tokenizer_config.json'),
    JSON.stringify({ bos_token: '<s>', add_bos_token: true }),
  );
  await writeFile(join(folder, 'text.txt'), TEXT);
  return openModel(join(folder, 'model'));
}

/** The stores are folders named after the site's last part, with `name` before it. */
export const storeFolder = (folder: string, name: string, site: string) =>
  join(folder, `${name}-${site.split('.').at(-1)}`);

export async function capture(
  folder: string,
  name: string,
  changes: Partial<CaptureOptions> = {},
  delayMs = 0,
): Promise<CaptureResult> {
  return captureActivations({
    runtime: slowed(runtime, delayMs),
    model: await openModel(join(folder, 'model')),
    sites: SITES,
    corpus: await openCorpus(join(folder, 'text.txt')),
    contextLength: 8,
    batchSize: 3,
    shardBytes: 100 * 16 * 4, // 100 rows of 16, unlike any multiple of a batch's 24
    folderOf: (site) => storeFolder(folder, name, site),
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

const [, program, folder] = process.argv;
if (program === import.meta.filename && folder !== undefined) await capture(folder, 'store', {}, 20);

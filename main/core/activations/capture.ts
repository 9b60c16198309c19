// Capture: runs a model, cut after the last site that is wanted, over a packed corpus, and keeps what it computes at the
// sites, one store each, in one pass. A capture that was cancelled or killed goes on where its stores end, with the same
// batches as before, so that on the CPU the stores are the same to the byte.

import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Tensor } from 'onnxruntime-common';
import { AppError, toAppError } from '../../contract/base/errors.ts';
import type { OnWork } from '../../contract/base/progress.ts';
import { defaultsOf } from '../../contract/base/setting.ts';
import { CAPTURE_BATCH_TOKENS, storeSettings } from '../../contract/domain/captureSettings.ts';
import { hashFile } from '../files/hash.ts';
import type { Model } from '../models/model.ts';
import { findSite, type Site } from '../models/sites.ts';
import { buildVariant } from '../models/variant.ts';
import type { Runtime, Session } from '../onnx/runtime.ts';
import type { Corpus } from './corpus.ts';
import { checkSamePlan, TOKENS_FILE, type StorePlan } from './manifest.ts';
import { ContextFile, packCorpus } from './packing.ts';
import { storeInFolder, StoreWriter } from './storeWriter.ts';

export interface CaptureOptions {
  readonly runtime: Runtime;
  readonly model: Model;
  /** TransformerLens names. */
  readonly sites: readonly string[];
  readonly corpus: Corpus;
  /** Tokens per context, BOS included. */
  readonly contextLength: number;
  /** Contexts per run of the model. */
  readonly batchSize?: number;
  readonly dtype?: 'f32' | 'f16';
  readonly maxContexts?: number;
  readonly shardBytes?: number;
  /** The store of a site; the folder around it must exist. */
  readonly folderOf: (site: string) => string;
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}

export interface CaptureResult {
  readonly stores: readonly { readonly site: string; readonly folder: string }[];
  readonly contexts: number;
  /** Tokens in the stores: rows of each. */
  readonly tokens: number;
  /** Tokens that were run through the model in this call; fewer when a capture went on. */
  readonly tokensRun: number;
  /** Of running the model and writing, without tokenizing. */
  readonly seconds: number;
  /** Rows of the corpus that hold null in place of a text; 0 where the corpus was packed before. */
  readonly leftOut: number;
}

const DEFAULTS = defaultsOf(storeSettings);

/**
 * @throws AppError `unknown-site`; `not-found` without a tokenizer; `usage`; `empty` and `invalid-file` for the corpus;
 * `mismatch` when a folder holds other activations, or the tokenizer is not the model's; `unsupported` for values that
 * the dtype cannot hold; `cancelled` and `disk-full`, after which the same call goes on. Other failures leave no store
 * that has no shard yet.
 */
export async function captureActivations(options: CaptureOptions): Promise<CaptureResult> {
  const { runtime, model, corpus, contextLength, signal, onWork, folderOf } = options;
  const sites = [...new Set(options.sites)].map((name) => findSite(model.sites, name));
  const batchSize = options.batchSize ?? Math.max(1, Math.floor(CAPTURE_BATCH_TOKENS / contextLength));
  checkUsage(options, batchSize);
  const tokenizer = await model.tokenizer();
  const common = {
    model: await model.hash(signal),
    tokenizer: await hashFile(join(model.folder, 'tokenizer.json'), signal),
    corpus: await corpus.hash(signal),
    dtype: options.dtype ?? DEFAULTS.dtype,
    contextLength,
    maxContexts: options.maxContexts ?? null,
    bosTokenId: tokenizer.bosTokenId,
    opening: [...tokenizer.opening],
    batchSize,
  } as const;
  const planOf = ({ name, width }: Site): StorePlan => {
    const shardBytes = options.shardBytes ?? DEFAULTS.shardBytes;
    const rowsPerShard = Math.max(1, Math.floor(shardBytes / (width * (common.dtype === 'f16' ? 2 : 4))));
    return { ...common, site: name, width, rowsPerShard };
  };

  // All refusals before any work: the stores there are, and the graph.
  let packed: string | undefined;
  for (const site of sites) {
    const folder = folderOf(site.name);
    const existing = await storeInFolder(folder);
    if (!existing) continue;
    checkSamePlan(folder, existing, planOf(site));
    packed = join(folder, TOKENS_FILE);
  }
  const session = await runtime.createSession(buildVariant(model, { taps: sites.map(({ name }) => name) }), {
    weightsFolder: model.weightsFolder,
  });
  const writers: StoreWriter[] = [];
  try {
    for (const site of sites) {
      const folder = folderOf(site.name);
      const source = packed;
      const writer = await StoreWriter.open(folder, planOf(site), async (path) => {
        if (source === undefined) return packCorpus(path, corpus, tokenizer, options);
        await copyFile(source, path);
        return countContexts(path);
      });
      writers.push(writer);
      packed = join(folder, TOKENS_FILE);
      if (writer.tokensSha256 === writers[0]?.tokensSha256) continue;
      throw new AppError('mismatch', `${folder}: its contexts are not those of ${String(writers[0]?.folder)}.`);
    }
    return { ...(await run({ session, sites, writers, batchSize, model, signal, onWork })), leftOut: corpus.leftOut };
  } catch (thrown) {
    await Promise.all(writers.map((writer) => writer.abort()));
    const error = toAppError(thrown);
    if (error.code !== 'cancelled') {
      // A store without a shard is no start that anybody could want to go on with.
      const fruitless = writers.filter(({ completeRows }) => completeRows === 0);
      await Promise.all(fruitless.map(({ folder }) => rm(folder, { recursive: true, force: true })));
    }
    throw error;
  } finally {
    await session.release();
  }
}

function checkUsage({ sites, model, contextLength }: CaptureOptions, batchSize: number): void {
  const { contextLength: longest } = model.config;
  if (sites.length === 0) throw new AppError('usage', 'Name at least one site to capture.');
  if (!Number.isSafeInteger(contextLength) || contextLength < 2) {
    throw new AppError('usage', `A context needs at least 2 tokens, not ${contextLength}.`);
  }
  if (contextLength > longest) {
    throw new AppError(
      'usage',
      `Contexts of ${contextLength} tokens are longer than this model's longest, ${longest}.`,
    );
  }
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new AppError('usage', `A batch needs at least one context, not ${batchSize}.`);
  }
}

async function countContexts(path: string): Promise<number> {
  const file = await ContextFile.open(path);
  await file.close();
  return file.contexts;
}

interface Run {
  readonly session: Session;
  readonly sites: readonly Site[];
  /** One for each site. */
  readonly writers: readonly StoreWriter[];
  readonly batchSize: number;
  readonly model: Model;
  readonly signal: AbortSignal | undefined;
  readonly onWork: OnWork | undefined;
}

async function run({
  session,
  sites,
  writers,
  batchSize,
  model,
  signal,
  onWork,
}: Run): Promise<Omit<CaptureResult, 'leftOut'>> {
  const contexts = await ContextFile.open(join(writers[0]!.folder, TOKENS_FILE));
  try {
    const { contextLength } = contexts;
    const tokens = contexts.contexts * contextLength;
    const complete = Math.min(...writers.map((writer) => writer.completeRows));
    // Whole batches as they were: a batch that a shard's end cut is computed again, and its known rows are skipped.
    const start =
      complete === tokens ? contexts.contexts : Math.floor(complete / contextLength / batchSize) * batchSize;
    const startTime = performance.now();
    const readBatch = (first: number) =>
      contexts.read(first, Math.max(0, Math.min(batchSize, contexts.contexts - first)));
    let next = readBatch(start);
    for (let first = start; first < contexts.contexts; first += batchSize) {
      signal?.throwIfAborted();
      const ids = await next;
      next = readBatch(Math.min(first + batchSize, contexts.contexts));
      next.catch(() => undefined); // told when it is awaited
      const batch = tokenTensor(ids, contextLength, model);
      const results = await session.run({ input_ids: batch });
      // The writers take the arrays and let the disk have them while the next batch is computed.
      for (const [i, { name, width }] of sites.entries()) {
        const rows = results[name]?.data;
        if (!(rows instanceof Float32Array) || rows.length !== ids.length * width) {
          throw new AppError('internal', `The engine gave no [${ids.length}, ${width}] numbers for ${name}.`);
        }
        await writers[i]!.write(first * contextLength, rows);
      }
      onWork?.({
        stage: 'Capturing activations',
        done: Math.min(first + batchSize, contexts.contexts) * contextLength,
        total: tokens,
        unit: 'tokens',
      });
    }
    for (const writer of writers) await writer.finish();
    return {
      stores: sites.map(({ name }, i) => ({ site: name, folder: writers[i]!.folder })),
      contexts: contexts.contexts,
      tokens,
      tokensRun: tokens - start * contextLength,
      seconds: (performance.now() - startTime) / 1000,
    };
  } finally {
    await contexts.close();
  }
}

/** int64 `[ids.length / contextLength, contextLength]`. */
function tokenTensor(ids: Int32Array, contextLength: number, model: Model): Tensor {
  const { vocabularySize } = model.config;
  const wide = new BigInt64Array(ids.length);
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    if (id < 0 || id >= vocabularySize) {
      throw new AppError(
        'mismatch',
        `${model.folder}: its tokenizer gives the token ${id}, but the model knows only ${vocabularySize}.`,
        { details: { path: model.folder, id, vocabularySize } },
      );
    }
    wide[i] = BigInt(id);
  }
  return new Tensor('int64', wide, [ids.length / contextLength, contextLength]);
}

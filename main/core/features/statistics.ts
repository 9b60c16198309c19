// The statistics of all features of a dictionary over a text: the pass, and what is computed of the dictionary alone. Every
// stage leaves a file; a run that was stopped or killed goes on behind the last one, and the pass in the middle of itself.
import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Corpus } from '../activations/corpus.ts';
import { ContextFile, packCorpus } from '../activations/packing.ts';
import { openStore } from '../activations/store.ts';
import { TOKENS_FILE } from '../activations/manifest.ts';
import { AppError } from '../../contract/base/errors.ts';
import type { OnWork } from '../../contract/base/progress.ts';
import { hashDictionary, type Dictionary } from '../dictionaries/dictionary.ts';
import { removeLeftovers, syncFolder, writeFileAtomic } from '../files/atomicWrite.ts';
import { writeSafetensors, type TensorToWrite } from '../formats/safetensors.ts';
import type { Model } from '../models/model.ts';
import { findSite } from '../models/sites.ts';
import type { Runtime } from '../onnx/runtime.ts';
import { ColumnFile } from './columnFile.ts';
import { decoderNeighbours, unitRows } from './decoderNeighbours.ts';
import { FeatureEncoder } from './featureEncoder.ts';
import { featureMap } from './featureMap.ts';
import { EFFECT_TOKENS, hasLogitEffects, logitEffects } from './logitEffects.ts';
import {
  FILES,
  NEIGHBOURS,
  planId,
  readStatisticsManifest,
  statisticsIn,
  type StatisticsManifest,
  type StatisticsPlan,
} from './statisticsManifest.ts';
import { runPass } from './statisticsPass.ts';
import { modelSource, storeSource, type TextSource } from './textSource.ts';

/** The text to count over: activations at hand, or a corpus that the model reads now. */
export type StatisticsText =
  | { readonly from: 'store'; readonly folder: string; readonly maxContexts?: number | undefined }
  | {
      readonly from: 'corpus';
      readonly corpus: Corpus;
      readonly contextLength: number;
      readonly maxContexts?: number | undefined;
    };

export interface StatisticsOptions {
  readonly runtime: Runtime;
  readonly model: Model;
  readonly dictionary: Dictionary;
  readonly text: StatisticsText;
  /** The statistics become a folder in it, named after their plan; unfinished work lies beside it. */
  readonly parent: string;
  /** How often the pass saves its state; 60 by default. */
  readonly checkpointSeconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onWork?: OnWork | undefined;
}

export interface StatisticsResult {
  readonly folder: string;
  readonly manifest: StatisticsManifest;
}

const NEIGHBOURS_ON_MAP = 15;
const STATE_FILE = 'state.safetensors';

/**
 * @returns the statistics, at once when they are there already.
 * @throws AppError `mismatch` when model, dictionary and text do not belong together; `empty`, `invalid-file` of the text;
 * `cancelled`, `disk-full`, after which the same call goes on.
 */
export async function computeStatistics(options: StatisticsOptions): Promise<StatisticsResult> {
  const { parent, signal, onWork, dictionary, model } = options;
  onWork?.({ stage: 'Looking at the text', done: 0, total: null, unit: 'tokens' });
  const plan = await planOf(options);
  const name = `statistics-${planId(plan).slice(0, 12)}`;
  const folder = join(parent, name);
  const known = await statisticsIn(folder);
  if (known) return { folder, manifest: known };
  const work = join(parent, `.${name}`);
  await mkdir(work, { recursive: true });
  await removeLeftovers(work);

  const stage = async (file: string, make: (path: string) => Promise<unknown>) => {
    signal?.throwIfAborted();
    const path = join(work, file);
    if (!(await stat(path).catch(() => undefined))) await make(path);
  };
  await stage(FILES.tokens, (path) => writeTokens(path, options));
  await stage(FILES.examples, () => countStage(work, plan, options));
  await rm(join(work, STATE_FILE), { force: true });
  await stage(FILES.decoder, (path) => decoderStage(path, options));
  const effects = hasLogitEffects(model, dictionary.site) ? Math.min(EFFECT_TOKENS, model.config.vocabularySize) : null;
  if (effects !== null) await stage(FILES.logits, (path) => logitStage(path, options));
  await stage(FILES.vocabulary, (path) => writeVocabulary(path, model));
  await stage(FILES.manifest, async (path) => {
    const manifest = await describe(work, plan, effects, options);
    await writeFileAtomic(path, `${JSON.stringify(manifest, null, 1)}\n`);
  });
  await rename(work, folder);
  await syncFolder(dirname(folder));
  return { folder, manifest: await readStatisticsManifest(folder) };
}

/** @throws AppError `mismatch`, `unknown-site`, and what reading the text gives. */
async function planOf({ model, dictionary, text, signal }: StatisticsOptions): Promise<StatisticsPlan> {
  const { site, d } = dictionary;
  const { width } = findSite(model.sites, site);
  if (width !== d) {
    throw new AppError('mismatch', `The dictionary takes ${d} numbers, but ${site} of ${model.folder} has ${width}.`);
  }
  const hash = await model.hash(signal);
  if (dictionary.modelHash !== '' && dictionary.modelHash !== hash) {
    throw new AppError('mismatch', `The dictionary of ${site} was trained on another model than ${model.folder}.`);
  }
  const common = { dictionary: hashDictionary(dictionary), model: hash, site };
  const maxContexts = text.maxContexts ?? null;
  if (text.from === 'corpus') {
    const { contextLength } = text;
    const [corpus, tokenizer] = [await text.corpus.hash(signal), (await model.tokenizer()).hash()];
    return { ...common, text: { from: 'corpus', corpus, tokenizer }, contextLength, maxContexts };
  }
  const store = await openStore(text.folder);
  try {
    const { manifest } = store;
    if (manifest.model !== hash || manifest.site !== site) {
      throw new AppError(
        'mismatch',
        manifest.model === hash
          ? `${text.folder}: its activations are of ${manifest.site}, the dictionary is of ${site}.`
          : `${text.folder}: its activations are of another model than ${model.folder}.`,
      );
    }
    const { tokensSha256: tokens, dtype, contextLength } = manifest;
    return { ...common, text: { from: 'store', tokens, dtype }, contextLength, maxContexts };
  } finally {
    await store.close();
  }
}

async function writeTokens(path: string, { text, model, signal, onWork }: StatisticsOptions): Promise<void> {
  if (text.from === 'store') {
    const partial = `${path}.partial`;
    await copyFile(join(text.folder, TOKENS_FILE), partial);
    await rename(partial, path);
    return;
  }
  const { corpus, contextLength, maxContexts } = text;
  await packCorpus(path, corpus, await model.tokenizer(), {
    contextLength,
    ...(maxContexts === undefined ? {} : { maxContexts }),
    ...(signal ? { signal } : {}),
    ...(onWork ? { onWork } : {}),
  });
}

async function openSource(work: string, { text, model, runtime, dictionary }: StatisticsOptions): Promise<TextSource> {
  if (text.from === 'store') return storeSource(await openStore(text.folder), text.maxContexts);
  const { bosTokenId } = await model.tokenizer();
  return modelSource(model, runtime, dictionary.site, await ContextFile.open(join(work, FILES.tokens)), bosTokenId);
}

/** The pass, and what of it must be at hand as a whole. The examples are written last: they stand for the stage. */
async function countStage(work: string, plan: StatisticsPlan, options: StatisticsOptions): Promise<void> {
  const { runtime, dictionary, checkpointSeconds, signal, onWork } = options;
  const encoder = await FeatureEncoder.open(runtime, dictionary);
  try {
    const source = await openSource(work, options);
    try {
      const checkpoint = {
        path: join(work, STATE_FILE),
        of: planId(plan),
        ...(checkpointSeconds === undefined ? {} : { seconds: checkpointSeconds }),
      };
      const accumulator = await runPass({ encoder, source, checkpoint, signal, onWork });
      const { sketches, firings } = accumulator;
      const { features, cosines } = await sketches.neighbours(firings, NEIGHBOURS, { signal, onWork });
      onWork?.({ stage: 'Writing what was counted', done: 0, total: null, unit: 'features' });
      await writeSafetensors(join(work, FILES.cofiring), neighbourTensors(dictionary.size, features, cosines));
      await writeSafetensors(join(work, FILES.counts), accumulator.countTensors());
      await writeSafetensors(join(work, FILES.examples), [
        ...accumulator.top.tensors('top', false),
        ...accumulator.sample.tensors('sample', false),
      ]);
    } finally {
      await source.close();
    }
  } finally {
    await encoder.release();
  }
}

function neighbourTensors(size: number, features: Int32Array, cosines: Float32Array): TensorToWrite[] {
  return [
    { name: 'features', dtype: 'I32', shape: [size, NEIGHBOURS], data: features },
    { name: 'cosines', dtype: 'F32', shape: [size, NEIGHBOURS], data: cosines },
  ];
}

async function decoderStage(path: string, { runtime, dictionary, signal, onWork }: StatisticsOptions): Promise<void> {
  const { d, size, decoder } = dictionary;
  const { features, cosines } = await decoderNeighbours(dictionary, NEIGHBOURS, { runtime, signal, onWork });
  const nearest = <A extends Int32Array | Float32Array>(all: A, some: A): A => {
    for (let at = 0; at < some.length; at++) {
      some[at] = all[Math.floor(at / NEIGHBOURS_ON_MAP) * NEIGHBOURS + (at % NEIGHBOURS_ON_MAP)]!;
    }
    return some;
  };
  const onMap = {
    features: nearest(features, new Int32Array(size * NEIGHBOURS_ON_MAP)),
    cosines: nearest(cosines, new Float32Array(size * NEIGHBOURS_ON_MAP)),
  };
  const map = await featureMap(unitRows(decoder, d), d, onMap, { signal, onWork });
  await writeSafetensors(path, [
    ...neighbourTensors(size, features, cosines),
    { name: 'map', dtype: 'F32', shape: [size, 2], data: map },
  ]);
}

async function logitStage(path: string, { dictionary, ...options }: StatisticsOptions): Promise<void> {
  const { size } = dictionary;
  const { count, ...found } = await logitEffects(dictionary, options);
  await writeSafetensors(path, [
    { name: 'topTokens', dtype: 'I32', shape: [size, count], data: found.topTokens },
    { name: 'topEffects', dtype: 'F32', shape: [size, count], data: found.topEffects },
    { name: 'bottomTokens', dtype: 'I32', shape: [size, count], data: found.bottomTokens },
    { name: 'bottomEffects', dtype: 'F32', shape: [size, count], data: found.bottomEffects },
    { name: 'entropies', dtype: 'F32', shape: [size], data: found.entropies },
  ]);
}

async function writeVocabulary(path: string, model: Model): Promise<void> {
  const tokenizer = await model.tokenizer();
  const ids = Array.from({ length: model.config.vocabularySize }, (_, id) => id);
  const vocabulary = {
    tokens: ids.map((id) => tokenizer.tokenText(id)),
    special: ids.filter((id) => tokenizer.isSpecial(id)),
  };
  await writeFileAtomic(path, JSON.stringify(vocabulary));
}

async function describe(
  work: string,
  plan: StatisticsPlan,
  effects: number | null,
  { dictionary, model, text }: StatisticsOptions,
): Promise<StatisticsManifest> {
  const counts = await ColumnFile.open(join(work, FILES.counts));
  const contexts = await ContextFile.open(join(work, FILES.tokens));
  try {
    const [tokens = 0, documentEnds = 0] = await counts.column('totals', 'F64', 2);
    const [outliers = 0] = await counts.column('outliers', 'F64', 1);
    return {
      format: 'errata-statistics',
      version: 1,
      plan,
      size: dictionary.size,
      bosTokenId: (await model.tokenizer()).bosTokenId,
      contexts: Math.min(contexts.contexts, text.maxContexts ?? Infinity),
      tokens,
      outliers,
      documentEnds,
      vocabularySize: model.config.vocabularySize,
      effects,
    };
  } finally {
    await counts.close();
    await contexts.close();
  }
}

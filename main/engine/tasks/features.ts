// What is computed of a dictionary's features: their statistics over a text, and where they fire in a text at hand.
import { join } from 'node:path';
import * as v from 'valibot';
import { requestEntries, settingOf } from '../../contract/base/setting.ts';
import { corpusSettings } from '../../contract/domain/captureSettings.ts';
import { readingSettings, statisticsSettings } from '../../contract/domain/statisticsSettings.ts';
import { openCorpusFor } from '../../core/activations/modelCorpus.ts';
import { CONFIG_FILE, loadDictionary } from '../../core/dictionaries/saeLens.ts';
import { matchFeatures } from '../../core/features/matchingFeatures.ts';
import { computeStatistics } from '../../core/features/statistics.ts';
import { TextReader } from '../../core/features/textReader.ts';
import type { Runtime } from '../../core/onnx/runtime.ts';
import { defineTask } from '../task.ts';
import { fileStamp, modelStamp } from '../stamps.ts';
import { modelEntries, openTaskModel, type TaskModel } from './model.ts';

const { maxContexts } = requestEntries(statisticsSettings);
const count = v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1)));

export const computeFeatureStatistics = defineTask({
  lane: 'long',
  input: v.object({
    model: v.object(modelEntries),
    /** Of the dictionary. */
    folder: v.string(),
    text: v.variant('from', [
      v.object({ from: v.literal('store'), folder: v.string(), maxContexts }),
      v.object({
        from: v.literal('corpus'),
        path: v.string(),
        ...requestEntries(corpusSettings),
        contextLength: settingOf(readingSettings.contextLength),
        maxContexts,
      }),
    ]),
    /** The folder that the statistics become a folder in. */
    parent: v.string(),
    checkpointSeconds: v.exactOptional(v.number()),
  }),
  run: async ({ model: modelInput, folder, text, ...options }, { runtime, signal, onWork }) => {
    const model = await openTaskModel(modelInput);
    const dictionary = await loadDictionary(folder);
    if (text.from === 'store') {
      return computeStatistics({ ...options, runtime, model, dictionary, text, signal, onWork });
    }
    const { path, field, textDocuments, contextLength, maxContexts } = text;
    const corpus = await openCorpusFor(model, path, {
      ...(field === undefined ? {} : { field }),
      ...(textDocuments === undefined ? {} : { textDocuments }),
    });
    return computeStatistics({
      ...options,
      runtime,
      model,
      dictionary,
      text: { from: 'corpus', corpus, contextLength, maxContexts },
      signal,
      onWork,
    });
  },
});

export const readText = defineTask({
  lane: 'quick',
  input: v.object({
    model: v.object(modelEntries),
    /** Of the dictionary. */
    folder: v.string(),
    text: v.string(),
    features: v.exactOptional(v.array(v.number())),
    perToken: count,
    count,
  }),
  run: async ({ model, folder, text, ...options }, { runtime, signal }) => {
    const reader = await readerOf(runtime, model, folder);
    return reader.read(text, { ...options, signal });
  },
});

export const matchFeaturesTask = defineTask({
  lane: 'quick',
  input: v.object({
    model: v.object(modelEntries),
    /** Of the dictionary that the features are of, and of the one that is searched. */
    folder: v.string(),
    other: v.string(),
    features: v.array(v.object({ feature: v.number(), contexts: v.array(v.array(v.number())) })),
    count: v.pipe(v.number(), v.integer(), v.minValue(1)),
  }),
  run: async ({ model, folder, other, features, count: most }, { runtime, signal, onWork }) =>
    matchFeatures(features, {
      runtime,
      model: await openTaskModel(model),
      dictionary: await loadDictionary(folder),
      other: await loadDictionary(other),
      count: most,
      signal,
      onWork,
    }),
});

/**
 * The reader that was used last stays open for a while: loading a dictionary takes far longer than reading a line, and who
 * tries a text tries another soon. Quick tasks run one after another, so none can close what another reads with.
 */
const RELEASED_AFTER_MS = 120_000;
let kept: { readonly key: string; readonly reader: TextReader; timer: NodeJS.Timeout } | null = null;

async function readerOf(runtime: Runtime, model: TaskModel, folder: string): Promise<TextReader> {
  const stamps = [await modelStamp(model), await fileStamp(join(folder, CONFIG_FILE))];
  const key = JSON.stringify([runtime.device, stamps]);
  if (kept?.key !== key) {
    await releaseReader();
    const reader = await TextReader.open(runtime, await openTaskModel(model), await loadDictionary(folder));
    kept = { key, reader, timer: setTimeout(() => undefined, 0) };
  }
  clearTimeout(kept.timer);
  kept.timer = setTimeout(() => void releaseReader(), RELEASED_AFTER_MS).unref();
  return kept.reader;
}

async function releaseReader(): Promise<void> {
  const last = kept;
  kept = null;
  clearTimeout(last?.timer);
  await last?.reader.release();
}

// Training, evaluating and using dictionaries.
import { basename, join } from 'node:path';
import * as v from 'valibot';
import { requestEntries } from '../../contract/base/setting.ts';
import { readingChangesEntries } from '../../contract/domain/importedDictionary.ts';
import { heldOutSetting, trainingSettings } from '../../contract/domain/trainingSettings.ts';
import { openCorpusFor } from '../../core/activations/modelCorpus.ts';
import { splitContexts } from '../../core/activations/rowSelection.ts';
import { openStore } from '../../core/activations/store.ts';
import { hashDictionary } from '../../core/dictionaries/dictionary.ts';
import { evaluateLossRecovered, evaluateReconstruction } from '../../core/dictionaries/evaluate.ts';
import { importDictionary as copyDictionary, inspectDictionaryFile } from '../../core/dictionaries/importDictionary.ts';
import { readImportRecord, writeImportRecord } from '../../core/dictionaries/importRecord.ts';
import { loadDictionary } from '../../core/dictionaries/saeLens.ts';
import { CHECK_TOKENS, selfCheck } from '../../core/dictionaries/selfCheck.ts';
import { measureStepTime } from '../../core/dictionaries/stepTime.ts';
import { EVALUATION_FILE, resume, train } from '../../core/dictionaries/train.ts';
import { TrainingConfigSchema } from '../../core/dictionaries/trainingConfig.ts';
import { readHeldOut } from '../../core/evaluation/heldOut.ts';
import { topFeatures } from '../../core/features/topFeatures.ts';
import { writeFileAtomic } from '../../core/files/atomicWrite.ts';
import { defineTask } from '../task.ts';
import { modelEntries, openTaskModel } from './model.ts';

const model = v.object(modelEntries);
const { entries: settings } = TrainingConfigSchema;

const common = {
  model,
  modelName: v.string(),
  /** Of the run. */
  folder: v.string(),
  checkpointSeconds: v.exactOptional(v.number()),
};

export const trainDictionary = defineTask({
  lane: 'long',
  input: v.object({
    ...common,
    storeFolder: v.string(),
    /** What has a default may be left out. */
    request: v.object(requestEntries(trainingSettings)),
    heldOutFraction: v.exactOptional(heldOutSetting),
    bufferBytes: v.exactOptional(v.number()),
  }),
  run: async ({ request, model: modelInput, ...options }, { runtime, signal, onWork, log }) =>
    train(request, { ...options, model: await openTaskModel(modelInput), runtime, signal, onWork, log }),
});

export const resumeTraining = defineTask({
  lane: 'long',
  input: v.object(common),
  run: async ({ model: modelInput, ...options }, { runtime, signal, onWork, log }) =>
    resume({ ...options, model: await openTaskModel(modelInput), runtime, signal, onWork, log }),
});

export const evaluateDictionary = defineTask({
  lane: 'long',
  input: v.object({ model, folder: v.string(), storeFolder: v.string(), heldOutFraction: heldOutSetting }),
  run: async ({ model: modelInput, folder, storeFolder, heldOutFraction }, { runtime, signal, onWork }) => {
    const opened = await openTaskModel(modelInput);
    const dictionary = await loadDictionary(folder);
    const store = await openStore(storeFolder);
    try {
      const { heldOut } = splitContexts(store, heldOutFraction);
      const options = { runtime, dictionary, store, heldOut, signal, onWork };
      const startedAt = performance.now();
      const { firingRates, ...reconstruction } = await evaluateReconstruction(options);
      const tokensPerSecond = reconstruction.tokens / ((performance.now() - startedAt) / 1000);
      const lossRecovered = await evaluateLossRecovered({ ...options, model: opened });
      return { hash: hashDictionary(dictionary), ...reconstruction, ...lossRecovered, tokensPerSecond, firingRates };
    } finally {
      await store.close();
    }
  },
});

export const findTopFeatures = defineTask({
  lane: 'quick',
  input: v.object({
    model,
    folder: v.string(),
    text: v.string(),
    count: v.pipe(v.number(), v.integer(), v.minValue(1)),
  }),
  run: async ({ model: modelInput, folder, text, count }, { runtime, signal, onWork }) =>
    topFeatures({
      model: await openTaskModel(modelInput),
      dictionary: await loadDictionary(folder),
      runtime,
      text,
      count,
      signal,
      onWork,
    }),
});

/** What a dictionary of another project's making says. */
export const inspectDictionary = defineTask({
  lane: 'quick',
  input: v.object({ path: v.string(), site: v.exactOptional(v.string()), ...readingChangesEntries }),
  run: ({ path, ...options }) => inspectDictionaryFile(path, options),
});

/** Copies it into a folder of the project. */
export const importDictionary = defineTask({
  lane: 'long',
  input: v.object({
    path: v.string(),
    folder: v.string(),
    site: v.string(),
    model: v.object({ name: v.string(), hash: v.string() }),
    changes: v.object(readingChangesEntries),
    conclusions: v.array(v.string()),
  }),
  run: (input, { signal, onWork }) => copyDictionary({ ...input, signal, onWork }),
});

/** Of a copy in a folder, before it is kept: against its model, on a text. */
export const checkImported = defineTask({
  lane: 'long',
  input: v.object({ model, folder: v.string(), corpus: v.string(), changes: v.object(readingChangesEntries) }),
  run: async ({ model: modelInput, folder, corpus: path, changes }, { runtime, signal, onWork }) => {
    const opened = await openTaskModel(modelInput);
    const record = await readImportRecord(folder);
    const tokenizer = await opened.tokenizer();
    const corpus = await openCorpusFor(opened, path);
    const drawn = await readHeldOut(corpus, tokenizer, opened.config, { contexts: CHECK_TOKENS, seed: 0 });
    const { check, quality } = await selfCheck({
      ...{ runtime, model: opened, signal, onWork, claims: record.claims, applied: changes, text: basename(path) },
      dictionary: await loadDictionary(folder),
      // Few trainers show their dictionaries the token that ends a text.
      contexts: withinTokens(
        drawn.map((ids) => withoutEnd(ids, tokenizer.eosTokenId)),
        CHECK_TOKENS,
      ),
      bosTokenId: tokenizer.bosTokenId,
    });
    const { firingRates, ...rest } = quality;
    const { ceOriginal, ceReconstructed, ceZero, lossRecovered } = check;
    const losses = { ceOriginal, ceReconstructed, ceZero, lossRecovered };
    const evaluation = { hash: record.hash, ...rest, ...losses, firingRates: Array.from(firingRates) };
    await writeFileAtomic(join(folder, EVALUATION_FILE), `${JSON.stringify(evaluation)}\n`);
    await writeImportRecord(folder, { ...record, check });
    return check;
  },
});

function withoutEnd(ids: number[], end: number | null): number[] {
  return ids.at(-1) === end ? ids.slice(0, -1) : ids;
}

/** Spread over all that were drawn: as many as fit. */
function withinTokens(contexts: readonly number[][], most: number): number[][] {
  const total = contexts.reduce((sum, { length }) => sum + length, 0);
  const step = Math.max(1, total / most);
  const chosen: number[][] = [];
  let [at, tokens] = [0, 0];
  for (const [index, context] of contexts.entries()) {
    if (index < at || tokens + context.length > most) continue;
    chosen.push(context);
    tokens += context.length;
    at += step;
  }
  return chosen;
}

/** How long a step of a run would take. */
export const timeStep = defineTask({
  lane: 'quick',
  input: v.object({
    architecture: settings.architecture,
    d: settings.d,
    size: settings.size,
    k: settings.k,
    batchSize: settings.batchSize,
  }),
  run: async (size, { runtime }) => ({ seconds: await measureStepTime(runtime, size) }),
});

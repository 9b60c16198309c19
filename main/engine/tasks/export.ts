// Exporting patched models, and verifying what was exported.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { openCorpusFor } from '../../core/activations/modelCorpus.ts';
import { ContextFile, packCorpus } from '../../core/activations/packing.ts';
import { splitContexts } from '../../core/activations/rowSelection.ts';
import { openStore } from '../../core/activations/store.ts';
import { AppError } from '../../contract/base/errors.ts';
import { heldOutSetting } from '../../contract/domain/trainingSettings.ts';
import { hashDictionary, type Dictionary } from '../../core/dictionaries/dictionary.ts';
import { featureThresholds, type FeatureThreshold } from '../../core/dictionaries/featureThresholds.ts';
import { DICTIONARY_KINDS, kindOf } from '../../core/dictionaries/kinds/index.ts';
import { loadDictionary } from '../../core/dictionaries/saeLens.ts';
import { parseEdit, type Edit } from '../../contract/domain/edit.ts';
import { featuresRead } from '../../core/edits/exactness.ts';
import { writeArtifact } from '../../core/export/exportModel.ts';
import { EXPORT_FORM_NAMES } from '../../core/export/forms/index.ts';
import { exportLadder } from '../../core/export/ladder.ts';
import { verifyArtifact } from '../../core/export/verifyArtifact.ts';
import type { Model } from '../../core/models/model.ts';
import { defineTask, type TaskContext } from '../task.ts';
import { modelEntries, openTaskModel } from './model.ts';

/** Contexts of text that an export is compared on: enough that a wrong edit shows, few enough to take seconds. */
const MAX_CONTEXTS = 16;
const CONTEXT_LENGTH = 128;

/** Contexts that training did not see, or those at the start of another corpus. */
const heldOutText = v.variant('from', [
  v.object({ from: v.literal('store'), folder: v.string(), heldOutFraction: heldOutSetting }),
  v.object({ from: v.literal('corpus'), path: v.string() }),
]);

async function readContexts(text: v.InferOutput<typeof heldOutText>, model: Model): Promise<Int32Array[]> {
  return text.from === 'store' ? fromStore(text) : fromCorpus(text.path, model);
}

async function fromStore({
  folder,
  heldOutFraction,
}: {
  folder: string;
  heldOutFraction: number;
}): Promise<Int32Array[]> {
  const store = await openStore(folder);
  try {
    const { first, end } = splitContexts(store, heldOutFraction).heldOut;
    return await contextsOf(store.contexts, first, end);
  } finally {
    await store.close();
  }
}

async function fromCorpus(path: string, model: Model): Promise<Int32Array[]> {
  const folder = await mkdtemp(join(tmpdir(), 'errata-export-'));
  try {
    const packed = join(folder, 'contexts');
    const contextLength = Math.min(CONTEXT_LENGTH, model.config.contextLength);
    await packCorpus(packed, await openCorpusFor(model, path), await model.tokenizer(), {
      contextLength,
      maxContexts: MAX_CONTEXTS,
    });
    const contexts = await ContextFile.open(packed);
    try {
      return await contextsOf(contexts, 0, contexts.contexts);
    } finally {
      await contexts.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function contextsOf(contexts: ContextFile, first: number, end: number): Promise<Int32Array[]> {
  const rows: Int32Array[] = [];
  for (let index = first; index < Math.min(end, first + MAX_CONTEXTS); index++)
    rows.push(await contexts.read(index, 1));
  return rows;
}

/** Where the thresholds of features that compete are calibrated: on what its training held out. */
const calibration = v.object({ dictionary: v.string(), storeFolder: v.string(), heldOutFraction: heldOutSetting });

/** Of all competing features that the edit reads, by the hash of their dictionary. */
async function calibrate(
  edit: Edit,
  dictionaries: ReadonlyMap<string, Dictionary>,
  calibrations: readonly v.InferOutput<typeof calibration>[],
  { runtime, signal, onWork }: Pick<TaskContext, 'runtime' | 'signal' | 'onWork'>,
): Promise<ReadonlyMap<string, readonly FeatureThreshold[]>> {
  const found = new Map<string, readonly FeatureThreshold[]>();
  for (const { dictionary: hash, storeFolder, heldOutFraction } of calibrations) {
    const dictionary = dictionaries.get(hash);
    const operations = edit.operations.filter((operation) => operation.dictionary === hash);
    const features = [...new Set(operations.flatMap(featuresRead))].sort((a, b) => a - b);
    if (!dictionary || !kindOf(dictionary).competes || features.length === 0) continue;
    const store = await openStore(storeFolder);
    try {
      const { heldOut } = splitContexts(store, heldOutFraction);
      const thresholds = await featureThresholds({ runtime, dictionary, features, store, heldOut, signal, onWork });
      found.set(hash, thresholds);
    } finally {
      await store.close();
    }
  }
  return found;
}

export const writeExport = defineTask({
  lane: 'long',
  input: v.object({
    model: v.object(modelEntries),
    /** Operations as in an edit's file. */
    edit: v.unknown(),
    /** Folders of the dictionaries that the edit names. */
    dictionaries: v.array(v.string()),
    /** By their hashes, the dictionaries whose features get thresholds in place of their competition; none by default. */
    calibrations: v.exactOptional(v.array(calibration)),
    text: heldOutText,
    form: v.picklist(EXPORT_FORM_NAMES),
    /** The empty folder to fill, and what it will be called. */
    partial: v.string(),
    folder: v.string(),
    /** A program to load the artifact with. */
    python: v.nullable(v.string()),
    toolVersion: v.string(),
    provenance: v.record(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()])),
  }),
  run: async (
    { model: modelInput, edit: given, dictionaries: folders, calibrations = [], text, partial, python, ...options },
    { runtime, signal, onWork },
  ) => {
    const model = await openTaskModel(modelInput);
    const loaded = await Promise.all(folders.map((folder) => loadDictionary(folder)));
    const dictionaries = new Map(loaded.map((dictionary) => [hashDictionary(dictionary), dictionary]));
    const edit = parseEdit(given);
    const thresholds = await calibrate(edit, dictionaries, calibrations, { runtime, signal, onWork });
    const { manifest, ...report } = await writeArtifact(partial, {
      ...options,
      ...(python === null ? {} : { python }),
      runtime,
      model,
      edit,
      dictionaries,
      thresholds,
      contexts: await readContexts(text, model),
      signal,
      onWork,
    });
    const { id, form, files, exactness } = manifest;
    return { ...report, id, form, files, exactness };
  },
});

export const planExport = defineTask({
  lane: 'quick',
  input: v.object({
    model: v.object(modelEntries),
    edit: v.unknown(),
    /** Of every dictionary that the edit names. */
    dictionaries: v.array(
      v.object({
        hash: v.string(),
        architecture: v.pipe(v.string(), v.picklist(DICTIONARY_KINDS)),
        size: v.number(),
        k: v.nullable(v.number()),
      }),
    ),
  }),
  run: async ({ model, edit, dictionaries }) =>
    exportLadder(await openTaskModel(model), parseEdit(edit).operations, ({ dictionary }) => {
      const found = dictionaries.find(({ hash }) => hash === dictionary);
      if (found) return found;
      throw new AppError('not-found', `The dictionary ${dictionary.slice(0, 10)} is not here.`);
    }),
});

export const verifyExport = defineTask({
  lane: 'long',
  input: v.object({ folder: v.string() }),
  run: async ({ folder }, { runtime, signal, onWork }) => {
    const { manifest, ...verification } = await verifyArtifact({ runtime, folder, signal, onWork });
    return { ...verification, id: manifest.id };
  },
});

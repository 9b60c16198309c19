// Exporting patched models, and verifying what was exported.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { openCorpus } from '../../activations/corpus.ts';
import { ContextFile, packCorpus } from '../../activations/packing.ts';
import { splitContexts } from '../../activations/rowSelection.ts';
import { openStore } from '../../activations/store.ts';
import { hashDictionary } from '../../dictionaries/dictionary.ts';
import { loadDictionary } from '../../dictionaries/saeLens.ts';
import { parseEdit } from '../../edits/edit.ts';
import { exportModel } from '../../export/exportModel.ts';
import { verifyArtifact } from '../../export/verifyArtifact.ts';
import type { Model } from '../../models/model.ts';
import { defineTask } from '../task.ts';
import { modelEntries, openTaskModel } from './model.ts';

/** Contexts of text that an export is compared on: enough that a wrong edit shows, few enough to take seconds. */
const MAX_CONTEXTS = 16;
const CONTEXT_LENGTH = 128;

/** Contexts that training did not see, or those at the start of another corpus. */
const heldOutText = v.variant('from', [
  v.object({ from: v.literal('store'), folder: v.string(), heldOutFraction: v.number() }),
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
    await packCorpus(packed, await openCorpus(path), await model.tokenizer(), {
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

export const writeExport = defineTask({
  lane: 'long',
  input: v.object({
    model: v.object(modelEntries),
    /** Operations as in an edit's file. */
    edit: v.unknown(),
    /** Folders of the dictionaries that the edit names. */
    dictionaries: v.array(v.string()),
    text: heldOutText,
    form: v.picklist(['embedded', 'referenced']),
    folder: v.string(),
    toolVersion: v.string(),
    provenance: v.record(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()])),
  }),
  run: async ({ model: modelInput, edit, dictionaries, text, ...options }, { runtime, signal, onWork }) => {
    const model = await openTaskModel(modelInput);
    const loaded = await Promise.all(dictionaries.map((folder) => loadDictionary(folder)));
    const { path, manifest, equivalence, effect, warnings, ...figures } = await exportModel({
      ...options,
      runtime,
      model,
      edit: parseEdit(edit),
      dictionaries: new Map(loaded.map((dictionary) => [hashDictionary(dictionary), dictionary])),
      contexts: await readContexts(text, model),
      signal,
      onWork,
    });
    return { path, ...figures, id: manifest.id, files: manifest.files, equivalence, effect, warnings };
  },
});

export const verifyExport = defineTask({
  lane: 'long',
  input: v.object({ folder: v.string() }),
  run: async ({ folder }, { runtime, signal, onWork }) => {
    const { manifest, ...verification } = await verifyArtifact({ runtime, folder, signal, onWork });
    return { ...verification, id: manifest.id };
  },
});

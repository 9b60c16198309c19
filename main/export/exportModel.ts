// Exports a patched model as a folder that ONNX Runtime runs without us: graphs with the edit in them, weights, tokenizer,
// manifest and report. The folder appears under its name only after its models, loaded afresh, did what the workbench shows.
import { copyFile, constants, link } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { AppError, toAppError } from '../contract/errors.ts';
import type { OnWork } from '../contract/progress.ts';
import { hashDictionary, type Dictionary } from '../dictionaries/dictionary.ts';
import { canonicalEdit, editId, type Edit, type Operation } from '../edits/edit.ts';
import { fixEdit, type Dictionaries } from '../edits/editPatches.ts';
import { graphExactness } from '../edits/exactness.ts';
import { buildFolderAtomic, removeLeftovers, writeFileAtomic } from '../files/atomicWrite.ts';
import { toFileError } from '../files/fileError.ts';
import type { Model } from '../models/model.ts';
import { buildVariantGraph } from '../models/variant.ts';
import type { Runtime } from '../onnx/runtime.ts';
import { artifactFeeds } from './artifactFeeds.ts';
import { artifactReadme } from './artifactReadme.ts';
import { EQUIVALENCE_FILE, requireEquivalence, type EditEffect, type Equivalence } from './equivalence.ts';
import { heldOutText } from './heldOutText.ts';
import { describeFile, writeManifest, type Manifest, type ManifestFile } from './manifest.ts';
import {
  embeddedSize,
  LARGEST_ONNX_FILE,
  relocate,
  weightBytes,
  writeDataFile,
  writeEmbedded,
  writeGraph,
} from './onnxFile.ts';
import { REFERENCE_FILE, writeReference } from './reference.ts';
import { CACHED_MODEL_FILE, figures, MODEL_FILE } from './verifyArtifact.ts';
import { compareWithWorkbench } from './workbenchComparison.ts';

const DATA_FILE = 'model.onnx_data';
const README_FILE = 'README.md';
/** What is copied from the model's folder as it is, where it is there. */
const COMPANIONS = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'tokenizer.model',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'chat_template.jinja',
  'chat_template.json',
];

export type ExportForm = Manifest['form'];

export interface ExportOptions {
  readonly runtime: Runtime;
  readonly model: Model;
  readonly edit: Edit;
  /** By content hash: at least those of the edit. */
  readonly dictionaries: Dictionaries;
  /** `embedded`: the weights are copied into the artifact; `referenced`: they are the model's own files, linked. */
  readonly form: ExportForm;
  /** Must not exist; the folder above it must. */
  readonly folder: string;
  /** Held-out text as token ids; each context begins as the model's texts do. */
  readonly contexts: readonly ArrayLike<number>[];
  /** Of this program. */
  readonly toolVersion: string;
  /** Goes into the manifest: the version exported, its author … */
  readonly provenance?: Manifest['provenance'];
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
  /** Embedded weights that would make a longer .onnx file go to a data file beside it; for tests. */
  readonly largestFile?: number;
}

export interface ExportResult {
  readonly path: string;
  readonly manifest: Manifest;
  readonly equivalence: Equivalence;
  readonly effect: EditEffect;
  /** The figures of the command line. `kl` is the mean, in nats per position. */
  readonly maxAbsLogitDiff: number;
  readonly kl: number;
  readonly greedyAgreement: number;
  /** What a person should look at before using the artifact. */
  readonly warnings: readonly string[];
}

/**
 * @throws AppError `exists`, `not-found` (the folder above, a dictionary), `mismatch` (a dictionary of another model), `usage`,
 * `unknown-site`, `empty`, `disk-full`, `permission`, `cancelled`, `verification-failed`. Then nothing is left.
 */
export async function exportModel(options: ExportOptions): Promise<ExportResult> {
  const { model, dictionaries, form, toolVersion, provenance = {}, signal, onWork } = options;
  const path = resolve(options.folder);
  const edit = canonicalEdit(options.edit);
  const text = heldOutText(options.contexts, model.config);
  const modelHash = await model.hash(signal);
  const used = [...new Set(edit.operations.map(({ dictionary }) => dictionary))].sort();
  for (const hash of used) checkDictionaryFits(hash, dictionaries.get(hash), modelHash);
  const bosTokenId = await bosTokenIdOf(model);
  const fixed = fixEdit(edit, dictionaries, bosTokenId);
  await leftoversRemoved(dirname(path));

  return buildFolderAtomic(path, async (partial) => {
    const models = [false, true].map((cache) =>
      buildVariantGraph(model, { head: 'logits', patches: fixed.patches, cache }).toModelProto(),
    );
    const weights = form === 'embedded' ? writeOwnWeights : linkWeights;
    const written = await weights(partial, models, options);
    const companions = await copyCompanions(model.folder, partial);

    const { config } = model;
    const facts = {
      tool: { name: 'errata' as const, version: toolVersion },
      created: new Date().toISOString(),
      form,
      model: {
        hash: modelHash,
        type: config.modelType,
        vocabularySize: config.vocabularySize,
        layers: config.layers,
        keyValueHeads: config.keyValueHeads,
        headDim: config.headDim,
        bosTokenId,
      },
      dictionaries: used.map((hash) => {
        const { architecture, d, size, site } = dictionaryOf(hash, dictionaries);
        return { hash, architecture, d, size, site };
      }),
      edit: { id: editId(edit), operations: [...edit.operations] },
      exactness: edit.operations.map((operation) =>
        graphExactness(operation, dictionaryOf(operation.dictionary, dictionaries)),
      ),
      inputs: {
        promptLength: fixed.needsPromptLength,
        states: fixed.states.map(({ past, operations }) => ({ name: past.replace(/^past_/u, ''), operations })),
      },
      provenance,
    };
    const { equivalence, effect, reference } = await compareWithWorkbench(partial, {
      ...options,
      edit,
      bosTokenId,
      text,
      artifactFeeds: artifactFeeds(facts.inputs),
    });
    requireEquivalence(path, equivalence);
    const warnings = warningsOf(edit.operations, effect);

    await writeReference(join(partial, REFERENCE_FILE), reference);
    const report = { format: 'errata.equivalence.1', equivalence, effect, warnings };
    await writeFileAtomic(join(partial, EQUIVALENCE_FILE), `${JSON.stringify(report, null, 2)}\n`);
    await writeFileAtomic(join(partial, README_FILE), artifactReadme(facts, { equivalence, effect, warnings }));

    const files: ManifestFile[] = [];
    const listed = [
      ...written,
      ...companions,
      ...[REFERENCE_FILE, EQUIVALENCE_FILE, README_FILE].map((name) => ({ name, storage: 'own' as const })),
    ];
    for (const [done, { name, storage }] of listed.entries()) {
      onWork?.({ stage: 'Hashing the files', done, total: listed.length, unit: 'files' });
      files.push(await describeFile(partial, name, storage, signal));
    }
    const manifest = await writeManifest(partial, { ...facts, files });
    return { path, manifest, equivalence, effect, ...figures(equivalence), warnings };
  });
}

interface WrittenFile {
  readonly name: string;
  readonly storage: ManifestFile['storage'];
}

type ModelProtos = Parameters<typeof relocate>[0];

const GRAPH_FILES = [MODEL_FILE, CACHED_MODEL_FILE] as const;

/** Weights inside the .onnx files; where those would become too long, in one data file that both share. */
async function writeOwnWeights(
  folder: string,
  models: ModelProtos,
  { model, signal, onWork, largestFile = LARGEST_ONNX_FILE }: ExportOptions,
): Promise<WrittenFile[]> {
  const total = models.reduce((sum, proto) => sum + weightBytes(proto), 0);
  const report = (before: number) => (bytes: number) =>
    onWork?.({ stage: 'Writing the weights', done: before + bytes, total, unit: 'bytes' });
  const fits = models.every((proto) => embeddedSize(proto) <= largestFile);
  const copying = (before: number) => ({ ...(signal ? { signal } : {}), onBytes: report(before) });
  if (!fits) {
    await writeDataFile(folder, DATA_FILE, models, model.weightsFolder, copying(0));
    return [...(await writeGraphs(folder, models)), { name: DATA_FILE, storage: 'own' }];
  }
  let before = 0;
  for (const [index, proto] of models.entries()) {
    await writeEmbedded(join(folder, graphFile(index)), proto, model.weightsFolder, copying(before));
    before += weightBytes(proto);
  }
  return GRAPH_FILES.map((name) => ({ name, storage: 'own' }));
}

/**
 * The model's own weight files in the artifact, as hard links where the file system can. Not under their names: with
 * config.json beside a model.safetensors, other tools would load the unpatched model from here.
 */
async function linkWeights(
  folder: string,
  models: ModelProtos,
  { model, onWork }: ExportOptions,
): Promise<WrittenFile[]> {
  const written: WrittenFile[] = [];
  const names = new Map<string, string>();
  for (const [index, file] of model.weightFiles.entries()) {
    onWork?.({ stage: 'Linking the weights', done: index, total: model.weightFiles.length, unit: 'files' });
    const name = `original-weights-${index + 1}.safetensors`;
    names.set(relative(model.weightsFolder, file).split(sep).join('/'), name);
    written.push({ name, storage: await linkOrCopy(file, join(folder, name)) });
  }
  relocate(models, ({ location, offset }) => {
    const name = names.get(location);
    if (name === undefined) throw new AppError('internal', `The weights in ${location} were not linked.`);
    return { location: name, offset };
  });
  return [...(await writeGraphs(folder, models)), ...written];
}

async function writeGraphs(folder: string, models: ModelProtos): Promise<WrittenFile[]> {
  for (const [index, proto] of models.entries()) await writeGraph(join(folder, graphFile(index)), proto);
  return GRAPH_FILES.map((name) => ({ name, storage: 'own' }));
}

function graphFile(index: number): string {
  const name = GRAPH_FILES[index];
  if (name !== undefined) return name;
  throw new AppError('internal', 'An artifact has two graphs.');
}

/** Another file system, one without links, or one that forbids them. */
const NO_LINK = ['EXDEV', 'EPERM', 'EACCES', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

async function linkOrCopy(from: string, to: string): Promise<'link' | 'copy'> {
  try {
    await link(from, to);
    return 'link';
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    if (!NO_LINK.includes(code)) throw toFileError(thrown, basename(to));
  }
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
    return 'copy';
  } catch (thrown) {
    throw toFileError(thrown, basename(to));
  }
}

async function copyCompanions(from: string, to: string): Promise<WrittenFile[]> {
  const copied: WrittenFile[] = [];
  for (const name of COMPANIONS) {
    try {
      await copyFile(join(from, name), join(to, name), constants.COPYFILE_EXCL);
      copied.push({ name, storage: 'own' });
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code !== 'not-found') throw error;
    }
  }
  return copied;
}

async function leftoversRemoved(folder: string): Promise<void> {
  try {
    await removeLeftovers(folder);
  } catch (thrown) {
    throw toFileError(thrown, folder);
  }
}

function dictionaryOf(hash: string, dictionaries: Dictionaries): Dictionary {
  const dictionary = dictionaries.get(hash);
  if (dictionary) return dictionary;
  throw new AppError('not-found', `The edit needs the dictionary ${hash.slice(0, 10)}, which is not here.`, {
    details: { dictionary: hash },
  });
}

/** @throws AppError `not-found`, `mismatch` */
function checkDictionaryFits(hash: string, dictionary: Dictionary | undefined, modelHash: string): void {
  const found = dictionaryOf(hash, new Map(dictionary ? [[hash, dictionary]] : []));
  const actual = hashDictionary(found);
  if (actual !== hash) {
    throw new AppError(
      'mismatch',
      `The edit was made with the dictionary ${hash.slice(0, 10)}, but this one is ${actual.slice(0, 10)}.`,
      { details: { expected: hash, actual } },
    );
  }
  // A dictionary from elsewhere may not say what it was trained on.
  if (found.modelHash === '' || found.modelHash === modelHash) return;
  throw new AppError(
    'mismatch',
    `The dictionary ${hash.slice(0, 10)} was trained on the model ${found.modelHash.slice(0, 10)}, not on ${modelHash.slice(0, 10)}.`,
    { details: { expected: found.modelHash, actual: modelHash } },
  );
}

/** As corpora are packed with: the tokenizer's, which may know better than config.json. */
async function bosTokenIdOf(model: Model): Promise<number | null> {
  try {
    return (await model.tokenizer()).bosTokenId;
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'not-found') return model.config.bosTokenId;
    throw thrown;
  }
}

function warningsOf(operations: readonly Operation[], { logits }: EditEffect): string[] {
  if (operations.length === 0) return ['The edit has no operations: this is the original model.'];
  if (logits.maxAbsLogitDiff > 0) return [];
  return [
    `The edit changed nothing on the ${logits.positions} positions of held-out text: its features may never fire there, so the check says nothing about it.`,
  ];
}

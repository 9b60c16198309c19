// Exports a patched model as a folder that ONNX Runtime runs without us: graphs with the edit in them, weights, tokenizer,
// manifest and report. The folder appears under its name only after its models, loaded afresh, did what the workbench shows.
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { EQUIVALENCE_FORMAT, type EditEffect, type EquivalenceReport } from '../../contract/domain/equivalence.ts';
import { AppError } from '../../contract/base/errors.ts';
import type { OnWork } from '../../contract/base/progress.ts';
import { hashDictionary, type Dictionary } from '../dictionaries/dictionary.ts';
import { withThresholds, type FeatureThreshold } from '../dictionaries/featureThresholds.ts';
import { kindOf } from '../dictionaries/kinds/index.ts';
import { canonicalEdit, type Edit } from '../../contract/domain/edit.ts';
import { editId } from '../edits/edit.ts';
import type { Operation } from '../../contract/domain/operations/index.ts';
import { fixEdit, type Dictionaries } from '../edits/editPatches.ts';
import { graphExactness } from '../edits/exactness.ts';
import { buildFolderAtomic, removeLeftovers, writeFileAtomic } from '../files/atomicWrite.ts';
import { toFileError } from '../files/fileError.ts';
import type { Model } from '../models/model.ts';
import type { Runtime } from '../onnx/runtime.ts';
import { artifactReadme } from './artifactReadme.ts';
import { calibrationDistance, distanceText } from './calibrationDistance.ts';
import { requireEquivalence } from './equivalence.ts';
import { heldOutText } from './heldOutText.ts';
import { describeFile, writeManifest, type Manifest, type ManifestFile } from './manifest.ts';
import { EXPORT_FORMS, type ExportFormName } from './forms/index.ts';
import { CHECK_FILE, checkPython, checkWithPython } from './pythonCheck.ts';
import { REFERENCE_FILE, writeReference } from './reference.ts';
import { EQUIVALENCE_FILE } from './report.ts';
import { figures } from './verifyArtifact.ts';
import { compareWithWorkbench } from './workbenchComparison.ts';

const README_FILE = 'README.md';
const NO_THRESHOLDS: ReadonlyMap<string, readonly FeatureThreshold[]> = new Map();

export interface ExportOptions {
  readonly runtime: Runtime;
  readonly model: Model;
  readonly edit: Edit;
  /** By content hash: at least those of the edit. */
  readonly dictionaries: Dictionaries;
  /**
   * Thresholds in place of the competition of topk features, by the dictionary's hash, for all features that the edit reads: the
   * artifact, and what it is compared with, then need these features' rows only.
   */
  readonly thresholds?: ReadonlyMap<string, readonly FeatureThreshold[]>;
  readonly form: ExportFormName;
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
  /** A Python to check the artifact with, as a person will load it. What cannot be checked is reported, not refused. */
  readonly python?: string;
  /** Embedded weights that would make a longer .onnx file go to a data file beside it; for tests. */
  readonly largestFile?: number;
}

export interface ExportResult extends EquivalenceReport {
  readonly path: string;
  readonly manifest: Manifest;
  /** The figures of the command line. `kl` is the mean, in nats per position. */
  readonly maxAbsLogitDiff: number;
  readonly kl: number;
  readonly greedyAgreement: number;
}

/**
 * Builds the artifact and gives it its name once it is verified.
 * @throws AppError `exists`, `not-found` (the folder above, a dictionary, a file of the weights), `mismatch` (a dictionary of another model), `usage`,
 * `unknown-site`, `empty`, `disk-full`, `permission`, `cancelled`, `verification-failed`. Then nothing is left.
 */
export async function exportModel(options: ExportOptions): Promise<ExportResult> {
  const path = resolve(options.folder);
  await leftoversRemoved(dirname(path));
  await checkWeightsAreThere(options.model.weightFiles);
  return buildFolderAtomic(path, (partial) => writeArtifact(partial, options));
}

/** A checkpoint's folder may have gone since the model was opened: said of its file, not of the artifact's. */
async function checkWeightsAreThere(files: readonly string[]): Promise<void> {
  for (const file of files) {
    try {
      await stat(file);
    } catch (thrown) {
      throw toFileError(thrown, file);
    }
  }
}

/**
 * Fills the empty folder `partial` and verifies what is in it; `options.folder` is what it will be called.
 * @throws AppError as exportModel. What is in the folder then is of no use.
 */
export async function writeArtifact(partial: string, options: ExportOptions): Promise<ExportResult> {
  const { runtime, model, toolVersion, provenance = {}, python, signal, onWork } = options;
  const { thresholds = NO_THRESHOLDS } = options;
  const form = EXPORT_FORMS[options.form];
  const path = resolve(options.folder);
  const edit = canonicalEdit(options.edit);
  const text = heldOutText(options.contexts, model.config);
  const modelHash = await model.hash(signal);
  const used = [...new Set(edit.operations.map(({ dictionary }) => dictionary))].sort();
  for (const hash of used) checkDictionaryFits(hash, options.dictionaries.get(hash), modelHash);
  const dictionaries = calibrated(options.dictionaries, thresholds);
  const bosTokenId = await bosTokenIdOf(model);
  const fixed = fixEdit(edit, dictionaries, bosTokenId);
  const written = await form.write(partial, { ...options, dictionaries, edit, fixed, bosTokenId });

  const { config } = model;
  const facts = {
    tool: { name: 'errata' as const, version: toolVersion },
    created: new Date().toISOString(),
    form: form.name,
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
      const { architecture, d, size, site } = dictionaryOf(hash, options.dictionaries);
      return { hash, architecture, d, size, site };
    }),
    edit: { id: editId(edit), operations: [...edit.operations] },
    exactness: edit.operations.map(
      (operation) =>
        written.exactness ??
        graphExactness(
          operation,
          dictionaryOf(operation.dictionary, options.dictionaries),
          thresholds.get(operation.dictionary),
        ),
    ),
    inputs: written.inputs,
    provenance,
  };
  const { reference, ...compared } = await compareWithWorkbench({
    ...options,
    dictionaries,
    edit,
    bosTokenId,
    text,
    compiled: written.compiled,
    artifact: await form.open(runtime, partial, facts),
  });
  requireEquivalence(path, compared.equivalence);
  const formula =
    (await form.check?.(partial, { ...options, dictionaries, edit, bosTokenId, contexts: text.contexts })) ?? null;
  await writeReference(join(partial, REFERENCE_FILE), reference);
  await writeFileAtomic(join(partial, CHECK_FILE), checkPython(form.checkModel));
  onWork?.({ stage: 'Checking with Python', done: 0, total: null, unit: 'files' });
  const warnings = warningsOf(edit.operations, compared.effect);
  if (thresholds.size > 0) {
    const pair = { exact: options.dictionaries, calibrated: dictionaries };
    warnings.push(distanceText(await calibrationDistance({ ...options, ...pair, edit, bosTokenId, text })));
  }
  const { tolerance } = compared.equivalence;
  const report: EquivalenceReport = {
    ...compared,
    formula,
    python:
      python === undefined
        ? { state: 'notChecked', reason: 'It was not asked for.' }
        : await checkWithPython(partial, python, { tolerance, ...(signal ? { signal } : {}) }),
    warnings,
    notes: written.notes,
  };

  const json = JSON.stringify({ format: EQUIVALENCE_FORMAT, ...report }, null, 2);
  await writeFileAtomic(join(partial, EQUIVALENCE_FILE), `${json}\n`);
  await writeFileAtomic(join(partial, README_FILE), artifactReadme(form, facts, report));

  const files: ManifestFile[] = [];
  const listed = [
    ...written.files,
    ...[REFERENCE_FILE, CHECK_FILE, EQUIVALENCE_FILE, README_FILE].map((name) => ({ name, storage: 'own' as const })),
  ];
  for (const [done, { name, storage }] of listed.entries()) {
    onWork?.({ stage: 'Hashing the files', done, total: listed.length, unit: 'files' });
    files.push(await describeFile(partial, name, storage, signal));
  }
  const manifest = await writeManifest(partial, { ...facts, files });
  return { path, manifest, ...report, ...figures(report.equivalence) };
}

export async function leftoversRemoved(folder: string): Promise<void> {
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

/** Under their own hashes, those that have thresholds with these in place of the competition. */
function calibrated(
  dictionaries: Dictionaries,
  thresholds: ReadonlyMap<string, readonly FeatureThreshold[]>,
): Dictionaries {
  return new Map(
    [...dictionaries].map(([hash, dictionary]) => {
      const own = thresholds.get(hash);
      return [hash, own && kindOf(dictionary).competes ? withThresholds(dictionary, own) : dictionary];
    }),
  );
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

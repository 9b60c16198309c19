// The dictionaries of a project: dictionaries/<name>/, trained here (run.json; finished or still in training) or imported
// (import.json).
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as v from 'valibot';
import { MANIFEST_FILE, readManifest } from '../core/activations/manifest.ts';
import { AppError } from '../contract/base/errors.ts';
import { hashSchema } from '../contract/base/fields.ts';
import { validate } from '../contract/base/validate.ts';
import type { DictionaryKind } from '../core/dictionaries/kinds/index.ts';
import { IMPORT_FILE, readImportRecord, type ImportRecord } from '../core/dictionaries/importRecord.ts';
import { CONFIG_FILE } from '../core/dictionaries/saeLens.ts';
import { EVALUATION_FILE, readRun, RUN_FILE } from '../core/dictionaries/train.ts';
import type { TrainingConfig } from '../core/dictionaries/trainingConfig.ts';
import type { Project } from '../storage/project/project.ts';
import { KeptReadings } from './keptReadings.ts';
import { findModelByHash, modelInput } from './models.ts';
import { brokenLine, existingFolder, folderOf, namesOf, readEach, type BrokenFolder } from './projectFolder.ts';
import type { Workbench } from './workbench.ts';
import { readJsonIfThere } from '../core/files/json.ts';

const evaluationEntries = {
  hash: hashSchema,
  fvu: v.number(),
  l0: v.number(),
  deadFraction: v.number(),
  tokens: v.number(),
  lossRecovered: v.nullable(v.number()),
  /** Left out in what older programs measured, which counted them. */
  outliers: v.exactOptional(v.number()),
};
/** Of evaluation.json, what lists need: it stays in memory, so the firing rates of all features are left out. */
const evaluationSchema = v.object({
  ...evaluationEntries,
  ceOriginal: v.exactOptional(v.number()),
  ceReconstructed: v.exactOptional(v.number()),
  ceZero: v.exactOptional(v.number()),
  tokensPerSecond: v.exactOptional(v.number()),
});
const wholeEvaluationSchema = v.object({
  ...evaluationEntries,
  ceOriginal: v.number(),
  ceReconstructed: v.number(),
  ceZero: v.number(),
  /** Of training: left out where it was made elsewhere. */
  trainedTokens: v.exactOptional(v.number()),
  tokensPerSecond: v.exactOptional(v.number()),
  seconds: v.exactOptional(v.number()),
  /** `[size]`: the share of `tokens` on which each feature fires. */
  firingRates: v.array(v.number()),
});

interface DictionaryFacts {
  readonly name: string;
  readonly folder: string;
  /** 'unfinished': training was interrupted or is going on. */
  readonly state: 'finished' | 'unfinished';
  readonly architecture: DictionaryKind;
  readonly d: number;
  readonly size: number;
  /** Null where features do not compete. */
  readonly k: number | null;
  readonly site: string;
  readonly model: { readonly name: string; readonly hash: string };
  /** Its content hash, by which edits and labels know it; null until training has finished. */
  readonly hash: string | null;
  /** Null until it has been measured. */
  readonly quality: Readonly<v.InferOutput<typeof evaluationSchema>> | null;
}

/** A run, and what became of it. */
export interface TrainedDictionary extends DictionaryFacts {
  readonly origin: 'training';
  readonly steps: number;
  readonly store: string;
  readonly heldOutFraction: number;
}

/** Made elsewhere. */
export interface ImportedDictionary extends DictionaryFacts {
  readonly origin: 'import';
  readonly record: ImportRecord;
}

export type ProjectDictionary = TrainedDictionary | ImportedDictionary;

/** One of them makes a folder a dictionary's. */
const MARKERS = [RUN_FILE, IMPORT_FILE];

const readings = new KeptReadings<{
  readonly source: { readonly run: Awaited<ReturnType<typeof readRun>> } | { readonly imported: ImportRecord };
  readonly quality: ProjectDictionary['quality'];
}>();

async function readDictionary(folder: string, name: string): Promise<ProjectDictionary> {
  const evaluation = join(folder, EVALUATION_FILE);
  const files = [...MARKERS.map((marker) => join(folder, marker)), evaluation];
  const { source, quality } = await readings.get(files, async () => ({
    source: (await isThere(join(folder, IMPORT_FILE)))
      ? { imported: await readImportRecord(folder) }
      : { run: await readRun(folder) },
    quality: await readEvaluation(evaluation),
  }));
  if ('imported' in source) {
    const { architecture, d, size, k, site, model, hash } = source.imported;
    const facts = { name, folder, architecture, d, size, k, site, model, hash, quality };
    return { origin: 'import', state: 'finished', ...facts, record: source.imported };
  }
  const { config, site, store, model, heldOutFraction } = source.run;
  const { architecture, d, size, k, steps } = config;
  const state = quality ? 'finished' : 'unfinished';
  const hash = quality?.hash ?? null;
  const facts = { name, folder, state, architecture, d, size, k, site, model, hash, quality } as const;
  return { origin: 'training', ...facts, steps, store: await storeNow(folder, store), heldOutFraction };
}

/** A project can be moved or copied as a whole: then its store is no longer where it was, but beside the dictionary again. */
async function storeNow(dictionary: string, store: string): Promise<string> {
  const beside = join(dictionary, '../../activations', basename(store));
  return !(await isThere(store)) && (await isThere(beside)) ? beside : store;
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * The activations that a dictionary was trained on, where nothing else will do: part of them was held out.
 * @param next what to do where there are none, a sentence.
 * @throws AppError `not-found`.
 */
export async function requireTrainingStore(
  dictionary: ProjectDictionary,
  next: string,
): Promise<{ readonly folder: string; readonly heldOutFraction: number }> {
  const { name } = dictionary;
  if (dictionary.origin === 'import') {
    throw new AppError(
      'not-found',
      `${name} was imported: the project has no text that its training held out. ${next}`,
      {
        details: { dictionary: name },
      },
    );
  }
  const { store, heldOutFraction } = dictionary;
  if (await isThere(join(store, MANIFEST_FILE))) return { folder: store, heldOutFraction };
  throw new AppError(
    'not-found',
    `The activations that ${name} was trained on (${basename(store)}) are not in the project. ${next}`,
    { details: { dictionary: name } },
  );
}

async function readEvaluation(path: string): Promise<ProjectDictionary['quality']> {
  const parsed = await readJsonIfThere(path);
  return parsed === null ? null : validate(evaluationSchema, parsed, path, 'invalid-file');
}

type WholeEvaluation = v.InferOutput<typeof wholeEvaluationSchema>;

interface TrainingDetails {
  readonly config: TrainingConfig;
  readonly contextLength: number | null;
  /** Of the corpus, the hash by which the store names it. */
  readonly corpus: string | null;
}

/** What the page of a trained dictionary tells beyond what lists do. @throws AppError `invalid-file`. */
export async function readTrainingDetails({ folder, store }: TrainedDictionary): Promise<TrainingDetails> {
  const { config } = await readRun(folder);
  const manifest = await readManifest(store).catch(() => null); // the store may have been deleted since
  return { config, contextLength: manifest?.contextLength ?? null, corpus: manifest?.corpus ?? null };
}

/** All that was measured; null until then. @throws AppError `invalid-file`. */
export async function readWholeEvaluation({ folder }: ProjectDictionary): Promise<WholeEvaluation | null> {
  const path = join(folder, EVALUATION_FILE);
  const parsed = await readJsonIfThere(path);
  return parsed === null ? null : validate(wholeEvaluationSchema, parsed, path, 'invalid-file');
}

export function readDictionaries(project: string) {
  const read = (name: string) => readDictionary(folderOf(project, 'dictionaries', name), name);
  return readEach(project, 'dictionaries', MARKERS, read);
}

/** The sentence for an edit whose dictionary is not here, or is in a folder that cannot be read. */
export function noDictionary(hash: string, broken: readonly BrokenFolder[]): string {
  const missing = `The project has no dictionary with the hash ${hash.slice(0, 12)}…, which the edit names.`;
  return [missing, ...broken.map(brokenLine)].join(' ');
}

/** Those that can be read. */
export async function listDictionaries({ project }: Pick<Workbench, 'project'>): Promise<readonly ProjectDictionary[]> {
  return (await readDictionaries(project.folder)).found;
}

/** @throws AppError `not-found`, `invalid-file`. */
export async function findDictionary({ project }: Workbench, name: string): Promise<ProjectDictionary> {
  return readDictionary(await existingFolder(project.folder, 'dictionaries', name, MARKERS), name);
}

/** A dictionary that can be used. @throws AppError `conflict` while its training has not finished. */
export async function findFinishedDictionary(workbench: Workbench, name: string): Promise<ProjectDictionary> {
  const dictionary = await findDictionary(workbench, name);
  if (dictionary.state === 'finished') return dictionary;
  throw new AppError(
    'conflict',
    `The training of ${name} has not finished. errata train ${name} --resume continues it.`,
  );
}

/** The features that fire on a text, the strongest first. */
export async function topFeatures(
  workbench: Workbench,
  { dictionary: name, text, count }: { readonly dictionary: string; readonly text: string; readonly count: number },
  signal: AbortSignal,
) {
  const { project, compute } = workbench;
  const dictionary = await findFinishedDictionary(workbench, name);
  const model = await findModelByHash(project.folder, dictionary.model.hash);
  return compute(
    'feature.top',
    { model: await modelInput(project.folder, model), folder: dictionary.folder, text, count },
    { signal },
  );
}

/** Lists in the project's catalog what lies finished in its folders. */
export async function catalogueDictionaries(project: Project): Promise<void> {
  const saved = new Set(await namesOf(project.folder, 'dictionaries', CONFIG_FILE));
  for (const { name, hash, ...facts } of await listDictionaries({ project })) {
    if (!saved.has(name) || project.catalog.find('dictionary', name)) continue;
    // The same training twice gives the same dictionary; it is known by its first name.
    if (hash === null || project.catalog.find('dictionary', hash)) continue;
    const { architecture, d, size, k, site, model } = facts;
    project.catalog.put({
      kind: 'dictionary',
      id: hash,
      name,
      folder: `dictionaries/${name}`,
      manifest: { architecture, d, size, k, site, model },
      created: new Date().toISOString(),
    });
  }
}

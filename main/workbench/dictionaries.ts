// The dictionaries of a project: dictionaries/<name>/, finished or still in training.
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as v from 'valibot';
import { MANIFEST_FILE, readManifest } from '../core/activations/manifest.ts';
import { AppError } from '../contract/base/errors.ts';
import { hashSchema } from '../contract/base/fields.ts';
import { validate } from '../contract/base/validate.ts';
import type { DictionaryKind } from '../core/dictionaries/kinds/index.ts';
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
  trainedTokens: v.number(),
  tokensPerSecond: v.number(),
  seconds: v.number(),
  /** `[size]`: the share of `tokens` on which each feature fires. */
  firingRates: v.array(v.number()),
});

/** A run, and what became of it. */
export interface ProjectDictionary {
  readonly name: string;
  readonly folder: string;
  /** 'unfinished': training was interrupted or is going on. */
  readonly state: 'finished' | 'unfinished';
  readonly architecture: DictionaryKind;
  readonly d: number;
  readonly size: number;
  readonly k: number;
  readonly steps: number;
  readonly site: string;
  readonly store: string;
  readonly heldOutFraction: number;
  readonly model: { readonly name: string; readonly hash: string };
  /** Null until training has finished. */
  readonly quality: Readonly<v.InferOutput<typeof evaluationSchema>> | null;
}

const runs = new KeptReadings<{
  readonly run: Awaited<ReturnType<typeof readRun>>;
  readonly quality: ProjectDictionary['quality'];
}>();

async function readDictionary(folder: string, name: string): Promise<ProjectDictionary> {
  const evaluation = join(folder, EVALUATION_FILE);
  const { run, quality } = await runs.get([join(folder, RUN_FILE), evaluation], async () => ({
    run: await readRun(folder),
    quality: await readEvaluation(evaluation),
  }));
  const { config, site, store, model, heldOutFraction } = run;
  const { architecture, d, size, k, steps } = config;
  const state = quality ? 'finished' : 'unfinished';
  const place = { name, folder, store: await storeNow(folder, store) };
  return { ...place, state, architecture, d, size, k, steps, site, heldOutFraction, model, quality };
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
 * @param next what to do where they are missing, a sentence.
 * @throws AppError `not-found`.
 */
export async function requireTrainingStore({ name, store }: ProjectDictionary, next: string): Promise<string> {
  if (await isThere(join(store, MANIFEST_FILE))) return store;
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

export interface DictionaryDetails {
  readonly config: TrainingConfig;
  readonly contextLength: number | null;
  /** Of the corpus, the hash by which the store names it. */
  readonly corpus: string | null;
  /** Null until training has finished. */
  readonly evaluation: v.InferOutput<typeof wholeEvaluationSchema> | null;
}

/** What a dictionary's page tells beyond what lists do. @throws AppError `invalid-file`. */
export async function readDictionaryDetails({ folder, store }: ProjectDictionary): Promise<DictionaryDetails> {
  const { config } = await readRun(folder);
  const path = join(folder, EVALUATION_FILE);
  const parsed = await readJsonIfThere(path);
  const manifest = await readManifest(store).catch(() => null); // the store may have been deleted since
  return {
    config,
    contextLength: manifest?.contextLength ?? null,
    corpus: manifest?.corpus ?? null,
    evaluation: parsed === null ? null : validate(wholeEvaluationSchema, parsed, path, 'invalid-file'),
  };
}

export function readDictionaries(project: string) {
  const read = (name: string) => readDictionary(folderOf(project, 'dictionaries', name), name);
  return readEach(project, 'dictionaries', RUN_FILE, read);
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
  return readDictionary(await existingFolder(project.folder, 'dictionaries', name, RUN_FILE), name);
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
    { model: modelInput(project.folder, model), folder: dictionary.folder, text, count },
    { signal },
  );
}

/** Lists in the project's catalog what lies finished in its folders. */
export async function catalogueDictionaries(project: Project): Promise<void> {
  const saved = new Set(await namesOf(project.folder, 'dictionaries', CONFIG_FILE));
  for (const { name, quality, ...facts } of await listDictionaries({ project })) {
    if (!saved.has(name) || project.catalog.find('dictionary', name)) continue;
    // The same training twice gives the same dictionary; it is known by its first name.
    if (!quality || project.catalog.find('dictionary', quality.hash)) continue;
    const { architecture, d, size, k, site, model } = facts;
    project.catalog.put({
      kind: 'dictionary',
      id: quality.hash,
      name,
      folder: `dictionaries/${name}`,
      manifest: { architecture, d, size, k, site, model },
      created: new Date().toISOString(),
    });
  }
}

// Lists of a dictionary's features, out of the project's rows. A dictionary whose statistics have not been computed is listed
// by what its evaluation measured, the firing rates: browsing and labelling need nothing more to begin with.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../contract/base/errors.ts';
import { EVALUATION_FILE } from '../core/dictionaries/train.ts';
import type { FeatureQuery } from '../storage/entities/featureQuery.ts';
import type { FeatureRow } from '../storage/entities/features.ts';
import type { Project } from '../storage/project/project.ts';
import { findFinishedDictionary, readWholeEvaluation, type ProjectDictionary } from './dictionaries.ts';
import { folderOf } from './projectFolder.ts';
import type { Workbench } from './workbench.ts';

interface Known {
  readonly mtimeMs: number;
  readonly hash: string;
}

/** A list is asked for at every key press; the evaluation of a large dictionary takes longer to read than a list does. */
const hashes = new WeakMap<Project, Map<string, Known>>();
/** Dictionaries that are being listed by their rates right now. */
const underWay = new WeakMap<Project, Map<string, Promise<void>>>();

function ofProject<T>(maps: WeakMap<Project, Map<string, T>>, project: Project): Map<string, T> {
  const map = maps.get(project) ?? new Map<string, T>();
  maps.set(project, map);
  return map;
}

/** The content hash of a dictionary whose features are listed. @throws AppError `not-found`, `conflict` in training. */
export async function listedHash(workbench: Workbench, name: string): Promise<string> {
  const { project } = workbench;
  const known = ofProject(hashes, project);
  const path = join(folderOf(project.folder, 'dictionaries', name), EVALUATION_FILE);
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: -1 }));
  const before = known.get(name);
  if (before?.mtimeMs === mtimeMs && project.features.folder(before.hash) !== null) return before.hash;
  const dictionary = await findFinishedDictionary(workbench, name);
  const hash = dictionary.hash;
  if (hash === null) throw new AppError('internal', `${name} is finished, but has no hash.`);
  if (project.features.folder(hash) === null) {
    const listing = ofProject(underWay, project);
    const work = listing.get(hash) ?? listByRates(project, dictionary, hash).finally(() => listing.delete(hash));
    listing.set(hash, work);
    await work;
  }
  known.set(name, { mtimeMs, hash });
  return hash;
}

async function listByRates(project: Project, dictionary: ProjectDictionary, hash: string): Promise<void> {
  if (project.isReadOnly) {
    throw new AppError('not-found', `The features of ${dictionary.name} have no statistics yet.`);
  }
  const evaluation = await readWholeEvaluation(dictionary);
  const tokens = evaluation?.tokens ?? 0;
  const rows = Array.from({ length: dictionary.size }, (_, feature): FeatureRow => {
    const rate = evaluation?.firingRates[feature] ?? 0;
    const unknown = { mean: null, lastRate: null, entropy: null, topEffect: null, nearest: null };
    return { feature, firings: Math.round(rate * tokens), rate, ...unknown, max: 0, impact: rate };
  });
  const manifest = { by: 'firing rates of the evaluation', tokens };
  async function* noTexts() {
    // nothing has been read yet
  }
  await project.features.replace({ dictionary: hash, folder: '', manifest }, rows, [], noTexts());
}

/** @param query the dictionary by its name */
export async function listFeatures(
  workbench: Workbench,
  { dictionary, ...query }: FeatureQuery,
  page: { readonly offset?: number; readonly limit?: number } = {},
) {
  const hash = await listedHash(workbench, dictionary);
  return workbench.project.features.list({ ...query, dictionary: hash }, page);
}

/** The features of a whole list, in its order: for bulk changes and for the map. */
export async function selectFeatures(workbench: Workbench, { dictionary, ...query }: FeatureQuery) {
  const hash = await listedHash(workbench, dictionary);
  return workbench.project.features.features({ ...query, dictionary: hash });
}

/** Where in a list a feature stands, from 0; null when it is not in it. */
export async function featurePosition(workbench: Workbench, { dictionary, ...query }: FeatureQuery, feature: number) {
  const hash = await listedHash(workbench, dictionary);
  return workbench.project.features.position({ ...query, dictionary: hash }, feature);
}

/** `[size]`: the state of every feature, as its index in LABEL_STATES. */
export async function featureStates(workbench: Workbench, dictionary: string): Promise<Uint8Array<ArrayBuffer>> {
  return workbench.project.features.stateIndices(await listedHash(workbench, dictionary));
}

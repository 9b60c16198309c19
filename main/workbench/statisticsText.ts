// What the statistics of a dictionary can be counted over, and the choice that is made where none was given: one rule for the
// window and the command line. Activations are known by model and site, never by their names.
import { basename, resolve } from 'node:path';
import { readManifest, totalRows } from '../core/activations/manifest.ts';
import { AppError, toAppError } from '../contract/base/errors.ts';
import { STATISTICS_CONTEXTS } from '../contract/domain/statisticsSettings.ts';
import { listStores } from './activations.ts';
import { corpusPath, listCorpora } from './corpora.ts';
import type { ProjectDictionary } from './dictionaries.ts';
import { folderOf } from './projectFolder.ts';
import type { Workbench } from './workbench.ts';

interface Activations {
  readonly from: 'activations';
  readonly name: string;
  readonly folder: string;
  readonly tokens: number;
  /** The dictionary was trained on them. */
  readonly isTrainedOn: boolean;
}
type StatisticsText = Activations | { readonly from: 'corpus'; readonly name: string; readonly bytes: number };

interface StatisticsTexts {
  /** The best first: activations that it was trained on, others of its site, corpora. */
  readonly texts: readonly StatisticsText[];
  /** Null where there are none, or only corpora that are kept apart for choosing and judging edits. */
  readonly preferred: StatisticsText | null;
}

/** All texts at hand that the statistics of a dictionary can be over. */
export async function statisticsTexts(workbench: Workbench, dictionary: ProjectDictionary): Promise<StatisticsTexts> {
  const trainedOn = await trainingStore(dictionary);
  const stores = await storesOfSite(workbench, dictionary);
  const others = stores.filter(({ folder }) => folder !== trainedOn?.folder);
  const corpora = await listCorpora(workbench);
  const texts: readonly StatisticsText[] = [
    ...(trainedOn ? [trainedOn] : []),
    ...others,
    ...corpora.map(({ name, bytes }) => ({ from: 'corpus' as const, name, bytes })),
  ];
  const [first] = texts;
  const isApart = first?.from === 'corpus' && corpora[0]?.isTraining !== true;
  return { texts, preferred: first === undefined || isApart ? null : first };
}

/** Null: it is not there any more, as after a project was made of the sample, or it is of something else by now. */
async function trainingStore(dictionary: ProjectDictionary): Promise<Activations | null> {
  if (dictionary.origin === 'import') return null;
  const { store, site, model } = dictionary;
  try {
    const manifest = await readManifest(store);
    if (manifest.site !== site || manifest.model !== model.hash) return null;
    const tokens = totalRows(manifest);
    return { from: 'activations', name: basename(store), folder: resolve(store), tokens, isTrainedOn: true };
  } catch (thrown) {
    if (toAppError(thrown).code === 'not-found') return null;
    throw thrown;
  }
}

/** Whole stores of the dictionary's model and site, the largest first. */
async function storesOfSite(workbench: Workbench, { site, model }: ProjectDictionary): Promise<Activations[]> {
  const stores = (await listStores(workbench)).filter(
    (store) => store.site === site && store.model === model.hash && store.fraction === 1,
  );
  const largestFirst = stores.toSorted((a, b) => b.tokens - a.tokens || (a.name < b.name ? -1 : 1));
  return largestFirst.map(({ name, tokens }) => {
    const folder = resolve(folderOf(workbench.project.folder, 'activations', name));
    return { from: 'activations', name, folder, tokens, isTrainedOn: false };
  });
}

interface ChosenText {
  readonly activations?: string;
  readonly corpus?: string;
  readonly maxContexts?: number;
}

/**
 * A request that names its text: as it came where it does, else with the preferred text. Activations of the training are
 * named by nothing, since they may lie outside of the project.
 * @throws AppError `not-found` where there is nothing to prefer.
 */
export async function withText<Request extends ChosenText>(
  workbench: Workbench,
  dictionary: ProjectDictionary,
  request: Request,
): Promise<Request> {
  if (request.activations !== undefined || request.corpus !== undefined) return request;
  const { preferred } = await statisticsTexts(workbench, dictionary);
  if (preferred === null) throw nothingToCountOver(dictionary);
  if (preferred.from === 'activations')
    return preferred.isTrainedOn ? request : { ...request, activations: preferred.name };
  const { maxContexts = STATISTICS_CONTEXTS } = request;
  return { ...request, corpus: await corpusPath(workbench, preferred.name), maxContexts };
}

function nothingToCountOver(dictionary: ProjectDictionary): AppError {
  const { name, site, model } = dictionary;
  const trainedOn =
    dictionary.origin === 'training'
      ? `neither the activations that it was trained on (${basename(dictionary.store)}), nor others of`
      : 'neither activations of';
  return new AppError(
    'not-found',
    `There is no text for the statistics of ${name}: the project has ${trainedOn} ${model.name} at ${site}, nor training text in corpora/. ` +
      `Name a text: errata feature stats ${name} --corpus texts.jsonl`,
    { details: { dictionary: name } },
  );
}

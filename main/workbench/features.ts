// The features of a project's dictionaries: their statistics (dictionaries/<name>/statistics-…/, and rows to list them by),
// pages, texts tried on them, suggestions. Labels are written elsewhere; nothing here changes one.
import { basename, resolve } from 'node:path';
import * as v from 'valibot';
import type { FeaturePage, NeighbourFeature } from '../contract/domain/featurePage.ts';
import { AppError, toAppError } from '../contract/base/errors.ts';
import { requestEntries } from '../contract/base/setting.ts';
import { STATISTICS_CONTEXT_LENGTH, statisticsSettings } from '../contract/domain/statisticsSettings.ts';
import type { Label } from '../contract/domain/label.ts';
import { openStatistics, type StatisticsReader } from '../core/features/statisticsReader.ts';
import { suggestLabels } from '../core/labels/suggestLabel.ts';
import { realPathInside } from '../core/files/insideFolder.ts';
import type { JobContext } from '../jobs/runJob.ts';
import type { StoredComment } from '../storage/entities/labels.ts';
import { findStore } from './activations.ts';
import { findFinishedDictionary, requireTrainingStore } from './dictionaries.ts';
import { featureRow, listStatistics, type StatisticsSummary } from './listStatistics.ts';
import { findModelByHash, modelInput } from './models.ts';
import { withText } from './statisticsText.ts';
import { jobKind, runToEnd } from './jobKind.ts';
import type { Workbench } from './workbench.ts';

/** Where the text of a stored request is no longer there. */
const NAME_A_TEXT = 'Name a text: --activations STORE or --corpus texts.jsonl.';

const statisticsRequestSchema = v.object({
  /** Names of the dictionary, and of a store; or the path of a corpus. Neither: what statisticsText.ts prefers. */
  dictionary: v.string(),
  activations: v.exactOptional(v.string()),
  corpus: v.exactOptional(v.string()),
  ...requestEntries(statisticsSettings),
});
export type StatisticsRequest = v.InferOutput<typeof statisticsRequestSchema>;

/**
 * A request with its text, chosen where none was given: now, so that a job that stopped goes on with the same text.
 * @throws AppError `not-found`, `conflict` for the dictionary; `not-found` where there is no text; `usage` for two.
 */
export async function statisticsRequest(workbench: Workbench, request: StatisticsRequest): Promise<StatisticsRequest> {
  if (request.corpus !== undefined && request.activations !== undefined) {
    throw new AppError('usage', 'Statistics are over captured activations or over a corpus, not over both.');
  }
  const dictionary = await findFinishedDictionary(workbench, request.dictionary);
  const { corpus, ...rest } = request;
  return withText(workbench, dictionary, corpus === undefined ? rest : { ...rest, corpus: resolve(corpus) });
}

/**
 * Computes the statistics of all features of a dictionary, or goes on with what stopped, and lists the features by them.
 * @throws AppError as computeStatistics does.
 */
export async function computeFeatureStatistics(
  workbench: Workbench,
  request: StatisticsRequest,
  signal: AbortSignal,
): Promise<StatisticsSummary> {
  return runToEnd(workbench, statisticsJob, await statisticsRequest(workbench, request), { signal });
}

async function runStatistics(
  workbench: Workbench,
  request: StatisticsRequest,
  context: JobContext,
): Promise<StatisticsSummary> {
  const { project, compute } = workbench;
  const dictionary = await findFinishedDictionary(workbench, request.dictionary);
  const model = await findModelByHash(project.folder, dictionary.model.hash);
  // Again for a job that an older program described, or whose activations have been deleted since.
  const chosen = await statisticsRequest(workbench, request);
  const { corpus, activations, field, textDocuments, contextLength, maxContexts } = chosen;
  const limit = maxContexts === undefined ? {} : { maxContexts };
  const text =
    corpus === undefined
      ? {
          from: 'store' as const,
          folder:
            activations === undefined
              ? (await requireTrainingStore(dictionary, NAME_A_TEXT)).folder
              : await findStore(workbench, activations),
          ...limit,
        }
      : {
          from: 'corpus' as const,
          path: corpus,
          ...(field === undefined ? {} : { field }),
          ...(textDocuments === undefined ? {} : { textDocuments }),
          contextLength: contextLength ?? Math.min(STATISTICS_CONTEXT_LENGTH, model.contextLength),
          ...limit,
        };
  const { folder } = await compute(
    'feature.statistics',
    { model: await modelInput(project.folder, model), folder: dictionary.folder, text, parent: dictionary.folder },
    context,
  );
  return listStatistics(project, dictionary, folder, context);
}

export const statisticsJob = jobKind({
  name: 'statistics',
  request: statisticsRequestSchema,
  title: ({ dictionary }) => `Statistics of ${dictionary}`,
  subject: ({ dictionary }) => dictionary,
  run: runStatistics,
  canPause: true,
  changes: ['features'],
});

/** Opens the statistics that a dictionary's features are listed by, for as long as `use` takes. */
export async function withStatistics<T>(
  workbench: Workbench,
  dictionary: string,
  use: (reader: StatisticsReader, hash: string) => Promise<T>,
): Promise<T> {
  const { project } = workbench;
  const { folder, hash } = await findFinishedDictionary(workbench, dictionary);
  const listed = hash && project.features.folder(hash);
  if (!hash || !listed) throw noStatistics(dictionary);
  const path = await realPathInside(folder, basename(listed), 'The project').catch((thrown: unknown) => {
    if (toAppError(thrown).code === 'not-found') throw noStatistics(dictionary);
    throw thrown;
  });
  const reader = await openStatistics(path);
  try {
    if (reader.manifest.plan.dictionary !== hash) {
      throw new AppError('mismatch', `${path}: these statistics are of another dictionary than ${dictionary}.`);
    }
    return await use(reader, hash);
  } finally {
    await reader.close();
  }
}

function noStatistics(dictionary: string): AppError {
  return new AppError(
    'not-found',
    `The features of ${dictionary} have no statistics yet. errata feature stats ${dictionary} computes them.`,
    { details: { dictionary } },
  );
}

/** How many features are in each state of labelling, and what their statistics are over; null without statistics. */
export async function describeFeatures(workbench: Workbench, dictionary: string) {
  const { hash } = await findFinishedDictionary(workbench, dictionary);
  const set = hash && workbench.project.features.set(hash);
  if (!hash || !set || set.folder === '') return null;
  return withStatistics(workbench, dictionary, async ({ manifest }, hash) => {
    const { size, contexts, tokens, outliers, documentEnds, plan, vocabularySize, effects } = manifest;
    return {
      dictionary,
      hash,
      ...{ size, contexts, tokens, outliers, documentEnds, vocabularySize, hasLogits: effects !== null },
      contextLength: plan.contextLength,
      text: plan.text.from,
      time: set.time,
      states: workbench.project.features.states(hash),
    };
  });
}

/** A feature near another one, with its label; '' without one. */
interface LabelledNeighbour extends NeighbourFeature {
  readonly label: string;
}

export interface ShownFeature {
  /** Its name and its content hash. */
  readonly dictionary: string;
  readonly hash: string;
  readonly page: Omit<FeaturePage, 'decoderNeighbours' | 'cofiring'> & {
    readonly decoderNeighbours: readonly LabelledNeighbour[];
    readonly cofiring: readonly LabelledNeighbour[];
  };
  readonly label: Label | null;
  readonly comments: readonly StoredComment[];
  /** Names of the lists that it is on. */
  readonly lists: readonly string[];
}

/** All there is to show of one feature. @throws AppError `usage` for a feature that there is not, `not-found`. */
export async function showFeature(
  workbench: Workbench,
  { dictionary, feature }: { readonly dictionary: string; readonly feature: number },
): Promise<ShownFeature> {
  const { labels, lists } = workbench.project;
  return withStatistics(workbench, dictionary, async (reader, hash) => {
    const key = { dictionary: hash, feature };
    const read = await reader.page(feature);
    const labelled = (neighbours: readonly NeighbourFeature[]) =>
      neighbours.map((other) => ({
        ...other,
        label: labels.get({ dictionary: hash, feature: other.feature })?.text ?? '',
      }));
    const [decoderNeighbours, cofiring] = [labelled(read.decoderNeighbours), labelled(read.cofiring)];
    return {
      ...{ dictionary, hash, page: { ...read, decoderNeighbours, cofiring } },
      ...{ label: labels.get(key), comments: labels.comments(key), lists: lists.containing(key) },
    };
  });
}

/** More of the text around an example. */
export async function showContext(
  workbench: Workbench,
  { dictionary, context, first, end }: { dictionary: string; context: number; first: number; end: number },
): Promise<readonly string[]> {
  return withStatistics(workbench, dictionary, (reader) => reader.contextTokens(context, first, end));
}

/** Columns over all features: the places on the map, and what to colour them by: `[size, 2]` between −1 and 1, and one statistic per feature. */
export async function featureColumns(workbench: Workbench, dictionary: string) {
  return withStatistics(workbench, dictionary, async (reader) => reader.columns());
}

const COLOURS = ['rate', 'mean', 'max', 'lastRate', 'entropy', 'topEffect', 'nearest', 'impact'] as const;

/** One statistic of all features, NaN where it is undefined. @throws AppError `not-found` for one that there is not. */
export async function featureStatistic(
  workbench: Workbench,
  dictionary: string,
  statistic: string,
): Promise<Float32Array<ArrayBuffer>> {
  const known = COLOURS.find((each) => each === statistic);
  if (!known) throw new AppError('not-found', `There is no statistic "${statistic.slice(0, 40)}" of features.`);
  const columns = await featureColumns(workbench, dictionary);
  return Float32Array.from({ length: columns.max.length }, (_, feature) => featureRow(columns, feature)[known] ?? NaN);
}

/** Ideas for a label. Never saved by themselves. */
export async function suggestFeatureLabel(
  workbench: Workbench,
  { dictionary, feature }: { readonly dictionary: string; readonly feature: number },
) {
  return withStatistics(workbench, dictionary, async (reader) => suggestLabels(await reader.page(feature)));
}

/** Which features fire on which tokens of a text. */
export async function tryText(
  workbench: Workbench,
  {
    dictionary: name,
    ...request
  }: { dictionary: string; text: string; features?: readonly number[]; perToken?: number; count?: number },
  signal: AbortSignal,
) {
  const { project, compute } = workbench;
  const dictionary = await findFinishedDictionary(workbench, name);
  const model = await findModelByHash(project.folder, dictionary.model.hash);
  const { features, ...rest } = request;
  return compute(
    'feature.text',
    {
      model: await modelInput(project.folder, model),
      folder: dictionary.folder,
      ...rest,
      ...(features === undefined ? {} : { features: [...features] }),
    },
    { signal },
  );
}

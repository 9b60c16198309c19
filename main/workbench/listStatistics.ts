// The rows that a dictionary's features are listed by, made from a folder of statistics. A dictionary has one set of them at a
// time; the folder of the set before is deleted.
import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AppError } from '../contract/base/errors.ts';
import { statisticsIn } from '../core/features/statisticsManifest.ts';
import { openStatistics, type StatisticsReader } from '../core/features/statisticsReader.ts';
import type { JobContext } from '../jobs/runJob.ts';
import type { FeatureRow } from '../storage/entities/features.ts';
import type { Project } from '../storage/project/project.ts';
import { listDictionaries, type ProjectDictionary } from './dictionaries.ts';
import type { Workbench } from './workbench.ts';

/** What the statistics of a dictionary are over. */
export interface StatisticsSummary {
  readonly dictionary: string;
  readonly size: number;
  readonly contexts: number;
  readonly contextLength: number;
  /** That counted: all but BOS. */
  readonly tokens: number;
  /** Documents that end within a context. */
  readonly documentEnds: number;
  /** Features that fire at least once. */
  readonly firing: number;
}

/** Lists the features of every finished dictionary that came with a folder of statistics and has none listed yet. */
export async function catalogueStatistics(workbench: Pick<Workbench, 'project'>, signal: AbortSignal): Promise<void> {
  for (const dictionary of await listDictionaries(workbench)) {
    const { folder, hash } = dictionary;
    if (hash === null || workbench.project.features.folder(hash)) continue;
    for (const entry of (await readdir(folder)).filter((name) => name.startsWith('statistics-')).sort()) {
      const found = await statisticsIn(join(folder, entry));
      if (found?.plan.dictionary !== hash) continue;
      await listStatistics(workbench.project, dictionary, join(folder, entry), { signal });
      break;
    }
  }
}

/** Makes the statistics in a folder those that the dictionary's features are listed by. @throws AppError `mismatch`. */
export async function listStatistics(
  project: Project,
  { name, folder: dictionaryFolder, hash }: ProjectDictionary,
  folder: string,
  { signal, onProgress }: Pick<JobContext, 'signal'> & Partial<JobContext>,
): Promise<StatisticsSummary> {
  const reader = await openStatistics(folder);
  try {
    const { manifest } = reader;
    const { size, contexts, tokens, documentEnds, plan } = manifest;
    if (plan.dictionary !== hash) {
      throw new AppError('mismatch', `${folder}: these statistics are of another dictionary than ${name}.`);
    }
    const columns = await reader.columns();
    const listed = project.features.set(plan.dictionary);
    const place = `dictionaries/${name}/${basename(folder)}`;
    if (listed?.folder !== place) {
      const rows = Array.from({ length: size }, (_, feature) => featureRow(columns, feature));
      const replaced = await project.features.replace(
        { dictionary: plan.dictionary, folder: place, manifest },
        rows,
        columns.topToken,
        reader.texts(),
        (done) => {
          signal.throwIfAborted();
          const unit = { stage: 'Listing the features', done, total: size, unit: 'features' };
          onProgress?.({ ...unit, fraction: done / size, perSecond: null, remainingSeconds: null });
        },
      );
      for (const each of replaced) {
        if (each.startsWith(`dictionaries/${name}/statistics-`)) {
          await rm(join(dictionaryFolder, basename(each)), { recursive: true, force: true });
        }
      }
    }
    const firing = columns.firings.reduce((sum, count) => sum + Math.min(1, count), 0);
    return { dictionary: name, size, contexts, contextLength: plan.contextLength, tokens, documentEnds, firing };
  } finally {
    await reader.close();
  }
}

type Columns = Awaited<ReturnType<StatisticsReader['columns']>>;

export function featureRow(columns: Columns, feature: number): FeatureRow {
  const defined = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? null : value);
  const rate = columns.rate[feature] ?? 0;
  const mean = defined(columns.mean[feature]);
  const topEffect = defined(columns.topEffect[feature]);
  return {
    feature,
    firings: columns.firings[feature] ?? 0,
    rate,
    mean,
    max: columns.max[feature] ?? 0,
    lastRate: defined(columns.lastRate[feature]),
    entropy: defined(columns.entropy[feature]),
    topEffect,
    nearest: defined(columns.nearest[feature]),
    // Without effects on the logits, how much the feature is used at all.
    impact: rate * (mean ?? 0) * (topEffect ?? 1),
  };
}

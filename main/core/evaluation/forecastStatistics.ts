// What a forecast needs of the statistics of a dictionary's features, read from their folder.
import { AppError } from '../../contract/base/errors.ts';
import { openStatistics } from '../features/statisticsReader.ts';
import type { ForecastStatistics } from './forecast.ts';

/**
 * @param hash of the dictionary that they must be of.
 * @param features the edited ones.
 * @throws AppError `not-found`, `invalid-file`, `mismatch` for those of another dictionary, `usage` for a feature it lacks.
 */
export async function readForecastStatistics(
  folder: string,
  hash: string,
  features: readonly number[],
): Promise<ForecastStatistics> {
  const reader = await openStatistics(folder);
  try {
    const { plan, tokens } = reader.manifest;
    if (plan.dictionary !== hash) {
      throw new AppError('mismatch', `${folder}: these statistics are of another dictionary.`);
    }
    const { firings, mean } = await reader.columns();
    const pages = await Promise.all(features.map((feature) => reader.page(feature)));
    return {
      tokens,
      firings,
      means: mean,
      cofiring: new Map(pages.map(({ feature, cofiring }) => [feature, cofiring])),
      logits: new Map(pages.flatMap(({ feature, logits }) => (logits ? [[feature, logits]] : []))),
    };
  } finally {
    await reader.close();
  }
}

// Forecasts of what an edit will move, and how good the forecasts of a project's evaluations were.
import { PREDICTORS, type Predictor, type SiteForecast } from '../contract/domain/forecast.ts';
import type { Estimate } from '../contract/domain/estimate.ts';
import { AppError } from '../contract/base/errors.ts';
import type { Edit } from '../contract/domain/edit.ts';
import { meanEstimate } from '../core/evaluation/intervals.ts';
import type { EvaluationForecast } from '../storage/entities/evaluations.ts';
import { partsOf, statisticsFolders } from './editParts.ts';
import type { Workbench } from './workbench.ts';

/** @throws AppError `empty`, `not-found` for a dictionary that the project lacks or whose features have no statistics. */
export async function forecastEdit(
  workbench: Workbench,
  edit: Edit,
  signal?: AbortSignal,
): Promise<readonly SiteForecast[]> {
  const { dictionaries } = await partsOf(workbench, edit);
  const statistics = await statisticsFolders(workbench, dictionaries);
  const missing = dictionaries.find(({ hash }) => hash === null || !(hash in statistics));
  if (missing) {
    throw new AppError(
      'not-found',
      `The features of ${missing.name} have no statistics yet, and a forecast is made from them. errata feature stats ${missing.name} computes them.`,
      { details: { dictionary: missing.name } },
    );
  }
  const { places } = await workbench.compute(
    'edit.forecast',
    { edit, dictionaries: dictionaries.map(({ folder }) => folder), statistics },
    signal ? { signal } : {},
  );
  return places;
}

export interface ForecastCalibration {
  /** One for each place of each evaluation that had a forecast, the newest first; of evaluations of one edit the newest. */
  readonly records: readonly EvaluationForecast[];
  /** Mean rank correlation over them, with its bootstrap interval; null for fewer than two. */
  readonly means: Readonly<Record<Predictor, Estimate | null>>;
}

export function forecastCalibration({ project }: Pick<Workbench, 'project'>): ForecastCalibration {
  const seen = new Set<string>();
  const records = project.evaluations.forecasts().filter(({ edit, site, dictionary }) => {
    const key = `${edit} ${site} ${dictionary}`;
    return seen.has(key) ? false : Boolean(seen.add(key));
  });
  const mean = (predictor: Predictor) => {
    const values = records.flatMap(({ correlations }) => correlations[predictor]?.value ?? []);
    return [predictor, values.length < 2 ? null : meanEstimate(values, 0)] as const;
  };
  return { records, means: Object.fromEntries(PREDICTORS.map(mean)) as ForecastCalibration['means'] };
}

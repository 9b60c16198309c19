// What an edit will probably move, forecast from its dictionary and statistics alone, and how good such a forecast was. How it is
// made stands in main/core/evaluation/forecast.ts.
import * as v from 'valibot';
import type { DataOf } from '../base/data.ts';
import { estimateSchema } from './estimate.ts';

const forecastOperationSchema = v.object({
  feature: v.number(),
  /** Of the operation. */
  kind: v.string(),
  /** Share of all tokens on which it changes anything, and its mean change there, in units of activation. */
  share: v.number(),
  delta: v.number(),
});
export type ForecastOperation = DataOf<typeof forecastOperationSchema>;

const forecastFeatureSchema = v.object({
  feature: v.number(),
  /** Share of the tokens of the statistics on which it fires, and by how much that is forecast to change. */
  rate: v.number(),
  change: v.number(),
  /** The largest cosine of its decoder row with that of an edited feature, by size, and that feature. */
  cosine: v.number(),
  nearest: v.number(),
  /** The largest cosine of firing patterns with an edited feature; null: not among the nearest of any. */
  cofiring: v.nullable(v.number()),
  isEdited: v.boolean(),
});
export type ForecastFeature = DataOf<typeof forecastFeatureSchema>;

const logitFootprintSchema = v.object({
  token: v.string(),
  /** Mean change of its logit where the edit acts, by the decoder rows alone. */
  effect: v.number(),
});

/** At one place. */
export const forecastSchema = v.object({
  site: v.string(),
  dictionary: v.string(),
  features: v.number(),
  /** Of the statistics. */
  tokens: v.number(),
  operations: v.array(forecastOperationSchema),
  /** Features of operations that nothing is forecast of: what they do depends on the activations of the site. */
  unforecast: v.array(v.number()),
  /** Those whose rates are forecast to change most, the largest change first, the edited ones not among them. */
  strongest: v.array(forecastFeatureSchema),
  /** Σ|change| / Σ rate, the edited ones not counted: compare shareOfFirings of the blast radius. */
  shareOfFirings: v.number(),
  raised: v.array(logitFootprintSchema),
  lowered: v.array(logitFootprintSchema),
});
export type SiteForecast = DataOf<typeof forecastSchema>;

const maybe = v.nullable(estimateSchema);

/** What a forecast is compared with: itself, and the plain quantities that a person would look at. */
export const PREDICTORS = ['forecast', 'decoderCosine', 'cofiring', 'firingRate'] as const;
export type Predictor = (typeof PREDICTORS)[number];

export const forecastCheckEntries = {
  /**
   * Spearman's rank correlation with the size of the measured change of rate, over all features but the edited ones; null where
   * nothing varies.
   */
  correlations: v.object({ forecast: maybe, decoderCosine: maybe, cofiring: maybe, firingRate: maybe }),
  /** Of the `of` features whose rate changed most, how many are among as many forecast ones, and expected by chance. */
  found: v.object({ hits: v.number(), of: v.number(), byChance: v.number() }),
};
export const checkedForecastSchema = v.object({ ...forecastSchema.entries, ...forecastCheckEntries });
export type CheckedForecast = DataOf<typeof checkedForecastSchema>;

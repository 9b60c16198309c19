import type { Report } from '../../api/types.ts';

type Predictor = keyof NonNullable<Report['forecasts']>[number]['correlations'];

/** What a forecast is made of and compared with, in order. */
export const PREDICTOR_NAMES: readonly (readonly [Predictor, string])[] = [
  ['forecast', 'forecast'],
  ['decoderCosine', 'decoder cosine alone'],
  ['cofiring', 'co-firing alone'],
  ['firingRate', 'firing rate alone'],
];

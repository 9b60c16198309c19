// What statistics are called where they are chosen from.
import type { Statistic } from './featureQuery.ts';

export const STATISTIC_NAMES: Readonly<Record<Statistic, string>> = {
  rate: 'firing rate',
  mean: 'mean activation',
  max: 'highest activation',
  lastRate: 'rate on last tokens',
  entropy: 'entropy of effects',
  topEffect: 'largest effect',
  nearest: 'nearest cosine',
  impact: 'effect per token',
  confidence: 'confidence',
};

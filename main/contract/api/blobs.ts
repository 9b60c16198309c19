// Addresses of what does not travel in messages: arrays, as little-endian bytes with their type and shape in a header, and
// files to download. All lie under /blob/ on the page's own origin and are of the open project.
import { BLOB_PATH } from './host.ts';
import type { FEATURE_STATISTICS } from './feature.ts';

/** The header that says what the bytes are: `{"dtype":"f32","shape":[16384]}`. */
export const ARRAY_HEADER = 'X-Errata-Array';

export interface ArrayFacts {
  readonly dtype: 'f32' | 'i32' | 'u8';
  readonly shape: readonly number[];
}

/** What of an export can be downloaded: the rest may be gigabytes, and lies on this machine. */
export const EXPORT_DOWNLOADS = ['README.md', 'manifest.json', 'equivalence.json'] as const;

const path = (...parts: readonly string[]) => `${BLOB_PATH}${parts.map(encodeURIComponent).join('/')}`;

export const blobs = {
  /** f32 `[size]`: the share of the held-out tokens on which each feature fires. */
  firingRates: (dictionary: string) => path('dictionary', dictionary, 'firing-rates'),
  /** f32 `[size, 2]`: where each feature lies on the map, between −1 and 1. */
  featureMap: (dictionary: string) => path('dictionary', dictionary, 'map'),
  /** f32 `[size]`: a statistic of every feature, NaN where it is undefined. */
  featureStatistic: (dictionary: string, statistic: Exclude<(typeof FEATURE_STATISTICS)[number], 'confidence'>) =>
    path('dictionary', dictionary, `statistic-${statistic}`),
  /** u8 `[size]`: the state of every feature, as its index in LABEL_STATES. */
  labelStates: (dictionary: string) => path('dictionary', dictionary, 'label-states'),
  /** Downloads. */
  labels: (format: 'csv' | 'jsonl', dictionary?: string) =>
    `${path('labels', `labels.${format}`)}${dictionary === undefined ? '' : `?dictionary=${dictionary}`}`,
  behaviour: (name: string, format: 'json' | 'jsonl' | 'csv') => path('behaviour', name, format),
  evaluation: (id: string, format: 'html' | 'pdf' | 'csv' | 'json') => path('evaluation', id, format),
  /** A version with all that is behind it, for a colleague. */
  version: (ref: string) => path('version', ref),
  /** One of the small files of an export. */
  exportFile: (name: string, file: (typeof EXPORT_DOWNLOADS)[number]) => path('export', name, file),
  jobLog: (id: string) => path('job', id, 'log'),
};

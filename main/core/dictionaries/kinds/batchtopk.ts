// BatchTopK (Bussmann et al. 2024, arXiv 2412.06410): in training the batch·k largest pre-activations of a batch fire.
// Afterwards a feature fires above one threshold, calibrated to the same mean number on held-out activations: a jumprelu
// dictionary, and saved as one, as SAELens does.
import { openForwardPerBatch } from '../forwardPerBatch.ts';
import { selectOverBatch } from '../residentSelection.ts';
import type { Kind } from './kind.ts';
import { byThreshold, THRESHOLD } from './threshold.ts';

export const batchtopk = {
  ...byThreshold,
  name: 'batchtopk',
  exactness: () => 'Each feature depends on its own row and the threshold the dictionary carries.',
  training: {
    openForward: openForwardPerBatch,
    selectResident: selectOverBatch,
    perFeature: ({ size }, { threshold, normalisation }) => ({
      [THRESHOLD]: new Float32Array(size).fill(threshold / normalisation.scale),
    }),
    calibratesThreshold: true,
  },
} satisfies Kind<'batchtopk'>;

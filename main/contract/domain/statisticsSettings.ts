// What can be said of counting where the features of a dictionary fire in a text.
import * as v from 'valibot';
import { contextLengthSetting, corpusSettings, maxContextsSetting } from './captureSettings.ts';

/** Where a model's own contexts are shorter, those count. */
export const STATISTICS_CONTEXT_LENGTH = 128;
/** Of a corpus that the project chose: of 128 tokens each, 3 million tokens, as SAEDashboard reads. */
export const STATISTICS_CONTEXTS = 24_576;

/** Of a text that is read now; captured activations have their contexts already. */
export const readingSettings = {
  contextLength: v.exactOptional(contextLengthSetting(STATISTICS_CONTEXT_LENGTH)),
  ...corpusSettings,
};

export const statisticsSettings = {
  ...readingSettings,
  maxContexts: v.exactOptional(
    v.pipe(
      maxContextsSetting,
      v.metadata({ computed: `all, or ${STATISTICS_CONTEXTS} of a corpus that is chosen for you` }),
    ),
  ),
};

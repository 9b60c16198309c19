// What can be said of reading a corpus, and of keeping the activations of a model over it.
import * as v from 'valibot';
import { setting, wholeFrom } from '../base/setting.ts';

/** Where a model's own contexts are shorter, those count. */
export const CAPTURE_CONTEXT_LENGTH = 256;
/** That the model reads at once. */
export const CAPTURE_BATCH_TOKENS = 4096;

/** How texts are found in files. */
export const corpusSettings = {
  field: v.optional(
    setting(
      v.pipe(
        v.string('expected text'),
        v.minLength(1, 'the text is empty'),
        v.maxLength(200, 'longer than 200 characters'),
      ),
      {
        label: 'Text field',
        hint: 'The field or column that holds the text, in JSON and Parquet: text, data.text, messages.content.',
        option: 'field',
      },
    ),
    'text',
  ),
  textDocuments: v.optional(
    setting(v.picklist(['file', 'line', 'paragraph']), {
      label: 'Split .txt by',
      hint: 'What a document is in a .txt file.',
      option: 'documents',
    }),
    'file',
  ),
};

/** @param usual tokens where nothing is said and the model can read as many. */
export function contextLengthSetting(usual: number) {
  return setting(wholeFrom(2), {
    label: 'Context length',
    hint: 'Tokens per context, BOS included.',
    option: 'context-length',
    unit: 'tokens',
    computed: `${usual}, or as many as the model can read`,
  });
}

export const maxContextsSetting = setting(wholeFrom(1), {
  label: 'Max contexts',
  hint: 'Stop after so many contexts.',
  option: 'max-contexts',
  unit: 'contexts',
  computed: 'all',
});

/** How activations are computed and kept. */
export const storeSettings = {
  contextLength: v.exactOptional(contextLengthSetting(CAPTURE_CONTEXT_LENGTH)),
  maxContexts: v.exactOptional(maxContextsSetting),
  batchSize: v.exactOptional(
    setting(wholeFrom(1), {
      label: 'Contexts per run',
      hint: 'Contexts that the model reads at once.',
      option: 'batch-size',
      unit: 'contexts',
      computed: `as many as have ${CAPTURE_BATCH_TOKENS} tokens`,
    }),
  ),
  dtype: v.optional(
    setting(v.picklist(['f32', 'f16']), {
      label: 'Stored as',
      hint: 'Precision of the numbers: f16 halves the space and loses a little.',
      option: 'dtype',
    }),
    'f32',
  ),
  shardBytes: v.optional(
    setting(wholeFrom(1024), {
      label: 'Size of a file, in MiB',
      hint: 'Size of the files of a store, in MiB.',
      option: 'shard-megabytes',
      scale: 1 << 20,
    }),
    128 << 20,
  ),
};

export const captureSettings = { ...storeSettings, ...corpusSettings };

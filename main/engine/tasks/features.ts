// What is computed of a dictionary's features: their statistics over a text.
import * as v from 'valibot';
import { openCorpus } from '../../activations/corpus.ts';
import { loadDictionary } from '../../dictionaries/saeLens.ts';
import { computeStatistics } from '../../features/statistics.ts';
import { defineTask } from '../task.ts';
import { modelEntries, openTaskModel } from './model.ts';

const count = v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1)));

export const computeFeatureStatistics = defineTask({
  lane: 'long',
  input: v.object({
    model: v.object(modelEntries),
    /** Of the dictionary. */
    folder: v.string(),
    text: v.variant('from', [
      v.object({ from: v.literal('store'), folder: v.string(), maxContexts: count }),
      v.object({
        from: v.literal('corpus'),
        path: v.string(),
        field: v.exactOptional(v.string()),
        textDocuments: v.exactOptional(v.picklist(['file', 'line', 'paragraph'])),
        contextLength: v.pipe(v.number(), v.integer(), v.minValue(2)),
        maxContexts: count,
      }),
    ]),
    /** The folder that the statistics become a folder in. */
    parent: v.string(),
    checkpointSeconds: v.exactOptional(v.number()),
  }),
  run: async ({ model: modelInput, folder, text, ...options }, { runtime, signal, onWork }) => {
    const model = await openTaskModel(modelInput);
    const dictionary = await loadDictionary(folder);
    if (text.from === 'store') {
      return computeStatistics({ ...options, runtime, model, dictionary, text, signal, onWork });
    }
    const { path, field, textDocuments, contextLength, maxContexts } = text;
    const corpus = await openCorpus(path, {
      ...(field === undefined ? {} : { field }),
      ...(textDocuments === undefined ? {} : { textDocuments }),
    });
    return computeStatistics({
      ...options,
      runtime,
      model,
      dictionary,
      text: { from: 'corpus', corpus, contextLength, maxContexts },
      signal,
      onWork,
    });
  },
});

// Capturing activations of a corpus at a model's sites.
import * as v from 'valibot';
import { captureActivations } from '../../core/activations/capture.ts';
import { openCorpus } from '../../core/activations/corpus.ts';
import { AppError } from '../../contract/base/errors.ts';
import { defineTask } from '../task.ts';
import { modelEntries, openTaskModel } from './model.ts';

const count = v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1)));

export const capture = defineTask({
  lane: 'long',
  input: v.object({
    ...modelEntries,
    corpus: v.object({
      path: v.string(),
      field: v.exactOptional(v.string()),
      textDocuments: v.exactOptional(v.picklist(['file', 'line', 'paragraph'])),
    }),
    /** Each with the folder of its store. */
    sites: v.array(v.object({ site: v.string(), folder: v.string() })),
    contextLength: v.number(),
    batchSize: count,
    maxContexts: count,
    shardBytes: count,
    dtype: v.exactOptional(v.picklist(['f32', 'f16'])),
  }),
  run: async ({ folder, hashCache, corpus: { path, ...corpusOptions }, sites, ...options }, context) => {
    const { runtime, signal, onWork } = context;
    const model = await openTaskModel({ folder, hashCache });
    const corpus = await openCorpus(path, corpusOptions);
    const folders = new Map(sites.map((entry) => [entry.site, entry.folder]));
    const folderOf = (site: string) => {
      const found = folders.get(site);
      if (found === undefined) throw new AppError('internal', `No folder for ${site}.`);
      return found;
    };
    return captureActivations({
      ...options,
      runtime,
      model,
      corpus,
      sites: sites.map(({ site }) => site),
      folderOf,
      signal,
      onWork,
    });
  },
});

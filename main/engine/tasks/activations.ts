// Capturing activations of a corpus at a model's sites.
import * as v from 'valibot';
import { captureActivations } from '../../core/activations/capture.ts';
import { openCorpusFor } from '../../core/activations/modelCorpus.ts';
import { AppError } from '../../contract/base/errors.ts';
import { requestEntries, settingOf } from '../../contract/base/setting.ts';
import { corpusSettings, storeSettings } from '../../contract/domain/captureSettings.ts';
import { defineTask } from '../task.ts';
import { modelEntries, openTaskModel } from './model.ts';

export const capture = defineTask({
  lane: 'long',
  input: v.object({
    ...modelEntries,
    corpus: v.object({ path: v.string(), ...requestEntries(corpusSettings) }),
    /** Each with the folder of its store. */
    sites: v.array(v.object({ site: v.string(), folder: v.string() })),
    ...requestEntries(storeSettings),
    contextLength: settingOf(storeSettings.contextLength),
  }),
  run: async ({ folder, hashCache, bos, corpus: { path, ...corpusOptions }, sites, ...options }, context) => {
    const { runtime, signal, onWork } = context;
    const model = await openTaskModel({ folder, hashCache, bos });
    const corpus = await openCorpusFor(model, path, corpusOptions);
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

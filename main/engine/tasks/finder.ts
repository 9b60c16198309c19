// Finding the features behind a behaviour, and the smallest edit that removes it.
import * as v from 'valibot';
import { hashDictionary } from '../../dictionaries/dictionary.ts';
import { loadDictionary } from '../../dictionaries/saeLens.ts';
import { parseBehaviour } from '../../evaluation/behaviour.ts';
import { findEdit as find } from '../../finder/findEdit.ts';
import { findSettingsSchema } from '../../finder/findSettings.ts';
import { defineTask } from '../task.ts';
import { readText, textSource } from './evaluation.ts';
import { modelEntries, openTaskModel } from './model.ts';

const TEXT_CONTEXTS = 40;

/** A found edit; see finder/findEdit.ts. */
export const findEdit = defineTask({
  lane: 'long',
  input: v.object({
    model: v.object(modelEntries),
    /** Folders of the dictionaries to look in, each at the site that it was trained on. */
    dictionaries: v.array(v.string()),
    target: v.unknown(),
    keep: v.array(v.unknown()),
    text: textSource,
    settings: findSettingsSchema,
  }),
  run: async (
    { model: modelInput, dictionaries: folders, target, keep, text, settings },
    { runtime, signal, onWork },
  ) => {
    const model = await openTaskModel(modelInput);
    const loaded = await Promise.all(folders.map((folder) => loadDictionary(folder)));
    const dictionaries = new Map(loaded.map((dictionary) => [hashDictionary(dictionary), dictionary]));
    return find({
      model,
      runtime,
      dictionaries,
      places: [...dictionaries].map(([dictionary, { site }]) => ({ site, dictionary })),
      target: parseBehaviour(target),
      keep: keep.map((behaviour) => parseBehaviour(behaviour)),
      text: await readText(text, model, { contexts: TEXT_CONTEXTS, seed: settings.seed }),
      settings,
      signal,
      onWork,
    });
  },
});

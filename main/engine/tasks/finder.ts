// Finding the features behind a behaviour, and the smallest edit that removes it.
import * as v from 'valibot';
import { hashDictionary } from '../../core/dictionaries/dictionary.ts';
import { loadDictionary } from '../../core/dictionaries/saeLens.ts';
import { parseBehaviour } from '../../core/behaviours/behaviour.ts';
import { findEdit as find, type FindEvent } from '../../core/finder/findEdit.ts';
import { findSettingsSchema } from '../../contract/domain/findSettings.ts';
import { behavioursOfLists, promptListsSchema } from '../../core/finder/promptLists.ts';
import { defineTask, type TaskContext } from '../task.ts';
import { readText, textSource } from './evaluation.ts';
import { modelEntries, openTaskModel } from './model.ts';

const TEXT_CONTEXTS = 40;

/** A found edit; what is found out on the way comes as chunks. See finder/findEdit.ts. */
export const findEdit = defineTask({
  lane: 'long',
  input: v.object({
    model: v.object(modelEntries),
    /** Folders of the dictionaries to look in, each at the site that it was trained on. */
    dictionaries: v.array(v.string()),
    /** Suites, or prompts as they were pasted in. */
    behaviours: v.union([
      v.object({ target: v.unknown(), keep: v.array(v.unknown()) }),
      v.object({ lists: promptListsSchema }),
    ]),
    text: textSource,
    settings: findSettingsSchema,
  }),
  run: async (
    { model: modelInput, dictionaries: folders, behaviours, text, settings },
    { runtime, signal, onWork, onChunk }: TaskContext<FindEvent>,
  ) => {
    const model = await openTaskModel(modelInput);
    const loaded = await Promise.all(folders.map((folder) => loadDictionary(folder)));
    const dictionaries = new Map(loaded.map((dictionary) => [hashDictionary(dictionary), dictionary]));
    return find({
      model,
      runtime,
      dictionaries,
      places: [...dictionaries].map(([dictionary, { site }]) => ({ site, dictionary })),
      ...('lists' in behaviours
        ? behavioursOfLists(behaviours.lists)
        : {
            target: parseBehaviour(behaviours.target),
            keep: behaviours.keep.map((behaviour) => parseBehaviour(behaviour)),
          }),
      text: await readText(text, model, { contexts: TEXT_CONTEXTS, seed: settings.seed }),
      settings,
      signal,
      onWork,
      onEvent: onChunk,
    });
  },
});

// What made a model say a token: effects of dictionary features on its logit, and the largest measured by ablation.
import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';
import { Attributor } from '../../core/attribution/attribute.ts';
import { logitMetric } from '../../core/attribution/metric.ts';
import { loadDictionary } from '../../core/dictionaries/saeLens.ts';
import { defineTask } from '../task.ts';
import { modelEntries, openTaskModel } from './model.ts';

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));

export const explainToken = defineTask({
  lane: 'quick',
  input: v.object({
    ...modelEntries,
    /** The tokens before the one that is explained. */
    ids: v.array(whole),
    target: whole,
    /** The text of a single token that it is compared with. */
    against: v.exactOptional(v.string()),
    /** Folders, one dictionary a site. */
    dictionaries: v.array(v.string()),
    count: whole,
    /** How many of the largest effects are measured. */
    measured: whole,
  }),
  run: async ({ ids, target, against: text, dictionaries, count, measured, ...input }, { runtime, signal }) => {
    const model = await openTaskModel(input);
    const tokenizer = await model.tokenizer();
    const [id, ...more] = text === undefined ? [] : tokenizer.encode(text);
    if (text !== undefined && (id === undefined || more.length > 0)) {
      throw new AppError(
        'usage',
        `${JSON.stringify(text)} is not one token of this model, but ${more.length + (id === undefined ? 0 : 1)}.`,
      );
    }
    const loaded = await Promise.all(dictionaries.map((folder) => loadDictionary(folder)));
    const places = loaded.map((dictionary) => ({ site: dictionary.site, dictionary }));
    const attributor = await Attributor.open({ model, runtime, places });
    try {
      const explained = { ids, metric: logitMetric(ids.length - 1, target, id ?? null) };
      const { value, sites, effects } = await attributor.attribute(explained, { count, measuresSums: true, signal });
      const ablated = await attributor.ablate(explained, effects.slice(0, measured), { signal });
      return {
        against: id === undefined ? null : { id, text: tokenizer.tokenText(id) },
        value,
        sites: sites.map(({ site, active, sum, measured: change, error, bias }) => ({
          ...{ site, active, sum, error, bias },
          measured: change ?? NaN,
        })),
        effects: effects.map(({ site, unit, position, activation, effect }, index) => ({
          ...{ site, feature: unit, position, activation, effect },
          measured: ablated[index] ?? null,
        })),
      };
    } finally {
      await attributor.release();
    }
  },
});

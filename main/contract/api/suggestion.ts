// Ideas for labels from a language model of the person's own, and how well a label predicts where its feature fires, by the
// same model. Off until the settings name a server; asked only when somebody asks; nothing is saved by it.
import * as v from 'valibot';
import { featureSchema, lineSchema, nameSchema } from '../base/fields.ts';
import { command } from '../rpc/procedure.ts';

const byFeature = { dictionary: nameSchema, feature: featureSchema };

export const suggestion = {
  ask: command({
    summary: 'An idea for a label from the language model in the settings. Saves nothing',
    changes: [],
    input: v.strictObject(byFeature),
    output: v.object({
      text: v.string(),
      model: v.string(),
      /** How many examples it was shown. */
      examples: v.number(),
    }),
  }),
  score: command({
    summary: 'Score a label by detection: the language model says in which held-out texts its feature fires',
    changes: [],
    input: v.strictObject({ ...byFeature, text: lineSchema(2000, 1) }),
    output: v.object({
      text: v.string(),
      model: v.string(),
      right: v.number(),
      of: v.number(),
      /** Of the texts in which it fires, and of those in which it does not: how many there were, how many it got right. */
      firing: v.object({ right: v.number(), of: v.number() }),
      silent: v.object({ right: v.number(), of: v.number() }),
      /** Wilson's 95% interval of right / of. */
      interval: v.tuple([v.number(), v.number()]),
    }),
  }),
};

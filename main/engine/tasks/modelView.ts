// What the models view shows of a model: its architecture and sites, and the likeliest next tokens after a text.
import * as v from 'valibot';
import { NextTokens, openedTokens } from '../../core/models/nextTokens.ts';
import { defineTask } from '../task.ts';
import { modelEntries, openTaskModel } from './model.ts';

/** Headers only: no weight is read. */
export const describeModel = defineTask({
  lane: 'quick',
  input: v.object(modelEntries),
  run: async (input) => {
    const model = await openTaskModel(input);
    const { heads, keyValueHeads, headDim, intermediateSize, residual, bosTokenId, eosTokenIds } = model.config;
    const opening = await model.tokenizer().then(
      (tokenizer) => tokenizer.opening.map((id) => tokenizer.tokenText(id)),
      () => null, // a model that reads no text still has sites
    );
    return {
      opening,
      sites: model.sites.map(({ name, block, width }) => ({ name, block, width })),
      architecture: {
        ...model.weightSize,
        heads,
        keyValueHeads,
        headDim,
        intermediateSize,
        residual,
        bosTokenId,
        eosTokenIds,
      },
    };
  },
});

export const nextTokens = defineTask({
  lane: 'quick',
  input: v.object({
    ...modelEntries,
    prompt: v.string(),
    count: v.pipe(v.number(), v.integer(), v.minValue(1)),
  }),
  run: async ({ prompt, count, ...input }, { runtime }) => {
    const model = await openTaskModel(input);
    const tokenizer = await model.tokenizer();
    const ids = openedTokens(tokenizer, prompt);
    const next = new NextTokens({ model, runtime, count });
    try {
      const likeliest = await next.after(ids);
      return {
        promptTokens: ids.map((id) => ({ id, text: tokenizer.tokenText(id) })),
        next: likeliest.map(({ id, probability }) => ({ id, text: tokenizer.tokenText(id), probability })),
      };
    } finally {
      await next.release();
    }
  },
});

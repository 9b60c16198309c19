// What the models view shows of a model: its architecture and sites, and the likeliest next tokens after a text.
import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';
import { checkTokens } from '../../core/models/modelInput.ts';
import { int64Tensor, tokenTensor } from '../../core/models/tokenBatch.ts';
import { buildVariant } from '../../core/models/variant.ts';
import { defineTask } from '../task.ts';
import { modelEntries, openTaskModel } from './model.ts';

/** Headers only: no weight is read. */
export const describeModel = defineTask({
  lane: 'quick',
  input: v.object(modelEntries),
  run: async (input) => {
    const model = await openTaskModel(input);
    const { heads, keyValueHeads, headDim, intermediateSize, residual, bosTokenId, eosTokenIds } = model.config;
    return {
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
    const bos = tokenizer.bosTokenId === null ? [] : [tokenizer.bosTokenId];
    const ids = [...bos, ...tokenizer.encode(prompt)];
    if (ids.length === 0) throw new AppError('empty', 'The text is empty, and this model has no token to begin with.');
    checkTokens(model.config, [ids]);
    const session = await runtime.createSession(buildVariant(model, { head: 'topTokens', topTokenCount: count }), {
      weightsFolder: model.weightsFolder,
    });
    try {
      const results = await session.run({
        input_ids: tokenTensor([ids], 'right'),
        last_position: int64Tensor([ids.length - 1]),
      });
      const topIds = results['top_ids']?.data;
      const logProbs = results['top_log_probs']?.data;
      if (!(topIds instanceof BigInt64Array) || !(logProbs instanceof Float32Array)) {
        throw new AppError('internal', 'The engine gave no next tokens.');
      }
      const named = (id: number) => ({ id, text: tokenizer.tokenText(id) });
      return {
        promptTokens: ids.map(named),
        next: Array.from(topIds, (id, rank) => ({ ...named(Number(id)), probability: Math.exp(logProbs[rank]!) })),
      };
    } finally {
      await session.release();
    }
  },
});

// What can be asked of a model: its facts, a comparison with a reference, text.
import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';
import { bosRuleSchema } from '../../contract/domain/bosRule.ts';
import { checkModel } from '../../core/models/check.ts';
import { openGenerator } from '../../core/models/generate.ts';
import { openModel } from '../../core/models/model.ts';
import type { Tokenizer } from '../../core/models/tokenizer.ts';
import { defineTask, type TaskContext } from '../task.ts';

/** A model's folder, the file that remembers its hashes, and whether a BOS goes before texts. */
export const modelEntries = {
  folder: v.string(),
  hashCache: v.exactOptional(v.nullable(v.string()), null),
  bos: v.exactOptional(bosRuleSchema, 'tokenizer'),
};

export type TaskModel = v.InferOutput<v.ObjectSchema<typeof modelEntries, undefined>>;

export function openTaskModel({ folder, hashCache, bos }: TaskModel) {
  return openModel(folder, { bos, ...(hashCache === null ? {} : { hashCache }) });
}

export const inspectModel = defineTask({
  lane: 'quick',
  input: v.object(modelEntries),
  run: async (input, { signal, onWork }) => {
    const model = await openTaskModel(input);
    const { modelType, layers, hiddenSize, vocabularySize, contextLength } = model.config;
    const hasTokenizer = await model.tokenizer().then(
      () => true,
      (thrown: unknown) => {
        if (thrown instanceof AppError && thrown.code === 'not-found') return false;
        throw thrown;
      },
    );
    const sites = model.sites.map(({ name, width }) => ({ name, width }));
    const hash = await model.hash(signal, onWork);
    return { hash, modelType, layers, hiddenSize, vocabularySize, contextLength, hasTokenizer, sites };
  },
});

export const checkAgainstReference = defineTask({
  lane: 'quick',
  input: v.object({ ...modelEntries, reference: v.string() }),
  run: async ({ reference, ...input }, { runtime }) => checkModel(await openTaskModel(input), runtime, reference),
});

export interface GeneratedPiece {
  /** Index of the prompt. */
  readonly sequence: number;
  readonly id: number;
  /** The text that this token completes; null without a tokenizer. */
  readonly text: string | null;
}

export interface Generation {
  readonly promptIds: readonly number[];
  readonly ids: readonly number[];
  /** The generated text alone; null without a tokenizer. */
  readonly text: string | null;
  /** 'stop': the model ended the text; 'length': it was as long as asked for, or possible. */
  readonly end: 'stop' | 'length';
}

interface GrowingText {
  readonly ids: number[];
  text: string;
  end: Generation['end'];
  readonly stream: ReturnType<Tokenizer['stream']> | undefined;
}

const tokenIds = v.array(v.pipe(v.number(), v.integer()));

export const generateText = defineTask({
  lane: 'quick',
  input: v.object({
    ...modelEntries,
    /** Text, or token ids as they are. Text is opened as the tokenizer opens it. */
    prompts: v.pipe(v.array(v.union([v.string(), tokenIds])), v.minLength(1)),
    maxNewTokens: v.number(),
    temperature: v.exactOptional(v.number()),
    topK: v.exactOptional(v.number()),
    topP: v.exactOptional(v.number()),
    seed: v.exactOptional(v.number()),
    /** Go on after a token that ends a text. */
    ignoreStops: v.exactOptional(v.boolean(), false),
  }),
  run: async (
    { prompts, ignoreStops, folder, hashCache, bos, ...sampling },
    { runtime, signal, onWork, onChunk }: TaskContext<GeneratedPiece>,
  ) => {
    const model = await openTaskModel({ folder, hashCache, bos });
    const needsTokenizer = prompts.some((prompt) => typeof prompt === 'string');
    const tokenizer = await model.tokenizer().catch((thrown: unknown) => {
      if (needsTokenizer) throw thrown;
      return null;
    });
    const promptIds = prompts.map((prompt) =>
      typeof prompt === 'string' ? (tokenizer?.opened(prompt) ?? []) : prompt,
    );
    const generator = await openGenerator(model, runtime);
    const startedAt = performance.now();
    try {
      const growing = promptIds.map((prompt): GrowingText => {
        const stream = tokenizer?.stream();
        // A decoder must know that it goes on with a text: at the start of one it swallows a leading space.
        for (const id of prompt.slice(-8)) stream?.next(id);
        return { ids: [], text: '', end: 'length', stream };
      });
      let tokens = 0;
      const options = { ...sampling, signal, ...(ignoreStops ? { stopIds: [] } : {}) };
      for await (const { sequence, id, end } of generator.generate(promptIds, options)) {
        const state = growing[sequence];
        if (!state) continue;
        const text = end === 'stop' ? '' : (state.stream?.next(id) ?? '');
        state.ids.push(id);
        state.text += text;
        state.end = end ?? state.end;
        tokens++;
        onChunk({ sequence, id, text: tokenizer && text });
        onWork({ stage: 'Generating', done: tokens, total: sampling.maxNewTokens * prompts.length, unit: 'tokens' });
      }
      const seconds = (performance.now() - startedAt) / 1000;
      const generations = growing.map(({ ids, text, end, stream }, index): Generation => ({
        promptIds: promptIds[index] ?? [],
        ids,
        text: stream ? text + stream.end() : null,
        end,
      }));
      return { generations, tokens, tokensPerSecond: tokens / seconds };
    } finally {
      await generator.release();
    }
  },
});

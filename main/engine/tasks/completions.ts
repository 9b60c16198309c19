// Texts for other programs, of the model as it is and of a version of it: many at once, in one batch for all who ask.
import { join } from 'node:path';
import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';
import { parseEdit } from '../../contract/domain/edit.ts';
import { hashDictionary } from '../../core/dictionaries/dictionary.ts';
import { CONFIG_FILE, loadDictionary } from '../../core/dictionaries/saeLens.ts';
import { placesOf } from '../../core/edits/editPatches.ts';
import { openPromptEncoder, type PromptEncoder } from '../../core/behaviours/prompts.ts';
import { SharedBatch, type TokenProbability } from '../../core/interventions/sharedBatch.ts';
import type { Runtime } from '../../core/onnx/runtime.ts';
import { StopText } from '../../core/interventions/stopText.ts';
import { SessionCache } from '../sessionCache.ts';
import { fileStamp, modelStamp } from '../stamps.ts';
import { defineTask, type TaskContext } from '../task.ts';
import { modelEntries, openTaskModel } from './model.ts';

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const message = v.object({ role: v.string(), content: v.string() });

const input = v.object({
  model: v.object(modelEntries),
  /** What the served version does; the session is made for it, whether or not this request wants it. */
  edit: v.unknown(),
  /** Folders of the dictionaries that the edit names. */
  dictionaries: v.array(v.string()),
  isPatched: v.boolean(),
  /** A text, token ids as they are, or a conversation, whose next answer is wanted. */
  prompt: v.union([v.string(), v.array(whole), v.object({ messages: v.array(message) })]),
  maxNewTokens: v.nullable(whole),
  temperature: v.number(),
  topP: v.number(),
  seed: whole,
  /** The text ends before any of these. */
  stop: v.array(v.string()),
  /** How many of the likeliest tokens come with each token; null: no probabilities. */
  alternatives: v.nullable(whole),
  /** Tell the tokens of the prompt, too, with their probabilities where these are wanted. */
  echo: v.boolean(),
  /** Tell every piece as it is written. */
  isStreamed: v.boolean(),
});
type Input = v.InferOutput<typeof input>;

/** A token as other programs are told of it. */
export interface ToldToken {
  readonly id: number;
  /** As it reads in the middle of a text. */
  readonly text: string;
  /** Null without probabilities, and for the first token of a prompt. */
  readonly logProb: number | null;
  readonly alternatives: readonly { readonly text: string; readonly logProb: number }[];
}

/** A piece of text that is certain to stay, and the token that was chosen; null for what was held back until the end. */
export interface CompletionPiece {
  readonly text: string;
  readonly token: ToldToken | null;
}

interface Served {
  readonly batch: SharedBatch;
  readonly encoder: PromptEncoder;
  release(): Promise<void>;
}

const served = new SessionCache<Served>({ most: 2, idleMs: 600_000 });

async function withServed<R>(runtime: Runtime, asked: Input, work: (opened: Served) => Promise<R>): Promise<R> {
  const { model, dictionaries } = asked;
  const places = placesOf(parseEdit(asked.edit));
  const stamps = await Promise.all([
    modelStamp(model),
    ...dictionaries.map((folder) => fileStamp(join(folder, CONFIG_FILE))),
  ]);
  const sorted = places.map(({ site, dictionary }) => `${site} ${dictionary}`).sort();
  const open = async (): Promise<Served> => {
    const opened = await openTaskModel(model);
    const encoder = await openPromptEncoder(opened);
    const loaded = await Promise.all(dictionaries.map((folder) => loadDictionary(folder)));
    const named = new Map(loaded.map((dictionary) => [hashDictionary(dictionary), dictionary]));
    const batch = new SharedBatch({ model: opened, runtime, dictionaries: named, places });
    return { batch, encoder, release: () => batch.release() };
  };
  return served.use(JSON.stringify([runtime.device, sorted, stamps]), open, work);
}

function idsOf(encoder: PromptEncoder, prompt: Input['prompt']): readonly number[] {
  if (typeof prompt === 'string') return encoder.tokenizer.opened(prompt);
  if (!('messages' in prompt)) return prompt;
  return encoder.tokenizer.encode(encoder.conversation(prompt.messages));
}

export const completeText = defineTask({
  lane: 'shared',
  input,
  run: async (asked, { runtime, signal, onChunk }: TaskContext<CompletionPiece>) =>
    withServed(runtime, asked, async ({ batch, encoder }) => {
      const edit = asked.isPatched ? parseEdit(asked.edit) : { operations: [] };
      const { tokenizer } = encoder;
      const prompt = idsOf(encoder, asked.prompt);
      if (prompt.length === 0)
        throw new AppError('empty', 'The prompt is empty, and this model has no token to begin with.');
      const { contextLength } = batch.model.config;
      if (prompt.length > contextLength) {
        throw new AppError('usage', `The prompt has ${prompt.length} tokens, and the model reads ${contextLength}.`);
      }
      const wantsProbabilities = asked.alternatives !== null;
      const named = ({ id, logProb }: TokenProbability) => ({ text: tokenizer.tokenText(id), logProb });
      const told = (token: TokenProbability & { readonly alternatives: readonly TokenProbability[] }): ToldToken => ({
        id: token.id,
        text: tokenizer.tokenText(token.id),
        logProb: wantsProbabilities ? token.logProb : null,
        alternatives: token.alternatives.map(named),
      });
      const scored = asked.echo && wantsProbabilities ? await batch.score(edit, prompt) : null;
      const promptTokens = !asked.echo
        ? []
        : scored
          ? scored.map(({ id, logProb, alternatives }): ToldToken => ({
              ...{ id, text: tokenizer.tokenText(id), logProb },
              alternatives: alternatives.slice(0, asked.alternatives ?? 0).map(named),
            }))
          : prompt.map((id) => ({ id, text: tokenizer.tokenText(id), logProb: null, alternatives: [] }));

      // Reading a token costs the time of a small model's step: only as it comes where somebody looks at it then.
      const isRead = asked.isStreamed || asked.stop.length > 0;
      const stream = tokenizer.stream();
      for (const id of isRead ? prompt.slice(-8) : []) stream.next(id);
      const stopText = new StopText(asked.stop);
      const ids: number[] = [];
      const tokens: ToldToken[] = [];
      let text = '';
      const give = (piece: string, token: ToldToken | null) => {
        text += piece;
        if (asked.isStreamed) onChunk({ text: piece, token });
      };
      const end = await batch.complete({
        edit,
        prompt,
        maxNewTokens: asked.maxNewTokens ?? contextLength,
        ...{ temperature: asked.temperature, topP: asked.topP, seed: asked.seed },
        alternatives: asked.alternatives,
        signal,
        onToken: (token) => {
          ids.push(token.id);
          if (!isRead && !wantsProbabilities) return false;
          const own = told(token);
          tokens.push(own);
          if (!isRead) return false;
          const { certain, isStopped } = stopText.add(stream.next(token.id));
          give(certain, own);
          return isStopped;
        },
      });
      if (!isRead) text = encoder.decodeContinuation(prompt, ids);
      else if (!stopText.isStopped) {
        const rest = stopText.add(stream.end()).certain + stopText.rest();
        if (rest !== '') give(rest, null);
      }
      return {
        promptIds: prompt.length,
        promptText: asked.echo ? tokenizer.decode([...prompt]) : '',
        promptTokens,
        text,
        /** Empty without probabilities, where nobody looked at them. */
        tokens,
        newTokens: ids.length,
        end,
      };
    }),
});

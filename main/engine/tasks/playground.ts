// Edits being tried: the next token with and without them while a slider is moved, and texts of both as they are written.
import { join } from 'node:path';
import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';
import { hashDictionary } from '../../core/dictionaries/dictionary.ts';
import { CONFIG_FILE, loadDictionary } from '../../core/dictionaries/saeLens.ts';
import { editId } from '../../core/edits/edit.ts';
import { parseEdit, type Edit } from '../../contract/domain/edit.ts';
import { placesOf } from '../../core/edits/editPatches.ts';
import { openPromptEncoder, type PromptEncoder } from '../../core/behaviours/prompts.ts';
import { SideBySide, type ColumnName } from '../../core/interventions/sideBySide.ts';
import type { Runtime } from '../../core/onnx/runtime.ts';
import { fileStamp, modelStamp } from '../stamps.ts';
import { SessionCache } from '../sessionCache.ts';
import { defineTask, type TaskContext } from '../task.ts';
import { modelEntries, openTaskModel } from './model.ts';

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));

const playgroundEntries = {
  model: v.object(modelEntries),
  /** Operations as in an edit's file; none: the model as it is. */
  edit: v.unknown(),
  /** Folders of the dictionaries that the edit names. */
  dictionaries: v.array(v.string()),
  /** Text, or token ids as they are. */
  prompt: v.union([v.string(), v.array(whole)]),
  /** As it stands, also where the model has a chat template. */
  raw: v.boolean(),
};

interface Playground {
  readonly sides: SideBySide;
  /** Null without a usable tokenizer; then `missing` says why. */
  readonly encoder: PromptEncoder | null;
  readonly missing: unknown;
  release(): Promise<void>;
}

/** Two: one to try, and one to go back to. An idle one is released, since it holds a model in memory. */
const playgrounds = new SessionCache<Playground>({ most: 2, idleMs: 120_000 });

type PlaygroundInput = v.InferOutput<v.ObjectSchema<typeof playgroundEntries, undefined>>;

/** Opens what an edit's places need, or takes what is open. Other values, features and operations at them open nothing. */
async function withPlayground<R>(
  runtime: Runtime,
  { model, dictionaries, edit: given }: PlaygroundInput,
  work: (playground: Playground, edit: Edit) => Promise<R>,
): Promise<R> {
  const edit = parseEdit(given);
  const places = placesOf(edit);
  const stamps = await Promise.all([
    modelStamp(model),
    ...dictionaries.map((folder) => fileStamp(join(folder, CONFIG_FILE))),
  ]);
  const sorted = places.map(({ site, dictionary }) => `${site} ${dictionary}`).sort();
  const key = JSON.stringify([runtime.device, sorted, stamps]);
  const open = async (): Promise<Playground> => {
    const opened = await openTaskModel(model);
    let missing: unknown;
    // Token ids need no tokenizer.
    const encoder = await openPromptEncoder(opened).catch((thrown: unknown) => {
      missing = thrown;
      return null;
    });
    const loaded = await Promise.all(dictionaries.map((folder) => loadDictionary(folder)));
    const sides = new SideBySide({
      model: opened,
      runtime,
      dictionaries: new Map(loaded.map((dictionary) => [hashDictionary(dictionary), dictionary])),
      places,
    });
    return { sides, encoder, missing, release: () => sides.release() };
  };
  return playgrounds.use(key, open, (playground) => work(playground, edit));
}

function tokenText(encoder: PromptEncoder | null, id: number): string {
  return encoder?.tokenizer.tokenText(id) ?? ` ${id}`;
}

function promptOf(
  { encoder, missing }: Pick<Playground, 'encoder' | 'missing'>,
  { prompt, raw }: Pick<PlaygroundInput, 'prompt' | 'raw'>,
  instruction = '',
) {
  if (typeof prompt !== 'string') {
    if (instruction !== '') throw new AppError('usage', 'An instruction goes before a text, not before token ids.');
    if (!raw) throw new AppError('usage', 'A chat template takes a text, not token ids.');
    return { text: encoder?.tokenizer.decode(prompt) ?? prompt.join(' '), ids: prompt };
  }
  if (!encoder) throw missing;
  const asked = encoder.promptOf({ system: '', prompt, raw }, instruction);
  if (asked.ids.length === 0)
    throw new AppError('empty', 'The text is empty, and this model has no token to begin with.');
  return { ...asked, text: encoder.withoutBos(asked.text) };
}

export const playgroundNextTokens = defineTask({
  lane: 'live',
  input: v.object({
    ...playgroundEntries,
    /** Tokens after the prompt that the model is to take as its own. */
    continuation: v.array(whole),
    /** The next token after this one is told: an index into the tokens of prompt and continuation; the last when left out. */
    position: v.exactOptional(whole),
    /** How many of the likeliest tokens of each. */
    count: v.pipe(v.number(), v.integer(), v.minValue(1)),
  }),
  run: async (input, { runtime }) =>
    withPlayground(runtime, input, async (playground, edit) => {
      const { sides, encoder } = playground;
      const { text, ids: promptIds } = promptOf(playground, input);
      const ids = [...promptIds, ...input.continuation];
      const position = Math.min(input.position ?? ids.length - 1, ids.length - 1);
      const before = { ids: ids.slice(0, position + 1), promptLength: promptIds.length };
      const { kl, next } = await sides.nextTokens(edit, before, input.count);
      const named = (id: number) => ({ id, text: tokenText(encoder, id) });
      return {
        edit: edit.operations.length === 0 ? null : editId(edit),
        hasChatTemplate: encoder?.hasChatTemplate ?? false,
        promptText: text,
        promptTokens: promptIds.map(named),
        position,
        kl,
        next: next.map((token) => ({ ...token, text: tokenText(encoder, token.id) })),
      };
    }),
});

/** A token of a column, as it is written. */
export interface ColumnPiece {
  readonly column: ColumnName;
  readonly id: number;
  /** As it reads in the middle of a text. */
  readonly token: string;
  readonly kl: number | null;
  readonly originalProbability: number | null;
  readonly treatedProbability: number | null;
}

interface GrowingColumn {
  readonly ids: number[];
  end: 'stop' | 'length';
}

export const playgroundGenerate = defineTask({
  lane: 'quick',
  input: v.object({
    ...playgroundEntries,
    /** Stands in the prompt of the column `instructed`; '': there is no such column. */
    instruction: v.exactOptional(v.string(), ''),
    maxNewTokens: v.number(),
    temperature: v.exactOptional(v.number()),
    topK: v.exactOptional(v.number()),
    topP: v.exactOptional(v.number()),
    seed: v.exactOptional(v.number()),
    /** Go on after a token that ends a text. */
    ignoreStops: v.exactOptional(v.boolean(), false),
  }),
  run: async ({ instruction, ignoreStops, ...input }, { runtime, signal, onWork, onChunk }: TaskContext<ColumnPiece>) =>
    withPlayground(runtime, input, async (playground, edit) => {
      const { sides, encoder } = playground;
      const { maxNewTokens, temperature, topK, topP, seed } = input;
      const plain = promptOf(playground, input);
      const instructed = instruction === '' ? null : promptOf(playground, input, instruction);
      const columns = new Map<ColumnName, GrowingColumn>();
      let tokens = 0;
      for await (const piece of sides.generate({
        edit,
        prompt: plain.ids,
        ...(instructed ? { instructedPrompt: instructed.ids } : {}),
        maxNewTokens,
        ...(temperature === undefined ? {} : { temperature }),
        ...(topK === undefined ? {} : { topK }),
        ...(topP === undefined ? {} : { topP }),
        ...(seed === undefined ? {} : { seed }),
        ...(ignoreStops ? { stopIds: [] } : {}),
        signal,
      })) {
        const { column, id, end, ...compared } = piece;
        const state = columns.get(column) ?? { ids: [], end: 'length' };
        columns.set(column, state);
        state.ids.push(id);
        state.end = end ?? state.end;
        onChunk({ column, id, token: tokenText(encoder, id), ...compared });
        onWork({ stage: 'Generating', done: ++tokens, total: null, unit: 'tokens' });
      }
      const written = [...columns].map(([column, { ids, end }]) => {
        const prompt = column === 'instructed' && instructed ? instructed : plain;
        const shown = end === 'stop' ? ids.slice(0, -1) : ids;
        return {
          column,
          ids,
          end,
          text: encoder?.decodeContinuation(prompt.ids, shown) ?? shown.map((id) => ` ${id}`).join(''),
          promptTokens: prompt.ids.length,
        };
      });
      return {
        edit: edit.operations.length === 0 ? null : editId(edit),
        promptText: plain.text,
        instructedText: instructed?.text ?? null,
        columns: written,
      };
    }),
});

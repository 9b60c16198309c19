// The text that a model and its artifact are compared on: contexts as they are given, and prompts cut from them.
import { AppError } from '../../contract/base/errors.ts';
import { checkTokens } from '../models/modelInput.ts';
import type { ModelConfig } from '../models/config.ts';

const PROMPTS = 8;
export const NEW_TOKENS = 64;
const LONGEST_PROMPT = 16;
/** Logits of one context are in memory twice or three times. */
const LOGIT_BYTES_PER_CONTEXT = 128 << 20;
const LONGEST_CONTEXT = 256;

export interface HeldOutText {
  readonly contexts: readonly ArrayLike<number>[];
  readonly prompts: readonly ArrayLike<number>[];
  readonly newTokens: number;
}

/**
 * @param contexts token ids, each beginning as the model's texts do (with a BOS where it has one)
 * @throws AppError `empty` without any context of two tokens, `usage` for tokens the model does not have.
 */
export function heldOutText(contexts: readonly ArrayLike<number>[], config: ModelConfig): HeldOutText {
  const byMemory = Math.max(2, Math.floor(LOGIT_BYTES_PER_CONTEXT / (4 * config.vocabularySize)));
  const longest = Math.min(LONGEST_CONTEXT, byMemory, config.contextLength);
  const usable = contexts.filter(({ length }) => length >= 2).map((context) => Array.from(context).slice(0, longest));
  if (usable.length === 0) {
    throw new AppError('empty', 'The held-out text has no context of at least two tokens to verify the export on.');
  }
  checkTokens(config, usable);
  const longestPrompt = Math.min(LONGEST_PROMPT, Math.max(1, Math.floor(config.contextLength / 2)));
  // Of different lengths, so that padding is tried; a context that serves twice gives another piece.
  const prompts = Array.from({ length: PROMPTS }, (_, index) => {
    const context = usable[index % usable.length] ?? [];
    const start = Math.floor(index / usable.length) * LONGEST_PROMPT;
    const wanted = Math.max(1, longestPrompt - (index % 4) * 2);
    const piece = context.slice(start, start + wanted);
    return piece.length > 0 ? piece : context.slice(0, wanted);
  });
  const room = config.contextLength - Math.max(...prompts.map(({ length }) => length));
  return { contexts: usable, prompts, newTokens: Math.max(1, Math.min(NEW_TOKENS, room)) };
}

/** Where the prompt of a context ends, for edits that tell prompt and generated text apart. */
export function promptLengthOf(context: ArrayLike<number>): number {
  return Math.ceil(context.length / 2);
}

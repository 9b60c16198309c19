// Cases of a behaviour as the tokens that the model is given.
import { AppError } from '../../contract/base/errors.ts';
import { openChatTemplate, type ChatTemplate } from '../models/chatTemplate.ts';
import type { Model } from '../models/model.ts';
import type { Tokenizer } from '../models/tokenizer.ts';
import type { Case } from '../../contract/domain/behaviour.ts';

export interface PromptEncoderOptions {
  /** Every prompt begins with the tokenizer's BOS, as captured contexts and generated texts do; true when left out. */
  readonly addBos?: boolean;
}

/** @throws AppError `not-found` when the model has no tokenizer. */
export async function openPromptEncoder(model: Model, options: PromptEncoderOptions = {}): Promise<PromptEncoder> {
  return new PromptEncoder(model, await model.tokenizer(), await openChatTemplate(model.folder), options);
}

export class PromptEncoder {
  readonly tokenizer: Tokenizer;
  readonly #model: Model;
  readonly #template: ChatTemplate | null;
  readonly #bosTokenId: number | null;

  constructor(
    model: Model,
    tokenizer: Tokenizer,
    template: ChatTemplate | null,
    { addBos = true }: PromptEncoderOptions = {},
  ) {
    this.#bosTokenId = addBos ? tokenizer.bosTokenId : null;
    this.#model = model;
    this.tokenizer = tokenizer;
    this.#template = template;
  }

  get hasChatTemplate(): boolean {
    return this.#template !== null;
  }

  /**
   * The text of a case: its prompt and system text in the model's chat template; as it stands when it is raw or the model
   * has no template.
   * @param instruction prompt-only intervention: in a template it is, or is added to, the system text; before a raw prompt it
   * stands as it is, line break included.
   * @throws AppError `unsupported` for a system text without a chat template.
   */
  textOf({ system, prompt, raw }: Pick<Case, 'system' | 'prompt' | 'raw'>, instruction = ''): string {
    if (!raw && this.#template) {
      const systemText = [instruction.trim(), system].filter((part) => part !== '').join('\n');
      const first = systemText === '' ? [] : [{ role: 'system' as const, content: systemText }];
      return this.#template.render([...first, { role: 'user', content: prompt }]);
    }
    if (system !== '') {
      throw new AppError(
        'unsupported',
        raw
          ? 'A raw prompt is given as it stands, so its system text must be part of it.'
          : 'This model has no chat template, so a system text must be part of the prompt.',
      );
    }
    return instruction + prompt;
  }

  /** Tokens of a prompt's text, with a BOS before it where the tokenizer has one and the text does not begin with it. */
  encode(text: string): number[] {
    const ids = this.tokenizer.encode(text);
    const bos = this.#bosTokenId;
    return bos === null || ids[0] === bos ? [...ids] : [bos, ...ids];
  }

  /**
   * Tokens of a continuation after a prompt: those of the whole text after the prompt's, or, where the two melt together at
   * their border, those of the continuation alone.
   */
  encodeContinuation(promptText: string, promptIds: readonly number[], continuation: string): number[] {
    const whole = this.encode(promptText + continuation);
    const isExtension = whole.length > promptIds.length && promptIds.every((id, index) => whole[index] === id);
    return isExtension ? whole.slice(promptIds.length) : [...this.tokenizer.encode(continuation)];
  }

  /** The text that generated tokens add to a prompt, its leading space kept. */
  decodeContinuation(promptIds: readonly number[], ids: readonly number[]): string {
    const { pieces, rest } = this.#pieces(promptIds, ids);
    return pieces.join('') + rest;
  }

  /** The text that each generated token adds; of tokens that together make a character, the last has it. */
  pieces(promptIds: readonly number[], ids: readonly number[]): string[] {
    return this.#pieces(promptIds, ids).pieces;
  }

  #pieces(promptIds: readonly number[], ids: readonly number[]): { readonly pieces: string[]; readonly rest: string } {
    const stream = this.tokenizer.stream();
    for (const id of promptIds.slice(-8)) stream.next(id);
    return { pieces: ids.map((id) => stream.next(id)), rest: stream.end() };
  }

  /** @throws AppError `usage` that names the case. */
  checkLength(ids: readonly number[], more: number, subject: string): void {
    const { contextLength } = this.#model.config;
    if (ids.length + more <= contextLength) return;
    throw new AppError(
      'usage',
      `${subject}: ${ids.length + more} tokens are more than this model's longest context of ${contextLength}.`,
    );
  }
}

// Cases of a behaviour as the tokens that the model is given. A rendered chat template gets nothing added, raw text what the
// tokenizer puts before a text.
import { AppError } from '../../contract/base/errors.ts';
import { openChatTemplate, type ChatMessage, type ChatTemplate } from '../models/chatTemplate.ts';
import type { Model } from '../models/model.ts';
import type { Tokenizer } from '../models/tokenizer.ts';
import type { Case } from '../../contract/domain/behaviour.ts';

/** @throws AppError `not-found` when the model has no tokenizer. */
export async function openPromptEncoder(model: Model): Promise<PromptEncoder> {
  return new PromptEncoder(model, await model.tokenizer(), await openChatTemplate(model.folder));
}

/** What is asked: in the chat template unless it is raw. */
export type Asked = Pick<Case, 'system' | 'prompt' | 'raw'>;

export interface EncodedPrompt {
  readonly text: string;
  readonly ids: number[];
}

export class PromptEncoder {
  readonly tokenizer: Tokenizer;
  readonly #model: Model;
  readonly #template: ChatTemplate | null;

  constructor(model: Model, tokenizer: Tokenizer, template: ChatTemplate | null) {
    this.#model = model;
    this.tokenizer = tokenizer;
    this.#template = template;
  }

  get hasChatTemplate(): boolean {
    return this.#template !== null;
  }

  /** The template takes no system text (Gemma): it goes before the user's text. */
  get foldsSystemText(): boolean {
    return this.#template !== null && !this.#template.takesSystemText;
  }

  /**
   * The text of a case: its prompt and system text in the model's chat template; as it stands when it is raw or the model
   * has no template.
   * @param instruction prompt-only intervention: in a template it is, or is added to, the system text; before a raw prompt it
   * stands as it is, line break included.
   * @throws AppError `unsupported` for a system text without a chat template.
   */
  textOf({ system, prompt, raw }: Asked, instruction = ''): string {
    if (!raw && this.#template) {
      const systemText = [instruction.trim(), system].filter((part) => part !== '').join('\n');
      if (systemText === '') return this.#template.render([{ role: 'user', content: prompt }]);
      return this.foldsSystemText
        ? this.#template.render([{ role: 'user', content: `${systemText}\n\n${prompt}` }])
        : this.#template.render([
            { role: 'system', content: systemText },
            { role: 'user', content: prompt },
          ]);
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

  /**
   * A conversation in the model's chat template, up to where its next answer begins.
   * @throws AppError `unsupported` without a template, and when the template refuses the messages.
   */
  conversation(messages: readonly ChatMessage[]): string {
    if (this.#template) return this.#template.render(messages);
    throw new AppError('unsupported', 'This model has no chat template: ask for completions of a text.');
  }

  /** The text and tokens that the model is given. @throws AppError as textOf. */
  promptOf(asked: Asked, instruction = ''): EncodedPrompt {
    const text = this.textOf(asked, instruction);
    const isRendered = !asked.raw && this.#template !== null;
    return { text, ids: [...(isRendered ? this.tokenizer.encode(text) : this.tokenizer.opened(text))] };
  }

  /** A prompt's text as people read it: without the BOS that a template may write before it. */
  withoutBos(text: string): string {
    const { bosTokenId } = this.tokenizer;
    const bos = bosTokenId === null ? '' : this.tokenizer.tokenText(bosTokenId);
    return bos !== '' && text.startsWith(bos) ? text.slice(bos.length) : text;
  }

  /**
   * Tokens of a continuation after a prompt: those of the whole text after the prompt's, or, where the two melt together at
   * their border, those of the continuation alone.
   */
  encodeContinuation(promptText: string, promptIds: readonly number[], continuation: string): number[] {
    const text = this.tokenizer.encode(promptText + continuation);
    const { opening } = this.tokenizer;
    const isOpened = opening.length > 0 && promptIds[0] === opening[0] && text[0] !== opening[0];
    const whole = isOpened ? [...opening, ...text] : [...text];
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

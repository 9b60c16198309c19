// A model's chat template: Jinja in tokenizer_config.json, or in chat_template.jinja in the same folder, as transformers reads
// it. It is a program from a stranger: it gets a time limit, and its text a length limit.
import { join } from 'node:path';
import { Template } from '@huggingface/jinja';
import { AppError } from '../../contract/base/errors.ts';
import { readOptionalText } from '../files/text.ts';
import { withinTime } from '../files/timeLimit.ts';
import { isObject, readOptionalJson } from '../files/json.ts';

const LONGEST_TEMPLATE = 1 << 20;
/** In characters; more than any context holds. */
const LONGEST_TEXT = 1 << 23;
/** Real templates take a few milliseconds; a busy machine may stand still for longer. */
const RENDER_MILLISECONDS = 5000;

/** A system text that no template holds. */
const MARK = 'Kelvant oduris.';

export interface ChatMessage {
  /** system, user, assistant, and what else a template knows. */
  readonly role: string;
  readonly content: string;
}

/**
 * @param milliseconds how long it may take to write a text.
 * @returns null where the model has no template.
 * @throws AppError `unsupported` for one that cannot be read, `invalid-file`.
 */
export async function openChatTemplate(
  folder: string,
  milliseconds: number = RENDER_MILLISECONDS,
): Promise<ChatTemplate | null> {
  const settingsPath = join(folder, 'tokenizer_config.json');
  const templatePath = join(folder, 'chat_template.jinja');
  const settings = (await readOptionalJson(settingsPath)) ?? {};
  const own = await readOptionalText(templatePath, LONGEST_TEMPLATE);
  const source = own ?? defaultTemplate(settings['chat_template']);
  if (source === null) return null;
  const tokenText = (key: string) => {
    const token = settings[key];
    const content = isObject(token) ? token['content'] : token;
    return typeof content === 'string' ? content : '';
  };
  const tokens = { bos_token: tokenText('bos_token'), eos_token: tokenText('eos_token') };
  return new ChatTemplate(own === null ? settingsPath : templatePath, source, tokens, milliseconds);
}

export class ChatTemplate {
  readonly #path: string;
  readonly #template: Template;
  readonly #tokens: Readonly<Record<'bos_token' | 'eos_token', string>>;
  readonly #milliseconds: number;
  #takesSystemText: boolean | undefined;

  constructor(
    path: string,
    source: string,
    tokens: Readonly<Record<'bos_token' | 'eos_token', string>>,
    milliseconds: number,
  ) {
    this.#path = path;
    this.#tokens = tokens;
    this.#milliseconds = milliseconds;
    try {
      if (source.length > LONGEST_TEMPLATE) throw new Error('it is too long');
      this.#template = withinTime(milliseconds, () => new Template(source));
    } catch (cause) {
      throw this.#refused(cause);
    }
  }

  /** The text up to where the assistant's answer begins. @throws AppError `unsupported` when the template refuses the messages. */
  render(messages: readonly ChatMessage[]): string {
    return this.#write(messages, true);
  }

  /** False where the template refuses a system text, as Gemma 2's does, or leaves it out without a word. */
  get takesSystemText(): boolean {
    this.#takesSystemText ??= this.#tryMark();
    return this.#takesSystemText;
  }

  #tryMark(): boolean {
    const question = { role: 'user', content: 'Q' };
    try {
      return this.#write([{ role: 'system', content: MARK }, question], true).includes(MARK);
    } catch {
      return false;
    }
  }

  /** A conversation from its beginning to its end, without the BOS, which whoever packs texts puts before them. */
  renderWhole(messages: readonly ChatMessage[]): string {
    const text = this.#write(messages, false);
    const { bos_token: bos } = this.#tokens;
    return bos !== '' && text.startsWith(bos) ? text.slice(bos.length) : text;
  }

  #write(messages: readonly ChatMessage[], generates: boolean): string {
    const values = { ...this.#tokens, messages: [...messages], add_generation_prompt: generates };
    try {
      const text = withinTime(this.#milliseconds, () => this.#template.render(values));
      if (text.length > LONGEST_TEXT) throw new Error(`it writes a text of ${text.length} characters`);
      return text;
    } catch (cause) {
      throw this.#refused(cause);
    }
  }

  #refused(cause: unknown): AppError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new AppError('unsupported', `${this.#path}: this chat template cannot be used: ${reason.slice(0, 200)}.`, {
      cause,
    });
  }
}

/** One template, or several by name, of which "default" counts. */
function defaultTemplate(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return null;
  const named: unknown = value.find((each: unknown) => isObject(each) && each['name'] === 'default');
  return isObject(named) && typeof named['template'] === 'string' ? named['template'] : null;
}

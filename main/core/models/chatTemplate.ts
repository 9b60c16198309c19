// A model's chat template: Jinja in tokenizer_config.json, or in chat_template.jinja beside it, as transformers reads it.
import { join } from 'node:path';
import { Template } from '@huggingface/jinja';
import { AppError } from '../../contract/base/errors.ts';
import { openFile } from '../files/byteSource.ts';
import { isObject, readOptionalJson } from './config.ts';

const LONGEST_TEMPLATE = 1 << 20;

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** @returns null where the model has no template. @throws AppError `unsupported` for one that cannot be read. */
export async function openChatTemplate(folder: string): Promise<ChatTemplate | null> {
  const path = join(folder, 'tokenizer_config.json');
  const settings = (await readOptionalJson(path)) ?? {};
  const source = (await readText(join(folder, 'chat_template.jinja'))) ?? defaultTemplate(settings['chat_template']);
  if (source === null) return null;
  const tokenText = (key: string) => {
    const token = settings[key];
    const content = isObject(token) ? token['content'] : token;
    return typeof content === 'string' ? content : '';
  };
  return new ChatTemplate(folder, source, { bos_token: tokenText('bos_token'), eos_token: tokenText('eos_token') });
}

export class ChatTemplate {
  readonly #folder: string;
  readonly #template: Template;
  readonly #tokens: Readonly<Record<string, string>>;

  constructor(folder: string, source: string, tokens: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.#tokens = tokens;
    try {
      if (source.length > LONGEST_TEMPLATE) throw new Error('it is too long');
      this.#template = new Template(source);
    } catch (cause) {
      throw this.#refused(cause);
    }
  }

  /** The text up to where the assistant's answer begins. @throws AppError `unsupported` when the template refuses the messages. */
  render(messages: readonly ChatMessage[]): string {
    try {
      return this.#template.render({ ...this.#tokens, messages: [...messages], add_generation_prompt: true });
    } catch (cause) {
      throw this.#refused(cause);
    }
  }

  #refused(cause: unknown): AppError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new AppError('unsupported', `${this.#folder}: its chat template cannot be used: ${reason.slice(0, 200)}.`, {
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

async function readText(path: string): Promise<string | null> {
  try {
    const source = await openFile(path);
    try {
      if (source.size > LONGEST_TEMPLATE) throw new AppError('unsupported', `${path}: it is too large for a template.`);
      return new TextDecoder('utf-8', { fatal: true }).decode(await source.read(0, source.size));
    } finally {
      await source.close();
    }
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'not-found') return null;
    throw thrown;
  }
}

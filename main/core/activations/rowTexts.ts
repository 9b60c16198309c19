// The texts of one row of a corpus: a field by its name, a field within fields (`data.text`), every entry of a list, or a
// conversation, which becomes one text by the model's chat template.
import type { AppError } from '../../contract/base/errors.ts';
import { isObject, type JsonObject } from '../files/json.ts';

/** A turn of a conversation, with roles as chat templates know them. */
export interface Message {
  readonly role: string;
  readonly content: string;
}

/** Writes a conversation as one text. @throws AppError where the model has no template. */
export type RenderMessages = (messages: readonly Message[]) => string;

/** Fields that hold a conversation where nothing else is said, in the order in which they are tried. */
const CONVERSATION_FIELDS = ['messages', 'conversations', 'conversation'];
/** ShareGPT's names of the roles. */
const ROLES: Readonly<Record<string, string>> = {
  human: 'user',
  gpt: 'assistant',
  chatgpt: 'assistant',
  bing: 'assistant',
};
const MOST_FIELDS_NAMED = 8;

export interface RowReader {
  /** Texts of a row that are not empty; none where the field is null. @throws AppError `invalid-file`. */
  texts(row: unknown, wrong: (reason: string) => AppError): readonly string[];
  /** Rows that were left out since their field, or they themselves, are null. */
  readonly leftOut: number;
}

/** @param isDefault nobody named the field: a row without it may be a text, or hold a conversation. */
export function rowReader(field: string, isDefault: boolean, render: RenderMessages): RowReader {
  const path = field.split('.');
  let leftOut = 0;
  const valueOf = (row: unknown, wrong: (reason: string) => AppError): unknown => {
    if (row === null) return null;
    if (isDefault && typeof row === 'string') return row;
    const found = fieldOf(row, field, path);
    if (found !== undefined) return found;
    const conversation = isDefault && isObject(row) && conversationField(Object.keys(row));
    if (typeof conversation === 'string' && isObject(row)) return row[conversation];
    throw wrong(`has no field ${JSON.stringify(field)}${isObject(row) ? fieldsOf(row) : ''}`);
  };
  return {
    texts(row, wrong) {
      const value = valueOf(row, wrong);
      const texts: string[] = [];
      collect(value, texts, field, render, wrong);
      if (texts.length === 0 && isNothing(value)) leftOut++;
      return texts.filter((text) => text !== '');
    },
    get leftOut() {
      return leftOut;
    },
  };
}

export function conversationField(fields: readonly string[]): string | undefined {
  return CONVERSATION_FIELDS.find((name) => fields.includes(name));
}

/** A name with dots in it goes before the way through fields. Undefined where there is no such field. */
function fieldOf(row: unknown, field: string, path: readonly string[]): unknown {
  if (isObject(row) && Object.hasOwn(row, field)) return row[field];
  let value: unknown = row;
  for (const [depth, name] of path.entries()) {
    if (value === null) return null;
    if (Array.isArray(value)) {
      const entries = value.map((entry) => fieldOf(entry, path.slice(depth).join('.'), path.slice(depth)));
      return entries.every((entry) => entry === undefined) ? undefined : entries.filter((entry) => entry !== undefined);
    }
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

function fieldsOf(row: JsonObject): string {
  const names = Object.keys(row);
  if (names.length === 0) return '';
  const shown = names.slice(0, MOST_FIELDS_NAMED).map((name) => name.slice(0, 40));
  return ` (its fields: ${shown.join(', ')}${names.length > shown.length ? ' …' : ''})`;
}

function collect(
  value: unknown,
  texts: string[],
  field: string,
  render: RenderMessages,
  wrong: (reason: string) => AppError,
): void {
  if (typeof value === 'string') texts.push(value);
  else if (value === null) return;
  else if (Array.isArray(value)) {
    const messages = messagesOf(value);
    if (messages) texts.push(render(messages));
    else for (const entry of value) collect(entry, texts, field, render, wrong);
  } else throw wrong(`has no text in the field ${JSON.stringify(field)}`);
}

/** Null for a list of something else. */
function messagesOf(list: readonly unknown[]): readonly Message[] | null {
  if (list.length === 0) return null;
  const messages = list.map((entry) => {
    if (!isObject(entry)) return null;
    const role = entry['role'] ?? entry['from'];
    const content = contentOf(entry['content'] ?? entry['value']);
    return typeof role === 'string' && content !== null ? { role: ROLES[role] ?? role, content } : null;
  });
  return messages.every((message) => message !== null) ? messages : null;
}

/** A text, or the text parts of a list of parts; a turn that only calls tools has none. */
function contentOf(content: unknown): string | null {
  if (content === undefined || content === null) return '';
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return null;
  const parts = content.map((part: unknown) => (isObject(part) ? part['text'] : part));
  return parts.filter((part) => typeof part === 'string').join('');
}

function isNothing(value: unknown): boolean {
  return value === null || (Array.isArray(value) && value.every(isNothing));
}

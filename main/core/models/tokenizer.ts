// A model's tokenizer, from tokenizer.json (else vocab.json and merges.txt) and tokenizer_config.json: text to token ids and back. Special tokens are never added
// by encode: `opening` is what goes before a text or a context (see opening.ts). It comes from a stranger, so a text has a
// limit to what it may grow to and, where expressions might explode, a time limit.
import { join } from 'node:path';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { AppError } from '../../contract/base/errors.ts';
import { withinTime } from '../files/timeLimit.ts';
import type { BosRule } from '../../contract/domain/bosRule.ts';
import { type ModelConfig } from './config.ts';
import { hashBytes } from '../files/hash.ts';
import { isObject, readJsonObject, readOptionalJson, type JsonObject } from '../files/json.ts';
import { findAddedTokensAsReference } from './addedTokens.ts';
import { definitionFromMerges } from './mergesTokenizer.ts';
import { openingOf } from './opening.ts';
import { keepMarks, withUnicodeSpaces } from './tokenizerSteps.ts';
import {
  hasForeignPatterns,
  limitGrowth,
  refuseEndlessSteps,
  refuseUnknownPatterns,
  type SetLimit,
} from './tokenizerLimits.ts';

/**
 * The time that a text may take. Real tokenizers read 100 characters in less than a millisecond; those without words read
 * 100 kB in seconds, and a busy machine may stand still for longer than either.
 */
export interface EncodingLimit {
  readonly milliseconds: number;
  readonly perCharacter: number;
}
const ENCODING_LIMIT: EncodingLimit = { milliseconds: 5000, perCharacter: 1 };

/** Pieces that are ordinary text in nearly every vocabulary. */
const ANCHORS = ['a', 'A', '0'];

/** What turning text into contexts needs of a tokenizer. */
export interface TextEncoder {
  encode(text: string): readonly number[] | Int32Array;
  readonly bosTokenId: number | null;
  /** What goes before a text, commonly the BOS; nothing where the model was trained without. */
  readonly opening: readonly number[];
}

/** @throws AppError `not-found` when there is no tokenizer.json, `invalid-file` when it is damaged, `unsupported`. */
export async function openTokenizer(folder: string, config: ModelConfig, rule?: BosRule): Promise<Tokenizer> {
  const path = join(folder, 'tokenizer.json');
  const settings = (await readOptionalJson(join(folder, 'tokenizer_config.json'))) ?? {};
  const definition = await readJsonObject(path).catch(async (thrown: unknown) => {
    if (!(thrown instanceof AppError) || thrown.code !== 'not-found') throw thrown;
    const merged = await definitionFromMerges(folder, settings);
    if (merged !== null) return merged;
    throw new AppError(
      'not-found',
      `${path}: this model has no tokenizer, so it cannot read text (token ids still work).`,
      { details: { path }, cause: thrown },
    );
  });
  return new Tokenizer(path, definition, settings, config, rule === undefined ? {} : { rule });
}

interface TokenizerOptions {
  readonly limit?: EncodingLimit;
  /** Of the project, about the BOS. */
  readonly rule?: BosRule;
}

export class Tokenizer implements TextEncoder {
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | null;
  readonly opening: readonly number[];
  readonly #path: string;
  readonly #definition: JsonObject;
  readonly #tokenizer: HuggingFaceTokenizer;
  readonly #specialIds: ReadonlySet<number>;
  readonly #isByteLevel: boolean;
  readonly #limit: EncodingLimit;
  readonly #setLongest: SetLimit;
  /** What needs a time limit. */
  readonly #isForeign: { readonly encoding: boolean; readonly decoding: boolean };
  /** A token that is ordinary text: what is decoded after it is decoded as in the middle of a text. */
  readonly #anchor: number | null;

  constructor(
    path: string,
    definition: JsonObject,
    settings: JsonObject,
    config: ModelConfig,
    { limit = ENCODING_LIMIT, rule }: TokenizerOptions = {},
  ) {
    this.#path = path;
    this.#definition = definition;
    this.#limit = limit;
    this.#isForeign = {
      encoding: hasForeignPatterns(definition.normalizer, definition.pre_tokenizer),
      decoding: hasForeignPatterns(definition.decoder),
    };
    try {
      refuseEndlessSteps(definition);
      refuseUnknownPatterns(definition);
      this.#tokenizer = new HuggingFaceTokenizer(asLibraryReads(definition), withUnknown(settings, definition));
      keepMarks(this.#tokenizer);
      findAddedTokensAsReference(this.#tokenizer);
      this.#setLongest = limitGrowth(this.#tokenizer);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new AppError('unsupported', `${path}: this tokenizer cannot be used: ${reason.slice(0, 200)}`, { cause });
    }
    const idOf = (key: string, fallback: number | null): number | null => {
      if (!Object.hasOwn(settings, key)) return fallback;
      const token = settings[key];
      const content = isObject(token) ? token.content : token;
      return typeof content === 'string' ? (this.#tokenizer.token_to_id(content) ?? null) : null;
    };
    this.bosTokenId = idOf('bos_token', config.bosTokenId);
    this.eosTokenId = idOf('eos_token', config.eosTokenIds[0] ?? null);
    this.opening = openingOf(definition, settings, { bosTokenId: this.bosTokenId, rule });
    const added = this.#tokenizer.get_added_tokens_decoder();
    this.#specialIds = new Set([...added].filter(([, token]) => token.special).map(([id]) => id));
    this.#isByteLevel = JSON.stringify(definition.decoder ?? null).includes('"ByteLevel"');
    this.#anchor = this.#findAnchor();
  }

  /** Changes with all that decides which tokens a text becomes: its definition, and what goes before a text. */
  hash(): string {
    return hashBytes(JSON.stringify([this.#definition, this.opening]));
  }

  /** From the vocabulary: there are tokenizers, of digits or proteins, that cannot encode any text one might think of. */
  #findAnchor(): number | null {
    for (const piece of ANCHORS) {
      const id = this.#tokenizer.token_to_id(piece);
      if (id !== undefined && !this.#specialIds.has(id)) return id;
    }
    for (const [piece, id] of this.#tokenizer.get_vocab(false)) if (/^[\p{L}\p{N}]+$/u.test(piece ?? '')) return id;
    return null;
  }

  /** Ids of the text's tokens, without special tokens around them. @throws AppError `invalid-file`. */
  encode(text: string): readonly number[] {
    return this.#encode(text, false);
  }

  /** The same with what the model's makers put around a prompt, commonly a BOS before it. */
  encodePrompt(text: string): readonly number[] {
    return this.#encode(text, true);
  }

  /** A text with what goes before it, unless the text spells that itself. */
  opened(text: string): readonly number[] {
    const ids = this.encode(text);
    const { opening } = this;
    return opening.length === 0 || ids[0] === opening[0] ? ids : [...opening, ...ids];
  }

  #encode(text: string, addSpecial: boolean): readonly number[] {
    const ids: readonly unknown[] = this.#limited(this.#isForeign.encoding, text.length, () => {
      this.#setLongest(text.length);
      return this.#tokenizer.encode(text, { add_special_tokens: addSpecial }).ids;
    });
    if (ids.every(isTokenId)) return ids;
    const odd = ids.find((id) => !isTokenId(id));
    const reason =
      odd === undefined
        ? 'a piece of this text is not a token, and there is no token for unknown text'
        : `it gives a token the id ${JSON.stringify(odd).slice(0, 40)}, which is not a whole number`;
    throw new AppError('invalid-file', `${this.#path}: ${reason}.`, { details: { path: this.#path } });
  }

  /** @throws AppError `invalid-file` that names the file, for work that fails or does not end. */
  #limited<T>(hasTimeLimit: boolean, length: number, work: () => T): T {
    const { milliseconds, perCharacter } = this.#limit;
    try {
      return hasTimeLimit ? withinTime(milliseconds + perCharacter * length, work) : work();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new AppError(
        'invalid-file',
        `${this.#path}: this tokenizer failed on a text of ${length} characters or tokens: ${reason.slice(0, 200)}.`,
        { cause, details: { path: this.#path } },
      );
    }
  }

  /** The text of some tokens; special tokens appear as they are written unless left out. */
  decode(ids: readonly number[], { skipSpecial = false }: { skipSpecial?: boolean } = {}): string {
    const shown = skipSpecial ? ids.filter((id) => !this.#specialIds.has(id)) : [...ids];
    if (shown.length === 0) return '';
    return this.#limited(this.#isForeign.decoding, shown.length, () =>
      this.#tokenizer.decode(shown, { clean_up_tokenization_spaces: false }),
    );
  }

  isSpecial(id: number): boolean {
    return this.#specialIds.has(id);
  }

  /**
   * One token as it reads in the middle of a text, its leading space kept. A token that is only a part of a character is
   * shown as its bytes, `⟨E2 80⟩`.
   */
  tokenText(id: number): string {
    const raw = this.#tokenizer.id_to_token(id);
    if (raw === undefined) return `⟨${id}⟩`;
    if (this.#specialIds.has(id)) return raw;
    const byte = /^<0x([0-9A-F]{2})>$/u.exec(raw)?.[1];
    if (byte !== undefined) {
      const code = Number.parseInt(byte, 16);
      return code < 0x80 ? String.fromCharCode(code) : `⟨${byte}⟩`;
    }
    const before = this.#anchor === null ? [] : [this.#anchor];
    const text = this.decode([...before, id]).slice(this.decode(before).length);
    return this.#isByteLevel && text.includes('\uFFFD') ? bytesOfByteLevelToken(raw) : text;
  }

  /**
   * Decodes a text token by token: `next(id)` returns the text that this token completes, '' while a character is
   * still incomplete; `end()` returns what remains.
   */
  stream(): { next(id: number): string; end(): string } {
    // Only a short tail is decoded again each time: from the last token whose text was given out, so that the
    // decoder knows it is in the middle of a text.
    let shown: number[] = [];
    let pending: number[] = [];
    const text = () => this.decode([...shown, ...pending]).slice(this.decode(shown).length);
    return {
      next: (id) => {
        pending.push(id);
        const piece = text();
        if (piece.endsWith('\uFFFD') && pending.length < 16) return '';
        if (piece !== '') {
          shown = pending;
          pending = [];
        }
        return piece;
      },
      end: text,
    };
  }
}

function isTokenId(id: unknown): id is number {
  return typeof id === 'number' && Number.isSafeInteger(id) && id >= 0;
}

/** The definition in the terms in which the library does what the reference does. */
function asLibraryReads(definition: JsonObject): JsonObject {
  const { normalizer, pre_tokenizer: preTokenizer, ...rest } = splitAtWords(definition);
  return { ...rest, normalizer: withUnicodeSpaces(normalizer), pre_tokenizer: withUnicodeSpaces(preTokenizer) };
}

/** The library takes the unknown word of whole words from the settings; the reference from the definition. */
function withUnknown(settings: JsonObject, { model }: JsonObject): JsonObject {
  if (!isObject(model) || model['type'] !== 'WordLevel' || typeof model['unk_token'] !== 'string') return settings;
  return { ...settings, unk_token: model['unk_token'] };
}

/**
 * SentencePiece-like BPE (Llama, Mistral, Gemma) has no pre-tokenizer that splits: a whole text is one word, which takes the
 * library seconds per 100 kB. Where no token of the vocabulary has a ▁ after another character, no merge can reach across
 * the start of a word, so splitting there first changes no result and lets words be remembered: 10 to 20 times faster.
 */
function splitAtWords(definition: JsonObject): JsonObject {
  const { model, normalizer, pre_tokenizer: preTokenizer } = definition;
  if (!isObject(model) || model.type !== 'BPE' || !isObject(model.vocab)) return definition;
  const marksSpaces = JSON.stringify(normalizer ?? null).includes('"pattern":{"String":" "},"content":"▁"');
  // Gemma's splits at spaces, of which its normalizer has left none.
  const splitsNothing =
    preTokenizer == null ||
    (isObject(preTokenizer) &&
      preTokenizer.type === 'Split' &&
      isObject(preTokenizer.pattern) &&
      preTokenizer.pattern.String === ' ');
  if (!marksSpaces || !splitsNothing) return definition;
  for (const token of Object.keys(model.vocab)) if (/[^▁]▁/u.test(token)) return definition;
  const split = { type: 'Split', pattern: { Regex: '▁*[^▁]+|▁+' }, behavior: 'Isolated', invert: false };
  return { ...definition, pre_tokenizer: split };
}

/** GPT-2's spelling of bytes as characters: printable Latin-1 as itself, the other bytes from U+0100 on. */
function bytesOfByteLevelToken(token: string): string {
  const isPrintable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  const others = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !isPrintable(byte));
  const bytes = Array.from(token, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 256 ? code : (others[code - 256] ?? 0);
  });
  return `⟨${bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(' ')}⟩`;
}

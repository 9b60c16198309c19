// The tokenizers of older checkpoints: vocab.json and merges.txt, where there is no tokenizer.json. What surrounds them (how
// text is cut before merging) is not in the files: the class that tokenizer_config.json names says it.
import { join } from 'node:path';
import { AppError } from '../../contract/base/errors.ts';
import { isObject, readOptionalJson, type JsonObject } from '../files/json.ts';
import { readOptionalText } from '../files/text.ts';

const byteLevel = (useRegex: boolean) => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: useRegex,
});

/** Of Qwen 2: as cl100k, with single digits. */
const QWEN_PIECES =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const gpt2 = { normalizer: null, pre_tokenizer: byteLevel(true) };
const qwen2 = {
  normalizer: { type: 'NFC' },
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Split', pattern: { Regex: QWEN_PIECES }, behavior: 'Isolated', invert: false },
      byteLevel(false),
    ],
  },
};

/** By the names of transformers, less "Fast". */
const CLASSES: Readonly<Record<string, typeof gpt2 | typeof qwen2>> = {
  GPT2Tokenizer: gpt2,
  CodeGenTokenizer: gpt2,
  Qwen2Tokenizer: qwen2,
};

const SPECIAL = ['bos_token', 'eos_token', 'unk_token', 'pad_token', 'additional_special_tokens'];

/**
 * A tokenizer.json made of the two files; null where they are not there.
 * @throws AppError `unsupported` for a class that is not known, `invalid-file`.
 */
export async function definitionFromMerges(folder: string, settings: JsonObject): Promise<JsonObject | null> {
  const vocabulary = await readOptionalJson(join(folder, 'vocab.json'));
  const path = join(folder, 'merges.txt');
  const merges = await readOptionalText(path);
  if (vocabulary === null || merges === null) return null;
  const named = settings['tokenizer_class'];
  const className = (typeof named === 'string' ? named : 'GPT2Tokenizer').replace(/Fast$/u, '');
  const steps = Object.hasOwn(CLASSES, className) ? CLASSES[className] : undefined;
  if (!steps) {
    throw new AppError(
      'unsupported',
      `${folder}: how a ${className.slice(0, 60)} cuts its text is not known without a tokenizer.json (${Object.keys(CLASSES).join(', ')} are).`,
      { details: { path: folder } },
    );
  }
  const map = (await readOptionalJson(join(folder, 'special_tokens_map.json'))) ?? {};
  return {
    version: '1.0',
    added_tokens: addedTokens(vocabulary, settings, map),
    ...steps,
    post_processor: null,
    decoder: byteLevel(true),
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      vocab: vocabulary,
      merges: readMerges(merges, path),
    },
  };
}

function readMerges(text: string, path: string): readonly (readonly string[])[] {
  const lines = text.split(/\r?\n/u).map((line, index) => ({ line, number: index + 1 }));
  return lines
    .filter(({ line, number }) => line !== '' && !(number === 1 && line.startsWith('#version')))
    .map(({ line, number }) => {
      const pair = line.split(' ');
      if (pair.length === 2 && !pair.includes('')) return pair;
      throw new AppError('invalid-file', `${path}: line ${number} must be two pieces with a space between.`, {
        details: { path, line: number },
      });
    });
}

/** Tokens that are found whole in a text: those of `added_tokens_decoder`, else those that the settings name. */
function addedTokens(vocabulary: JsonObject, settings: JsonObject, map: JsonObject): readonly JsonObject[] {
  const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const decoder = settings['added_tokens_decoder'];
  if (isObject(decoder)) {
    return Object.entries(decoder).flatMap(([id, token]) =>
      isObject(token) && typeof token['content'] === 'string' ? [{ ...plain, ...token, id: Number(id) }] : [],
    );
  }
  const contents = SPECIAL.flatMap((key) => {
    const value = settings[key] ?? map[key];
    return (Array.isArray(value) ? value : [value]).map((token: unknown) =>
      isObject(token) ? token['content'] : token,
    );
  });
  return [...new Set(contents)].flatMap((content) => {
    const id = typeof content === 'string' ? vocabulary[content] : undefined;
    return typeof id === 'number' ? [{ ...plain, id, content }] : [];
  });
}
